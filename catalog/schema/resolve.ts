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
import { CatalogError } from "./errors.ts";
import type { Column, Deletes, LoadBudget, Model, Publish, Source, Table } from "./table.ts";

/** What an entry is deployed as. */
export interface EntryContext {
  readonly deployment: string;
  /** The data bucket. */
  readonly bucket: string;
  /** Where the model's script was uploaded, `s3://…`. Models only. */
  readonly scriptUri?: string;
  /** Hash of the script's content, so that a changed script is a changed definition. Models only. */
  readonly scriptHash?: string;
}

export const DEFAULT_BUDGET: LoadBudgetDefinition = {
  lanes: 1,
  dutyCycle: 0.1,
  maxRowsPerSecond: 5000,
  pageRows: 1000,
  maxSecondsPerRun: 3600,
};

/** Token ranges of one Cassandra sweep. */
export const DEFAULT_SPLITS = 16;

/** Share of a table's live rows above which deletes found by absence are held back and reported. */
export const DEFAULT_MAX_DELETED_SHARE = 0.1;

export function isModel(entry: Table | Model): entry is Model {
  return "inputs" in entry;
}

/**
 * The definition of an entry, with every default filled in.
 *
 * @throws CatalogError if a model comes without its script's address and hash
 */
export function resolveEntry(entry: Table | Model, context: EntryContext): Definition {
  return isModel(entry) ? resolveModel(entry, context) : resolveTable(entry, context.deployment);
}

function resolveTable(table: Table, deployment: string): TableDefinition {
  const definition: Omit<TableDefinition, "fingerprint"> = {
    kind: "table",
    ...resolveShared(table),
    source: resolveSource(table.source, deployment),
    from:
      "index" in table.from
        ? { index: table.from.index }
        : {
            keyspace: table.from.keyspace,
            table: table.from.table,
            splits: ("splits" in table ? table.splits : undefined) ?? DEFAULT_SPLITS,
          },
    cursor: "cursor" in table ? resolveCursor(table) : null,
    deletes: resolveDeletes(table.deletes),
  };
  return { ...definition, fingerprint: fingerprint(tableContent(definition)) };
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
    description: column.description,
    nullable: column.nullable ?? true,
    personal: column.personal ?? false,
  };
}

function resolvePublish(publish: Publish | false | undefined): Definition["publish"] {
  if (publish === false) return null;
  return {
    distribution: publish?.distribution ?? { style: "even" },
    sortKeys: [...(publish?.sortKeys ?? [])],
  };
}

function resolveSource(source: Source, deployment: string): SourceDefinition {
  return {
    name: source.name,
    system: source.system,
    owner: source.owner,
    description: source.description,
    secret: `${deployment}/source/${source.name}`,
    budget: resolveBudget(source.budget),
  };
}

function resolveBudget(budget: LoadBudget = {}): LoadBudgetDefinition {
  return {
    lanes: budget.lanes ?? DEFAULT_BUDGET.lanes,
    dutyCycle: budget.dutyCycle ?? DEFAULT_BUDGET.dutyCycle,
    maxRowsPerSecond: budget.maxRowsPerSecond ?? DEFAULT_BUDGET.maxRowsPerSecond,
    pageRows: budget.pageRows ?? DEFAULT_BUDGET.pageRows,
    maxSecondsPerRun: budget.maxSecondsPerRun ?? DEFAULT_BUDGET.maxSecondsPerRun,
  };
}

function resolveCursor(table: Extract<Table, { cursor: unknown }>): TableDefinition["cursor"] {
  const { column, lagSeconds, overlapSeconds } = table.cursor;
  const path = table.columns.find(({ name }) => name === column)?.path ?? [column];
  return { column, field: path.join("."), lagSeconds, overlapSeconds };
}

function resolveDeletes(deletes: Deletes): TableDefinition["deletes"] {
  switch (deletes.way) {
    case "none":
      return { way: "none" };
    case "soft-delete":
      return { way: "soft-delete", column: deletes.column };
    case "key-sweep":
      return {
        way: "key-sweep",
        everyHours: deletes.everyHours,
        maxShare: deletes.maxShare ?? DEFAULT_MAX_DELETED_SHARE,
      };
    case "absence":
      return { way: "absence", maxShare: deletes.maxShare ?? DEFAULT_MAX_DELETED_SHARE };
  }
}

/** What decides the rows that are built from the same objects. Words about a column and how often to look do not. */
function tableContent(table: Omit<TableDefinition, "fingerprint">): unknown {
  const { deletes } = table;
  return {
    ...sharedContent(table),
    // Versions of two cursors cannot be compared.
    cursor: table.cursor?.field ?? null,
    deletes: deletes.way === "soft-delete" ? deletes : { way: deletes.way },
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
