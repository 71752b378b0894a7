// What the last whole build left of each table and model: facts that stay true, by which a run finds out whether a build
// is due, and which content the lake holds, without reading the lake.
import { z } from "zod";

/**
 * What one entry was when the build had done with it. All of it is said of the one immutable metadata file that is
 * named: while the Data Catalog still names that file, it is so.
 */
const builtEntrySchema = z.strictObject({
  name: z.string(),
  kind: z.enum(["table", "model"]),
  /** The definition that was built; empty if it could not be read. */
  fingerprint: z.string(),
  /** Whether all was done that there was to do; a build that is tried again may have another result if not. */
  complete: z.boolean(),
  /** A table's last manifest that is applied; 0 for a model. */
  through: z.int().nonnegative(),
  /** A model's inputs with the content ids that it was built from; empty for a table. */
  inputs: z.record(z.string(), z.string()),
  /** What readers see; null if it was never built. */
  contentId: z.string().nullable(),
  /** Address of the Iceberg metadata file, `s3://…`; null if there is no table. */
  metadata: z.string().nullable(),
});
export type BuiltEntry = z.infer<typeof builtEntrySchema>;

export const buildSummarySchema = z.strictObject({
  format: z.literal(1),
  run: z.string(),
  /** What the job's code was: a hash. */
  version: z.string(),
  entries: z.array(builtEntrySchema),
});
export type BuildSummary = z.infer<typeof buildSummarySchema>;
