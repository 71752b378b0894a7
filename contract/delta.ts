// The delta: what one build changed in a table, ready to COPY.
import { z } from "zod";
import { columnTypeSchema } from "./column-types.ts";

export const deltaSchema = z.strictObject({
  format: z.literal(1),
  table: z.string(),
  kind: z.enum(["merge", "replace"]),
  /** The content id that this delta leads to. Text: it exceeds 2^53. */
  snapshot: z.string(),
  /** The content id before, or null for a first version. */
  parent: z.string().nullable(),
  createdAt: z.string(),
  run: z.string(),
  key: z.array(z.string()).min(1),
  columns: z
    .array(z.strictObject({ name: z.string(), type: columnTypeSchema, redshift: z.string() }))
    .min(1),
  files: z.array(
    z.strictObject({ url: z.string(), contentLength: z.int().positive(), rows: z.int() }),
  ),
  rows: z.int().nonnegative(),
  deletes: z.int().nonnegative(),
});
export type Delta = z.infer<typeof deltaSchema>;

export const buildResultSchema = z.strictObject({
  format: z.literal(1),
  tables: z.array(
    z.strictObject({
      table: z.string(),
      kind: z.enum(["table", "model"]),
      status: z.enum(["built", "unchanged", "failed", "skipped", "held"]),
      manifests: z.tuple([z.int(), z.int()]).nullable(),
      rowsRead: z.int(),
      winners: z.int(),
      deletes: z.int(),
      heldDeletes: z.int(),
      lateRows: z.int().default(0),
      quarantined: z.int(),
      contentId: z.string().nullable(),
      seconds: z.number(),
      error: z.string().optional(),
      checks: z.array(
        z.strictObject({ name: z.string(), severity: z.enum(["error", "warn"]), badRows: z.int() }),
      ),
    }),
  ),
});
export type BuildResult = z.infer<typeof buildResultSchema>;
