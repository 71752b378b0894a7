// What the warehouse was last seen to hold in full, so that it is not woken to say so again.
import { z } from "zod";

export const seenLoadsSchema = z.strictObject({
  format: z.literal(1),
  /** Names the warehouse: what was seen of another one does not count. */
  warehouse: z.string(),
  /** Milliseconds since 1970. */
  seenAt: z.int(),
  tables: z.array(
    z.strictObject({
      table: z.string(),
      contentId: z.string(),
      /** A hash of what the warehouse shows of the definition besides the rows. */
      shown: z.string(),
    }),
  ),
});
export type SeenLoads = z.infer<typeof seenLoadsSchema>;
