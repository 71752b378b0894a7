// Why one table could not be read in a run: kept in the bucket, since a lane's state stays constant in size.
import { z } from "zod";

export const extractProblemSchema = z.strictObject({
  format: z.literal(1),
  run: z.string(),
  table: z.string(),
  source: z.string(),
  lane: z.int().nonnegative(),
  /** The error's name. */
  error: z.string(),
  message: z.string(),
  /** ISO 8601, UTC. */
  at: z.string(),
});
export type ExtractProblem = z.infer<typeof extractProblemSchema>;
