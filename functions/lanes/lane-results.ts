// What the state machine hands Commit and Report: how each lane ended.
import { z } from "zod";
import { laneResultSchema } from "../../contract/lane-result.ts";

/** What is not understood is a failure to be reported, not a reason to report nothing. */
export const laneResultsSchema = z
  .array(
    laneResultSchema.catch((context) => ({
      status: "failed" as const,
      source: "unknown",
      lane: 0,
      error: "ProtocolError",
      cause: notUnderstood(context.value),
    })),
  )
  .default([]);

/** A value of another form than expected, for people. */
export function notUnderstood(value: unknown): string {
  return `not understood: ${JSON.stringify(value).slice(0, 200)}`;
}
