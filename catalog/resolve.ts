// From an entry as it was written to the definition with every default filled in, and its fingerprint.
import { createHash } from "node:crypto";
import { z } from "zod";
import { sourceField, type Reading } from "../sources/declaration.ts";
import { declarationOf, type SourceSystem } from "../sources/declarations.ts";
import { deletesSchema } from "../sources/table-fields.ts";
import type { JsonObject } from "../contract/json.ts";
import {
  type ColumnDefinition,
  type Definition,
  type LoadBudgetDefinition,
  type ModelDefinition,
  type SourceDefinition,
  sourceSchema,
  type TableDefinition,
} from "./definition.ts";
import { CatalogError, rejectMistaken } from "./errors.ts";
import {
  budgetSchemaOf,
  type Column,
  columnSchema,
  commonBudgetSchema,
  entryFields,
  type Model,
  type Source,
  type Table,
} from "./table.ts";

/** What an entry is deployed as. */
export interface EntryContext {
  readonly deployment: string;
  /** Where the model's script was uploaded, `s3://…`. Models only. */
  readonly scriptUri?: string;
  /** Hash of the script's content, so that a changed script is a changed definition. Models only. */
  readonly scriptHash?: string;
}

/** When and how far back rows are read again to find what came late. */
export const DEFAULT_LATE_ROWS = { everyHours: 168, reachHours: 192 } as const;

export function isModel(entry: Table | Model): entry is Model {
  return "inputs" in entry;
}

/**
 * The definition of an entry, with every default filled in.
 *
 * @throws CatalogError if the entry was defined with mistakes, or a model comes without its script's address and hash
 */
export function resolveEntry(entry: Table | Model, context: EntryContext): Definition {
  rejectMistaken(entry);
  return isModel(entry) ? resolveModel(entry, context) : resolveTable(entry, context.deployment);
}

function resolveTable(table: Table, deployment: string): TableDefinition {
  const reading = readingOf(table);
  if (reading === null) {
    throw new CatalogError([
      {
        place: `table ${table.name}`,
        problem: `its fields are not those of a table of ${table.source.system}`,
        fix: "define it with defineTable, which names each mistake",
      },
    ]);
  }
  const definition: Omit<TableDefinition, "fingerprint"> = {
    kind: "table",
    ...resolveShared(table),
    source: resolveSource(table.source, deployment),
    from: reading.from,
    cursor: resolveCursor(table, reading),
    deletes: deletesSchema.parse(table.deletes),
  };
  return { ...definition, fingerprint: fingerprint(tableContent(definition)) };
}

/** What a table's own fields say of how it is read; null if they are not right. */
export function readingOf(table: Table): Reading<JsonObject> | null {
  return declarationOf(table.source.system).reading(table);
}

function resolveModel(model: Model, context: EntryContext): ModelDefinition {
  const { scriptUri, scriptHash } = context;
  if (scriptUri === undefined || scriptHash === undefined) {
    throw new CatalogError([
      {
        place: `model ${model.name}`,
        problem: `the script's ${scriptUri === undefined ? "scriptUri" : "scriptHash"} is missing`,
        fix: "upload the script as an asset and pass its s3:// address and content hash",
      },
    ]);
  }
  const definition: Omit<ModelDefinition, "fingerprint"> = {
    kind: "model",
    ...resolveShared(model),
    language: model.script.pathname.endsWith(".py") ? "python" : "sql",
    script: scriptUri,
    inputs: model.inputs.map((input) => input.name),
  };
  return { ...definition, fingerprint: fingerprint(modelContent(definition, scriptHash)) };
}

const sharedSchema = z.object(entryFields).omit({ columns: true });

function resolveShared(entry: Table | Model) {
  const { key, partitioning, checks, publish, ...words } = sharedSchema.parse(entry);
  return {
    ...words,
    key: [...key],
    columns: entry.columns.map(resolveColumn),
    partitioning: [...partitioning],
    checks: [...checks],
    publish: publish === false ? null : publish,
  };
}

function resolveColumn(column: Column): ColumnDefinition {
  const { path = [column.name], ...shared } = columnSchema.parse(column);
  return { ...shared, path, description: oneLine(column.description) };
}

/** A text as one line, which is what comments of columns are in Glue. */
function oneLine(text: string): string {
  return text.replaceAll(/[\s\p{Cc}]+/gu, " ").trim();
}

/**
 * A source with every default filled in.
 *
 * @throws CatalogError if the source was defined with mistakes
 */
export function resolveSource(source: Source, deployment: string): SourceDefinition {
  rejectMistaken(source);
  const { name, system, owner, description, budget } = source;
  return {
    ...{ name, system, owner, description },
    secret: `${deployment}/source/${name}`,
    budget: resolveBudget(system, budget ?? {}),
  };
}

/** The budget of a source that declares none. */
export function defaultBudget(system: SourceSystem): LoadBudgetDefinition {
  return resolveBudget(system, {});
}

function resolveBudget(system: SourceSystem, written: object): LoadBudgetDefinition {
  const declaration = declarationOf(system);
  const budget = budgetSchemaOf(declaration).parse(written);
  const common = z.object(commonBudgetSchema.shape).parse(budget);
  return {
    ...common,
    own: sourceSchema.shape.budget.shape.own.parse(z.object(declaration.budget).parse(budget)),
  };
}

function resolveCursor(table: Table, { cursor }: Reading<JsonObject>): TableDefinition["cursor"] {
  if (cursor === null) return null;
  const { column, lagSeconds, overlapSeconds, lateRows } = cursor;
  const declared = table.columns.find(({ name }) => name === column);
  // Of a long's units nothing is known, so that there is no "eight days back".
  const usual = declared?.type === "long" ? null : DEFAULT_LATE_ROWS;
  const chosen = lateRows === false ? null : (lateRows ?? usual);
  return {
    column,
    field: sourceField(table.columns, column),
    lagSeconds,
    overlapSeconds,
    lateRows: chosen === null ? null : { ...chosen },
  };
}

/** What decides the rows that are built from the same objects. Words about a column and how often to look do not. */
function tableContent(table: Omit<TableDefinition, "fingerprint">): unknown {
  const { deletes, source, cursor } = table;
  return {
    ...sharedContent(table),
    // Versions of two cursors cannot be compared; a pass's number is not a cursor.
    cursor: declarationOf(source.system).versions === "cursor" ? (cursor?.field ?? null) : null,
    deletes: deletes.strategy === "soft-delete" ? deletes : { strategy: deletes.strategy },
  };
}

function modelContent(model: Omit<ModelDefinition, "fingerprint">, scriptHash: string): unknown {
  return { ...sharedContent(model), inputs: model.inputs, language: model.language, scriptHash };
}

function sharedContent(definition: Omit<Definition, "fingerprint">): Record<string, unknown> {
  return {
    kind: definition.kind,
    key: definition.key,
    columns: definition.columns.map(({ name, type, path, nullable }) => ({
      name,
      type,
      path,
      nullable,
    })),
    partitioning: definition.partitioning,
  };
}

function fingerprint(content: unknown): string {
  return createHash("sha256").update(canonicalJson(content)).digest("hex");
}

/** JSON without spaces, the members of each object in the order of their names. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    typeof member === "object" && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
