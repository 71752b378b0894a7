// What the steps of one run leave for each other in the data bucket, under `runs/<run>/`.
import { z } from "zod";
import { differenceSchema } from "./drift.ts";
import { cursorUnitSchema, passKindSchema } from "./records.ts";

/** What Plan decided. */
export const planFileSchema = z.strictObject({
  format: z.literal(1),
  run: z.string(),
  /** True if the run was given tables by name: then loads that wait after a failure are tried all the same. */
  byName: z.boolean().default(false),
  /** All that the catalog defines and that could be read, so that the report knows what each name is. */
  definitions: z
    .array(
      z.strictObject({
        name: z.string(),
        kind: z.enum(["table", "model"]),
        /** The table's source; null for a model. */
        source: z.string().nullable(),
      }),
    )
    .default([]),
  /** Tables that this run holds: they have something to read or to commit. */
  tables: z.array(
    z.strictObject({
      table: z.string(),
      source: z.string(),
      /** The table's lease token until Commit fences it. */
      token: z.int().positive(),
    }),
  ),
  /** Lanes that this run holds. */
  lanes: z.array(
    z.strictObject({
      source: z.string(),
      lane: z.int().nonnegative(),
      token: z.int().positive(),
    }),
  ),
  /** Sources that could not be reached, and tables and models with a mistake. */
  problems: z.array(
    z.strictObject({
      kind: z.enum(["source", "table"]),
      name: z.string(),
      error: z.string(),
      message: z.string(),
    }),
  ),
  /** Tables left out of this run, each with what it waits for. */
  waiting: z.array(
    z.strictObject({
      table: z.string(),
      /** The table's source. */
      source: z.string(),
      /** Another run reads the table, other runs use all lanes of its source, or the source must not be asked now. */
      cause: z.enum(["held", "lanes", "hours", "pause"]),
      reason: z.string(),
      /** Where it is only that the source's hours are closed: when they open, ISO 8601, UTC. */
      opensAt: z.string().optional(),
    }),
  ),
  /** Rows that the source has and that no pass reads, such as documents without the table's cursor. */
  unread: z
    .array(z.strictObject({ table: z.string(), rows: z.int().nonnegative(), reason: z.string() }))
    .default([]),
  /** How a table differs from its source: what appeared, changed or was lost since the run before. */
  drift: z.array(differenceSchema.extend({ table: z.string() })).default([]),
});
export type PlanFile = z.infer<typeof planFileSchema>;

/** Items of the Load map: what the warehouse lacks, each after all that it is derived from. */
export const tablesFileSchema = z.array(z.strictObject({ table: z.string() }));
export type TablesFile = z.infer<typeof tablesFileSchema>;

const commitPassSchema = z.strictObject({
  pass: z.string(),
  kind: passKindSchema,
  splits: z.int().nonnegative(),
  splitsDone: z.int().nonnegative(),
});

/** What Commit did, a line a table. */
export const commitFileSchema = z.strictObject({
  format: z.literal(1),
  run: z.string(),
  tables: z.array(
    z.discriminatedUnion("status", [
      z.strictObject({
        status: z.literal("committed"),
        table: z.string(),
        manifest: z.int().positive(),
        rows: z.int().nonnegative(),
        keys: z.int().nonnegative(),
        objects: z.int().nonnegative(),
        bytes: z.int().nonnegative(),
        watermark: z.string().nullable(),
        watermarkUnit: cursorUnitSchema.nullable().default(null),
        passes: z.array(commitPassSchema),
      }),
      z.strictObject({
        /** Nothing new was recorded and no pass was completed. */
        status: z.literal("nothing"),
        table: z.string(),
        /** The table's last manifest, of an earlier run; null if it has none. */
        manifest: z.int().positive().nullable(),
        watermark: z.string().nullable(),
        watermarkUnit: cursorUnitSchema.nullable().default(null),
        passes: z.array(commitPassSchema),
      }),
      z.strictObject({
        status: z.literal("failed"),
        table: z.string(),
        error: z.string(),
        message: z.string(),
      }),
    ]),
  ),
});
export type CommitFile = z.infer<typeof commitFileSchema>;
export type CommitResult = CommitFile["tables"][number];
