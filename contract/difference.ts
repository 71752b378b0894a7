// How a table differs from its source: what drift is told as.
import { z } from "zod";

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
