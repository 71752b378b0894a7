// How a lane's reading ended, as the state machine hands it to Commit and Report.
import { z } from "zod";
import { laneStateSchema } from "./state.ts";

const laneFailedSchema = z.object({
  status: z.literal("failed"),
  source: z.string(),
  lane: z.int().nonnegative(),
  error: z.string(),
  cause: z.string().default(""),
});

const laneDoneSchema = z.object({
  status: z.literal("done"),
  source: z.string(),
  lane: z.int().nonnegative(),
  invocations: z.int().nonnegative(),
  rows: z.int().nonnegative(),
  pace: laneStateSchema.shape.pace,
  ended: laneStateSchema.shape.ended,
});

export const laneResultSchema = z.discriminatedUnion("status", [laneFailedSchema, laneDoneSchema]);
export type LaneResult = z.infer<typeof laneResultSchema>;
