// The fields of what an engineer writes, for those who write it without the types' help: by a spread, from JSON, in JavaScript.
// Which values they may have is checked by the rest of the validation.
import { z } from "zod";
import type { Mistake } from "./errors.ts";
import { mistakesFromIssues, pathText, type Path } from "./issues.ts";
import type {
  Buckets,
  CassandraTable,
  Catalog,
  Check,
  Column,
  Cursor,
  Deletes,
  ElasticsearchTable,
  ExtractionHours,
  LoadBudget,
  Model,
  Partition,
  Publish,
  Reconcile,
  Source,
  Table,
} from "./table.ts";

/** A schema for each field of a type: one that is forgotten here does not compile. */
type Fields<T> = T extends unknown ? Record<keyof T, z.ZodType> : never;
type StrategyOf<T extends { readonly strategy: string }, Strategy extends T["strategy"]> = Extract<
  T,
  { strategy: Strategy }
>;

const text = z.string();
/** Checked elsewhere, whatever it is. */
const any = z.unknown().optional();
const texts = z.array(text);

/** A field's own mistake is told by the check of its value, also where it has no fields at all. */
const orOther = <Schema extends z.ZodType>(schema: Schema) =>
  z.union([schema, z.unknown().refine((value) => typeof value !== "object" || value === null)]);

export const hoursFields = z.strictObject({
  timeZone: any,
  from: any,
  to: any,
} satisfies Fields<ExtractionHours>);

const budget = z.strictObject({
  lanes: any,
  dutyCycle: any,
  maxRowsPerSecond: any,
  maxBytesPerSecond: any,
  pageRows: any,
  maxSecondsPerRun: any,
  hours: orOther(hoursFields).optional(),
  shardsAtOnce: any,
  preference: any,
  dataCenter: any,
} satisfies Fields<LoadBudget>);

const source = z.strictObject({
  name: text,
  system: text,
  owner: text,
  description: text,
  budget: budget.optional(),
} satisfies Fields<Source>);

const column = z.strictObject({
  name: text,
  type: any,
  description: text,
  path: texts.optional(),
  nullable: z.boolean().optional(),
  personal: z.boolean().optional(),
} satisfies Fields<Column>);

const reconcile = z.strictObject({ everyHours: any, reachHours: any } satisfies Fields<Reconcile>);

const cursorFields = {
  column: text,
  lagSeconds: any,
  overlapSeconds: any,
  reconcile: z.union([z.literal(false), reconcile]).optional(),
} satisfies Fields<Cursor>;

const changes = z.discriminatedUnion("strategy", [
  z.strictObject({ strategy: z.literal("sweep") }),
  z.strictObject({ strategy: z.literal("index"), ...cursorFields }),
  z.strictObject({
    strategy: z.literal("buckets"),
    column: text,
    unit: any,
    lateBuckets: any,
    values: z.record(text, z.array(z.union([text, z.number()]))).optional(),
  } satisfies Fields<Buckets>),
]);

const deletes = z.discriminatedUnion("strategy", [
  z.strictObject({ strategy: z.literal("none") }),
  z.strictObject({
    strategy: z.literal("soft-delete"),
    column: text,
  } satisfies Fields<StrategyOf<Deletes, "soft-delete">>),
  z.strictObject({
    strategy: z.literal("key-sweep"),
    everyHours: any,
    maxShare: any,
  } satisfies Fields<StrategyOf<Deletes, "key-sweep">>),
  z.strictObject({
    strategy: z.literal("absence"),
    maxShare: any,
  } satisfies Fields<StrategyOf<Deletes, "absence">>),
]);

const partition = z.strictObject({
  column: text,
  transform: z.union([text, z.strictObject({ bucket: any })], {
    error: 'write "identity", "day", "month" or {bucket: n}',
  }),
} satisfies Fields<Partition>);

const check = z.strictObject({
  name: text,
  badRows: text,
  severity: any,
} satisfies Fields<Check>);

const publish = z.strictObject({
  distribution: z
    .discriminatedUnion("style", [
      z.strictObject({ style: z.enum(["even", "all"]) }),
      z.strictObject({ style: z.literal("key"), column: text }),
    ])
    .optional(),
  sortKeys: texts.optional(),
} satisfies Fields<Publish>);

const entryFields = {
  name: text,
  owner: text,
  description: text,
  key: texts,
  columns: z.array(column),
  partitioning: z.array(partition).optional(),
  checks: z.array(check).optional(),
  publish: z.union([z.literal(false), publish]).optional(),
};

const tableFields = {
  ...entryFields,
  source: z.looseObject({ name: text, system: text }),
  deletes,
};

const fromIndex = z.strictObject({ index: text } satisfies Fields<ElasticsearchTable["from"]>);
const fromKeyspace = z.strictObject({
  keyspace: text,
  table: text,
} satisfies Fields<CassandraTable["from"]>);

const elasticsearchTable = z.strictObject({
  ...tableFields,
  // What the other system has is told with the values.
  from: z.union([fromIndex, fromKeyspace]),
  cursor: z.strictObject(cursorFields).optional(),
  // For Cassandra; a table that has it is told so.
  changes: any,
} satisfies Fields<ElasticsearchTable> & { changes: z.ZodType });

const cassandraTable = z.strictObject({
  ...tableFields,
  from: z.union([fromKeyspace, fromIndex]),
  splits: any,
  changes: changes.optional(),
} satisfies Fields<CassandraTable>);

const model = z.strictObject({
  ...entryFields,
  inputs: z.array(z.looseObject({ name: text })),
  script: z.instanceof(URL, { error: 'write new URL("NAME.sql", import.meta.url)' }),
} satisfies Fields<Model>);

const catalog = z.strictObject({
  sources: z.array(z.looseObject({ name: text })),
  tables: z.array(z.looseObject({ name: text })),
  models: z.array(z.looseObject({ name: text })),
} satisfies Fields<Catalog>);

/** What was found of the fields: where a value has not even the right kind, no other check can look at it. */
export interface FieldMistakes {
  readonly mistakes: readonly Mistake[];
  /** False if a field that must be there is missing, or has a value of another kind. */
  readonly isSound: boolean;
}

/** Misspelled, unknown and missing fields of a source. */
export function mistakesInSourceFields(written: Source, place: string): FieldMistakes {
  return found(source, written, place);
}

/** True for a model, also for one of whose inputs only the script is there. */
export function looksLikeModel(written: Table | Model): boolean {
  return "inputs" in written || "script" in written;
}

/** Misspelled, unknown and missing fields of a table or a model, at every level but inside column types. */
export function mistakesInEntryFields(written: Table | Model, place: string): FieldMistakes {
  if (looksLikeModel(written)) return found(model, written, place);
  // Widened: what is looked at was written by a person, and types do not hold at run time.
  const from: unknown = (written as Partial<Table>).source;
  const isCassandra =
    typeof from === "object" && from !== null && "system" in from && from.system === "cassandra";
  return found(isCassandra ? cassandraTable : elasticsearchTable, written, place);
}

/** Misspelled, unknown and missing fields of a catalog itself. */
export function mistakesInCatalogFields(written: Catalog): FieldMistakes {
  return found(catalog, written, "the catalog");
}

function found(schema: z.ZodType, written: unknown, place: string): FieldMistakes {
  const parsed = schema.safeParse(written);
  if (parsed.success) return { mistakes: [], isSound: true };
  const { issues } = parsed.error;
  return {
    mistakes: mistakesFromIssues(schema, written, issues, (path) => placeOf(path, written, place)),
    isSound: issues.every(({ code }) => code === "unrecognized_keys"),
  };
}

const LISTS: Readonly<Record<string, string>> = { columns: "column", checks: "check" };

/** `table leads, column email.descripton` for the path columns[3].descripton. */
function placeOf(path: Path, written: unknown, place: string): string {
  const [list, index, ...rest] = path;
  if (path.length === 0) return place;
  const kind = LISTS[String(list)];
  if (kind === undefined || typeof index !== "number") return `${place}, ${pathText(path)}`;
  const one = nameAt(written, String(list), index);
  const inside = rest.length === 0 ? "" : `.${pathText(rest)}`;
  return `${place}, ${kind} ${one ?? `number ${index + 1}`}${inside}`;
}

const listed = z.looseObject({ name: text });

function nameAt(written: unknown, list: string, index: number): string | undefined {
  const values = z.record(text, any).safeParse(written).data?.[list];
  return Array.isArray(values) ? listed.safeParse(values[index]).data?.name : undefined;
}
