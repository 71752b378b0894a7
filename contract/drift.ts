// How a table differs from its source, and what was last seen of it there.
import { z } from "zod";
import { sourceTypeSchema } from "./source-fields.ts";

export const differenceSchema = z.strictObject({
  /** `new`: no column has it. `lost`: a column's field is gone. `unfit`: a column's type does not take the field's. `changed`: the field's type is another than before. */
  kind: z.enum(["new", "lost", "unfit", "changed"]),
  /** The field's path in the source, with dots. */
  field: z.string(),
  /** Null if no column reads the field. */
  column: z.string().nullable(),
  /** What it is, what will happen, and what to do. */
  message: z.string(),
});
export type Difference = z.infer<typeof differenceSchema>;

/** What was last seen of a table at its source, `drift/<table>.json`. */
export const driftFileSchema = z.strictObject({
  format: z.literal(1),
  table: z.string(),
  /** The run that looked. */
  run: z.string(),
  /** ISO 8601, UTC. */
  seenAt: z.string(),
  fields: z.record(z.string(), sourceTypeSchema),
  /** What that run reported as new. */
  reported: z.array(differenceSchema),
  /** Columns that their fields could not fill then, reported or not. */
  faults: z.array(differenceSchema),
});
export type DriftFile = z.infer<typeof driftFileSchema>;
