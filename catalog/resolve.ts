// From an entry as it was written to the definition with every default filled in, and its fingerprint.
import { createHash } from "node:crypto";
import type {
  ColumnDefinition,
  Definition,
  LoadBudgetDefinition,
  ModelDefinition,
  SourceDefinition,
  TableDefinition,
} from "./definition.ts";
import { CatalogError, refuseMistaken } from "./errors.ts";
import type {
  CassandraTable,
  Column,
  Cursor,
  Deletes,
  Model,
  Publish,
  Source,
  SourceSystem,
  Table,
} from "./table.ts";

/** What an entry is deployed as. */
export interface EntryContext {
  readonly deployment: string;
  /** Where the model's script was uploaded, `s3://…`. Models only. */
  readonly scriptUri?: string;
  /** Hash of the script's content, so that a changed script is a changed definition. Models only. */
  readonly scriptHash?: string;
}

const GENTLE: Omit<LoadBudgetDefinition, "dutyCycle"> = {
  lanes: 1,
  maxRowsPerSecond: 5000,
  maxBytesPerSecond: 10_000_000,
  pageRows: 100,
  // Half of the hour between two runs by default: with what Plan (300 s), a link that is tried again (900 s) and Commit
  // (300 s) may take at most, a run's reading is over before the next run begins.
  maxSecondsPerRun: 1800,
  hours: null,
  shardsAtOnce: 1,
  preference: null,
  dataCenter: null,
};

/**
 * Chosen by what they do to the customers' waiting (docs/benchmarks.md). Cassandra answers customers in a third of
 * Elasticsearch's time, so one of them who meets a page waits for relatively longer.
 */
export const DEFAULT_BUDGETS: Readonly<Record<SourceSystem, LoadBudgetDefinition>> = {
  elasticsearch: { ...GENTLE, dutyCycle: 0.05 },
  cassandra: { ...GENTLE, dutyCycle: 0.02 },
};

/** When and how far back rows are read again to find what came late. */
export const DEFAULT_RECONCILE = { everyHours: 168, reachHours: 192 } as const;

/** Token ranges of one Cassandra sweep, at least. */
export const DEFAULT_SPLITS = 16;

/** Share of a table's live rows above which deletes found by absence are held back and reported. */
export const DEFAULT_MAX_DELETED_SHARE = 0.1;

export function isModel(entry: Table | Model): entry is Model {
  return "inputs" in entry;
}

/**
 * The definition of an entry, with every default filled in.
 *
 * @throws CatalogError if the entry was defined with mistakes, or a model comes without its script's address and hash
 */
export function resolveEntry(entry: Table | Model, context: EntryContext): Definition {
  refuseMistaken(entry);
  return isModel(entry) ? resolveModel(entry, context) : resolveTable(entry, context.deployment);
}

function resolveTable(table: Table, deployment: string): TableDefinition {
  const definition: Omit<TableDefinition, "fingerprint"> = {
    kind: "table",
    ...resolveShared(table),
    source: resolveSource(table.source, deployment),
    from: "index" in table.from ? { index: table.from.index } : resolveCassandra(table, table.from),
    cursor: resolveCursor(table),
    deletes: resolveDeletes(table.deletes),
  };
  return { ...definition, fingerprint: fingerprint(tableContent(definition)) };
}

function resolveCassandra(
  table: Table,
  { keyspace, table: name }: CassandraTable["from"],
): TableDefinition["from"] {
  const splits = ("splits" in table ? table.splits : undefined) ?? DEFAULT_SPLITS;
  const changes = "changes" in table ? table.changes : undefined;
  if (changes?.strategy !== "buckets") return { keyspace, table: name, splits };
  const { column, unit, lateBuckets, values = {} } = changes;
  return {
    ...{ keyspace, table: name, splits },
    buckets: {
      ...{ column: sourceName(table, column), unit, lateBuckets },
      values: Object.fromEntries(
        Object.entries(values).map(([other, listed]) => [sourceName(table, other), [...listed]]),
      ),
    },
  };
}

/** The exact name of a declared column in the source. */
function sourceName(table: Table, column: string): string {
  const path = table.columns.find(({ name }) => name === column)?.path ?? [column];
  return path.join(".");
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

function resolveShared(entry: Table | Model) {
  return {
    name: entry.name,
    owner: entry.owner,
    description: entry.description,
    key: [...entry.key],
    columns: entry.columns.map(resolveColumn),
    partitioning: (entry.partitioning ?? []).map((partition) => ({ ...partition })),
    checks: (entry.checks ?? []).map((check) => ({ ...check })),
    publish: resolvePublish(entry.publish),
  };
}

function resolveColumn(column: Column): ColumnDefinition {
  return {
    name: column.name,
    type: column.type,
    path: [...(column.path ?? [column.name])],
    description: oneLine(column.description),
    nullable: column.nullable ?? true,
    personal: column.personal ?? false,
  };
}

/** A text as one line, which is what comments of columns are in Glue. */
function oneLine(text: string): string {
  return text.replaceAll(/[\s\p{Cc}]+/gu, " ").trim();
}

function resolvePublish(publish: Publish | false | undefined): Definition["publish"] {
  if (publish === false) return null;
  return {
    distribution: publish?.distribution ?? { style: "even" },
    sortKeys: [...(publish?.sortKeys ?? [])],
  };
}

/**
 * A source with every default filled in.
 *
 * @throws CatalogError if the source was defined with mistakes
 */
export function resolveSource(source: Source, deployment: string): SourceDefinition {
  refuseMistaken(source);
  return {
    name: source.name,
    system: source.system,
    owner: source.owner,
    description: source.description,
    secret: `${deployment}/source/${source.name}`,
    budget: resolveBudget(source),
  };
}

function resolveBudget({ system, budget = {} }: Source): LoadBudgetDefinition {
  const byDefault = DEFAULT_BUDGETS[system];
  return {
    lanes: budget.lanes ?? byDefault.lanes,
    dutyCycle: budget.dutyCycle ?? byDefault.dutyCycle,
    maxRowsPerSecond: budget.maxRowsPerSecond ?? byDefault.maxRowsPerSecond,
    maxBytesPerSecond: budget.maxBytesPerSecond ?? byDefault.maxBytesPerSecond,
    pageRows: budget.pageRows ?? byDefault.pageRows,
    maxSecondsPerRun: budget.maxSecondsPerRun ?? byDefault.maxSecondsPerRun,
    hours: budget.hours === undefined ? byDefault.hours : { ...budget.hours },
    shardsAtOnce: budget.shardsAtOnce ?? byDefault.shardsAtOnce,
    preference: budget.preference ?? byDefault.preference,
    dataCenter: budget.dataCenter ?? byDefault.dataCenter,
  };
}

function resolveCursor(table: Table): TableDefinition["cursor"] {
  const cursor = cursorOf(table);
  if (cursor === null) return null;
  const { column, lagSeconds, overlapSeconds, reconcile } = cursor;
  const declared = table.columns.find(({ name }) => name === column);
  // Of a long's units nothing is known, so that there is no "eight days back".
  const usual = declared?.type === "long" ? null : DEFAULT_RECONCILE;
  const chosen = reconcile === false ? null : (reconcile ?? usual);
  return {
    column,
    field: sourceName(table, column),
    lagSeconds,
    overlapSeconds,
    reconcile: chosen === null ? null : { ...chosen },
  };
}

/** The cursor that a table's changes are found by, if they are. */
export function cursorOf(table: Table): Cursor | null {
  if ("cursor" in table) return table.cursor;
  const changes = "changes" in table ? table.changes : undefined;
  return changes?.strategy === "index" ? changes : null;
}

/** True if each pass reads all rows, so that what it does not see is gone. */
export function readsAllRows(table: Table): boolean {
  const changes = "changes" in table ? table.changes : undefined;
  return !("cursor" in table) && (changes === undefined || changes.strategy === "sweep");
}

function resolveDeletes(deletes: Deletes): TableDefinition["deletes"] {
  switch (deletes.strategy) {
    case "none":
      return { strategy: "none" };
    case "soft-delete":
      return { strategy: "soft-delete", column: deletes.column };
    case "key-sweep":
      return {
        strategy: "key-sweep",
        everyHours: deletes.everyHours,
        maxShare: deletes.maxShare ?? DEFAULT_MAX_DELETED_SHARE,
      };
    case "absence":
      return { strategy: "absence", maxShare: deletes.maxShare ?? DEFAULT_MAX_DELETED_SHARE };
  }
}

/** What decides the rows that are built from the same objects. Words about a column and how often to look do not. */
function tableContent(table: Omit<TableDefinition, "fingerprint">): unknown {
  const { deletes } = table;
  return {
    ...sharedContent(table),
    // Versions of two cursors cannot be compared; a Cassandra row's version is no cursor.
    cursor: "index" in table.from ? (table.cursor?.field ?? null) : null,
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
