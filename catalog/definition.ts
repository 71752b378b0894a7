// What the Data Catalog tells at run time: an entry with every default filled in, parsed and checked.
import { z } from "zod";
import { columnTypeSchema } from "../contract/column-types.ts";

export const columnSchema = z.strictObject({
  name: z.string(),
  type: columnTypeSchema,
  path: z.array(z.string()).min(1).readonly(),
  description: z.string(),
  nullable: z.boolean(),
  personal: z.boolean(),
});

/** A local time of day, `HH:MM`. */
const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/);

export const hoursSchema = z.strictObject({
  timeZone: z.string(),
  from: timeOfDay,
  to: timeOfDay,
});

export const budgetSchema = z.strictObject({
  lanes: z.int().min(1),
  dutyCycle: z.number().gt(0).max(1),
  maxRowsPerSecond: z.number().positive(),
  maxBytesPerSecond: z.number().positive(),
  pageRows: z.int().min(1).max(10_000),
  maxSecondsPerRun: z.number().positive(),
  /** Null: at all hours. */
  hours: hoursSchema.nullable(),
  shardsAtOnce: z.int().min(1),
  /** Elasticsearch's search preference; null: any copy. */
  preference: z.string().nullable(),
  /** Cassandra's data center; null: the secret's. */
  dataCenter: z.string().nullable(),
});

export const sourceSchema = z.strictObject({
  name: z.string(),
  system: z.enum(["elasticsearch", "cassandra"]),
  owner: z.string(),
  description: z.string(),
  /** Name of the secret with address and credentials. */
  secret: z.string(),
  budget: budgetSchema,
});

export const cursorSchema = z.strictObject({
  column: z.string(),
  /** The cursor's exact field path in the source, dotted. */
  field: z.string(),
  lagSeconds: z.number().nonnegative(),
  overlapSeconds: z.number().nonnegative(),
  /** When and how far back rows are read again to find what came later than the overlap; null: never. */
  reconcile: z
    .strictObject({ everyHours: z.number().nonnegative(), reachHours: z.number().positive() })
    .nullable(),
});

export const deletesSchema = z.discriminatedUnion("strategy", [
  z.strictObject({ strategy: z.literal("none") }),
  z.strictObject({ strategy: z.literal("soft-delete"), column: z.string() }),
  z.strictObject({
    strategy: z.literal("key-sweep"),
    everyHours: z.number().nonnegative(),
    maxShare: z.number().min(0).max(1),
  }),
  z.strictObject({ strategy: z.literal("absence"), maxShare: z.number().min(0).max(1) }),
]);

export const partitionSchema = z.strictObject({
  column: z.string(),
  transform: z.union([
    z.enum(["identity", "day", "month"]),
    z.strictObject({ bucket: z.int().positive() }),
  ]),
});

export const checkSchema = z.strictObject({
  name: z.string(),
  badRows: z.string(),
  severity: z.enum(["error", "warn"]),
});

export const publishSchema = z
  .strictObject({
    distribution: z.discriminatedUnion("style", [
      z.strictObject({ style: z.literal("even") }),
      z.strictObject({ style: z.literal("all") }),
      z.strictObject({ style: z.literal("key"), column: z.string() }),
    ]),
    sortKeys: z.array(z.string()),
  })
  .nullable();

const entryShape = {
  name: z.string(),
  owner: z.string(),
  description: z.string(),
  key: z.array(z.string()).min(1),
  columns: z.array(columnSchema).min(1),
  partitioning: z.array(partitionSchema),
  checks: z.array(checkSchema),
  publish: publishSchema,
  fingerprint: z.string(),
};

/** Time buckets of a Cassandra table's partition key; names are the source's own. */
export const bucketsSchema = z.strictObject({
  column: z.string(),
  unit: z.enum(["hour", "day", "month"]),
  lateBuckets: z.int().min(1),
  values: z.record(z.string(), z.array(z.union([z.string(), z.number()])).min(1)),
});

/**
 * A table as the Data Catalog has it. `splits` is how many token ranges a Cassandra sweep is cut into at least. A
 * Cassandra table with a cursor finds changes by an index, one with `buckets` by those, any other by sweeps.
 */
export const tableDefinitionSchema = z.strictObject({
  kind: z.literal("table"),
  ...entryShape,
  source: sourceSchema,
  from: z.union([
    z.strictObject({ index: z.string() }),
    z.strictObject({
      keyspace: z.string(),
      table: z.string(),
      splits: z.int().positive(),
      buckets: bucketsSchema.optional(),
    }),
  ]),
  cursor: cursorSchema.nullable(),
  deletes: deletesSchema,
});

/** A model as the Data Catalog has it. */
export const modelDefinitionSchema = z.strictObject({
  kind: z.literal("model"),
  ...entryShape,
  language: z.enum(["sql", "python"]),
  script: z.string(),
  inputs: z.array(z.string()).min(1),
});

export type ColumnDefinition = z.infer<typeof columnSchema>;
export type SourceDefinition = z.infer<typeof sourceSchema>;
export type ExtractionHoursDefinition = z.infer<typeof hoursSchema>;
export type LoadBudgetDefinition = z.infer<typeof budgetSchema>;
export type TableDefinition = z.infer<typeof tableDefinitionSchema>;
export type ModelDefinition = z.infer<typeof modelDefinitionSchema>;
export type Definition = TableDefinition | ModelDefinition;
