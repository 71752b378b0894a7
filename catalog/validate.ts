// All mistakes in sources, tables, models and the whole catalog, in one list and without I/O.
import { mistakesInGraph } from "./validate-graph.ts";
import type { Mistake } from "../contract/mistake.ts";
import { mistakesInEntryName, mistakesInName, repeatedNames } from "./names.ts";
import { notAColumn } from "../sources/declaration.ts";
import { declarationOf } from "../sources/declarations.ts";
import { isModel, readingOf } from "./resolve.ts";
import type {
  Catalog,
  Check,
  Column,
  Cursor,
  Model,
  Partition,
  Publish,
  Source,
  Table,
} from "./table.ts";
import { MAX_PARAMETER_LENGTH, isPlain, mistakesInColumns } from "./validate-columns.ts";
import type { ColumnType } from "../contract/column-types.ts";
import {
  looksLikeModel,
  mistakesInCatalogFields,
  mistakesInEntryFields,
  mistakesInSourceFields,
} from "./fields.ts";

/** Glue's limit for the description of a table, in bytes of UTF-8. */
const MAX_DESCRIPTION_BYTES = 2048;
/** Glue takes tabs and line ends in a description, and no other control characters. */
// eslint-disable-next-line no-control-regex -- these are what is looked for
const CONTROL_CHARACTERS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/;
const MAX_OVERLAP_SECONDS = 30 * 86_400;
/** Redshift's limit for a compound sort key. */
const MAX_SORT_KEYS = 400;

/** Says whether a model's script is there; the only thing that validation cannot know by itself. */
export type ScriptExists = (script: URL) => boolean;

/** All mistakes in one source. */
export function* mistakesInSource(source: Source): Generator<Mistake> {
  const place = `source ${source.name}`;
  const fields = mistakesInSourceFields(source, place);
  yield* fields.mistakes;
  if (!fields.isSound) return;
  yield* mistakesInName(source.name, place);
  yield* mistakesInWords(source, place);
}

/** All mistakes in one table or model, looked at alone. */
export function* mistakesInEntry(entry: Table | Model, exists: ScriptExists): Generator<Mistake> {
  const place = `${looksLikeModel(entry) ? "model" : "table"} ${entry.name}`;
  const fields = mistakesInEntryFields(entry, place);
  yield* fields.mistakes;
  if (!fields.isSound) return;
  yield* mistakesInEntryName(entry.name, place);
  yield* mistakesInWords(entry, place);
  yield* mistakesInColumns(
    entry.columns,
    place,
    isModel(entry) ? undefined : declarationOf(entry.source.system),
  );
  yield* mistakesInKey(entry, place);
  yield* mistakesInPartitioning(entry, place);
  yield* mistakesInChecks(entry.checks ?? [], place);
  if (entry.publish !== false) yield* mistakesInPublish(entry.publish ?? {}, entry, place);
  yield* isModel(entry) ? mistakesInScript(entry, place, exists) : mistakesInReading(entry, place);
}

/** All mistakes in the catalog: in each entry alone, and in how they fit together. */
export function* mistakesInCatalog(catalog: Catalog, exists: ScriptExists): Generator<Mistake> {
  const fields = mistakesInCatalogFields(catalog);
  yield* fields.mistakes;
  if (!fields.isSound) return;
  for (const source of catalog.sources)
    yield* asFarAsItGoes(`source ${source.name}`, mistakesInSource(source));
  for (const table of catalog.tables)
    yield* asFarAsItGoes(`table ${table.name}`, mistakesInEntry(table, exists));
  for (const model of catalog.models)
    yield* asFarAsItGoes(`model ${model.name}`, mistakesInEntry(model, exists));
  yield* asFarAsItGoes("catalog", mistakesInGraph(catalog));
}

/** An entry that does not have the form of one ends its own check, and no other entry's. */
export function* asFarAsItGoes(place: string, mistakes: Iterable<Mistake>): Generator<Mistake> {
  try {
    yield* mistakes;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    yield {
      place,
      problem: `it does not have the form of an entry (${error.message})`,
      fix: "`npx tsc --noEmit` shows which field is missing or has another type",
    };
  }
}

function* mistakesInWords(
  entry: { readonly owner: string; readonly description: string },
  place: string,
): Generator<Mistake> {
  if (entry.owner.trim() === "") {
    yield { place, problem: "the owner is empty", fix: "name the team that is responsible for it" };
  }
  if (entry.description.trim() === "") {
    yield { place, problem: "the description is empty", fix: "say in a sentence what it holds" };
  }
  const bytes = Buffer.byteLength(entry.description);
  if (bytes > MAX_DESCRIPTION_BYTES) {
    yield {
      place,
      problem: `the description has ${bytes} bytes, and Glue allows ${MAX_DESCRIPTION_BYTES}`,
      fix: "shorten it, or move words to the columns that they are about",
    };
  }
  if (CONTROL_CHARACTERS.test(entry.description)) {
    yield {
      place,
      problem: `the description ${JSON.stringify(entry.description)} has control characters`,
      fix: "keep letters, spaces, tabs and line ends",
    };
  }
}

/** The column, or the mistake that there is none. */
function* declaredColumn(
  entry: Table | Model,
  name: string,
  place: string,
): Generator<Mistake, Column | undefined> {
  const column = entry.columns.find((candidate) => candidate.name === name);
  if (column === undefined) yield notAColumn(entry.columns, name, place);
  return column;
}

function wrongType(place: string, column: Column, wanted: string): Mistake {
  return {
    place,
    problem: `the column ${column.name} has the type ${JSON.stringify(column.type)}`,
    fix: `name a column of type ${wanted}`,
  };
}

function* mistakesInKey(entry: Table | Model, entryPlace: string): Generator<Mistake> {
  const place = `${entryPlace}, key`;
  if (entry.key.length === 0) {
    yield {
      place,
      problem: "the key is empty",
      fix: "name the columns that distinguish one row from all others",
    };
  }
  for (const name of repeatedNames(entry.key)) {
    yield { place, problem: `${name} stands in the key twice`, fix: "name it once" };
  }
  for (const name of entry.key) {
    const column = yield* declaredColumn(entry, name, place);
    if (column === undefined) continue;
    if (column.nullable !== false) {
      yield {
        place: `${entryPlace}, column ${name}`,
        problem: "it is part of the key and may be null",
        fix: "write nullable: false",
      };
    }
    if (!isPlain(column.type) || column.type === "float" || column.type === "double") {
      yield wrongType(
        place,
        column,
        "string, a whole number, decimal, boolean, date, timestamp or binary",
      );
    }
  }
}

function* mistakesInPartitioning(entry: Table | Model, entryPlace: string): Generator<Mistake> {
  const place = `${entryPlace}, partitioning`;
  const partitions = entry.partitioning ?? [];
  for (const name of repeatedNames(partitions.map((partition) => partition.column))) {
    yield { place, problem: `it partitions by ${name} twice`, fix: "keep one of them" };
  }
  for (const partition of partitions) {
    const column = yield* declaredColumn(entry, partition.column, place);
    if (column === undefined) continue;
    const { transform } = partition;
    const wanted = wantedByTransform(transform);
    if (!wanted.suits(column.type)) yield wrongType(place, column, wanted.words);
  }
}

function wantedByTransform(transform: Partition["transform"]): {
  words: string;
  suits: (type: ColumnType) => boolean;
} {
  const isFraction = (type: ColumnType): boolean => type === "float" || type === "double";
  if (typeof transform === "object") {
    return {
      words: "string, a whole number, decimal, date, timestamp or binary, to be cut into buckets",
      suits: (type) => isPlain(type) && !isFraction(type) && type !== "boolean",
    };
  }
  switch (transform) {
    case "identity":
      return {
        words: "string, boolean, a whole number or date, to be partitioned by its values",
        suits: (type) =>
          isPlain(type) && !isFraction(type) && type !== "binary" && !isTimestamp(type),
      };
    case "day":
    case "month":
      return {
        words: `date or timestamp, to be partitioned by ${transform}`,
        suits: (type) => type === "date" || isTimestamp(type),
      };
  }
}

function* mistakesInChecks(checks: readonly Check[], entryPlace: string): Generator<Mistake> {
  for (const name of repeatedNames(checks.map((check) => check.name))) {
    yield {
      place: `${entryPlace}, check ${name}`,
      problem: "two checks have this name",
      fix: "rename one",
    };
  }
  for (const check of checks) {
    const place = `${entryPlace}, check ${check.name}`;
    yield* mistakesInName(check.name, place);
  }
  const length = JSON.stringify(checks).length;
  if (length > MAX_PARAMETER_LENGTH) {
    yield {
      place: `${entryPlace}, checks`,
      problem: `they take ${length} characters as a Glue parameter, which allows ${MAX_PARAMETER_LENGTH}`,
      fix: "move some to a model that selects the bad rows",
    };
  }
}

function* mistakesInPublish(
  publish: Publish,
  entry: Table | Model,
  entryPlace: string,
): Generator<Mistake> {
  const { distribution, sortKeys = [] } = publish;
  const plain =
    "string, boolean, number, decimal, date, timestamp or binary: it is SUPER in Redshift";
  if (distribution?.style === "key") {
    const place = `${entryPlace}, publish.distribution`;
    const column = yield* declaredColumn(entry, distribution.column, place);
    if (column !== undefined && !isPlain(column.type)) yield wrongType(place, column, plain);
  }
  const place = `${entryPlace}, publish.sortKeys`;
  for (const name of repeatedNames(sortKeys)) {
    yield { place, problem: `it sorts by ${name} twice`, fix: "name it once" };
  }
  if (sortKeys.length > MAX_SORT_KEYS) {
    yield { place, problem: `there are ${sortKeys.length}`, fix: `name at most ${MAX_SORT_KEYS}` };
  }
  for (const name of sortKeys) {
    const column = yield* declaredColumn(entry, name, place);
    if (column !== undefined && !isPlain(column.type)) yield wrongType(place, column, plain);
  }
}

/** Mistakes in how a table is read from its source, as far as its fields are right. */
function* mistakesInReading(table: Table, place: string): Generator<Mistake> {
  const declaration = declarationOf(table.source.system);
  const reading = readingOf(table);
  if (reading !== null) {
    const { cursor, readsAllRows } = reading;
    if (cursor !== null)
      yield* mistakesInCursor(table, cursor, `${place}, ${declaration.cursorField ?? "cursor"}`);
    yield* mistakesInStrategy(table, readsAllRows, `${place}, deletes`);
  }
  yield* declaration.mistakes(table, place);
  yield* mistakesInDeletes(table, `${place}, deletes`);
}

function* mistakesInCursor(table: Table, cursor: Cursor, place: string): Generator<Mistake> {
  const { overlapSeconds, lateRows } = cursor;
  const column = yield* declaredColumn(table, cursor.column, place);
  if (column !== undefined) {
    if (column.type !== "timestamp" && column.type !== "long") {
      yield wrongType(place, column, "timestamp or long");
    }
    if (column.nullable !== false) {
      yield {
        place: `${place}, column ${column.name}`,
        problem: "it is the cursor and may be null: a row without it would never be found",
        fix: "write nullable: false",
      };
    }
    const { idColumn, title } = declarationOf(table.source.system);
    if (idColumn !== undefined && column.path?.[0] === idColumn.path) {
      yield {
        place: `${place}, column ${column.name}`,
        problem: `${title} cannot sort by ${idColumn.path}`,
        fix: "name a field that grows with each change",
      };
    }
  }
  // The overlap of a long is in the cursor's own units, which are not known.
  if (column?.type !== "long" && overlapSeconds > MAX_OVERLAP_SECONDS) {
    yield {
      place: `${place}.overlapSeconds`,
      problem: `${overlapSeconds} is out of range`,
      fix: `write how late a row may become searchable, from 0 to ${MAX_OVERLAP_SECONDS}`,
    };
  }
  if (column?.type === "long" && lateRows !== undefined && lateRows !== false) {
    yield {
      place: `${place}.lateRows`,
      problem: `the cursor ${column.name} is a long, whose unit is not known`,
      fix: "remove lateRows, or raise overlapSeconds",
    };
  }
}

function* mistakesInStrategy(
  { deletes: { strategy } }: Table,
  readsAllRows: boolean,
  place: string,
): Generator<Mistake> {
  if (strategy === "key-scan" && readsAllRows) {
    yield {
      place,
      problem: "key-scan is not for a table without a cursor, of which all is read anyway",
      fix: 'write {strategy: "full-scan"}',
    };
  } else if (strategy === "full-scan" && !readsAllRows) {
    yield {
      place,
      problem: "full-scan is not for a table of which only what changed is read",
      fix: 'write {strategy: "key-scan", everyHours: …}',
    };
  }
}

function* mistakesInDeletes(table: Table, place: string): Generator<Mistake> {
  const { deletes } = table;
  if (deletes.strategy !== "soft-delete") return;
  const column = yield* declaredColumn(table, deletes.column, place);
  if (column === undefined) return;
  if (column.type !== "boolean" && !isTimestamp(column.type)) {
    yield wrongType(
      place,
      column,
      "boolean (true marks a deleted row) or timestamp (not null marks it)",
    );
  } else if (isTimestamp(column.type) && column.nullable === false) {
    yield {
      place: `${place}, column ${column.name}`,
      problem: "it is never null, so every row would count as deleted",
      fix: "remove nullable: false",
    };
  }
}

function* mistakesInScript(model: Model, place: string, exists: ScriptExists): Generator<Mistake> {
  const { script } = model;
  if (!/\.(sql|py)$/.test(script.pathname)) {
    yield {
      place: `${place}, script`,
      problem: `${script.href} ends in neither .sql nor .py`,
      fix: `write new URL("${model.name}.sql", import.meta.url)`,
    };
  } else if (!exists(script)) {
    yield {
      place: `${place}, script`,
      problem: `there is no file ${script.href}`,
      fix: "write the file, or correct its name",
    };
  }
}

function isTimestamp(type: ColumnType): boolean {
  return type === "timestamp" || (typeof type === "object" && "timestamp" in type);
}
