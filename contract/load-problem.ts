// Why one table could not be loaded in a run, whole: what the state machine hands on is cut to 200 bytes.
import { z } from "zod";

export const loadProblemSchema = z.strictObject({
  format: z.literal(1),
  run: z.string(),
  table: z.string(),
  /** What the load was doing: a kind of step, or what it read. */
  step: z.string(),
  /** The kind of failure. */
  cause: z.string(),
  message: z.string(),
  /** The SQL that was rejected, and its id in the Data API; null where it was not a statement. */
  statement: z.string().nullable(),
  statementId: z.string().nullable(),
  /** ISO 8601, UTC. */
  at: z.string(),
});
export type LoadProblem = z.infer<typeof loadProblemSchema>;
