// What the state machine hands the report: how the lanes and loads ended, and which steps failed.
import { z } from "zod";
import { decisionSchema } from "../../contract/decision.ts";
import { laneResultsSchema, notUnderstood } from "../lanes/lane-results.ts";

const loadResultSchema = z.object({
  table: z.string(),
  status: z.enum(["done", "failed", "wait", "held"]),
  polls: z.int().nonnegative().default(0),
  error: z.string().default(""),
});
export type LoadResult = z.infer<typeof loadResultSchema>;

export const reportInputSchema = z.object({
  /** The execution's name. */
  run: z.string().min(1),
  /** The execution's ARN. */
  execution: z.string().min(1),
  startedAt: z.string().min(1),
  lanes: laneResultsSchema,
  /** Whether a build was due; nothing if the run ended before that was decided. */
  decision: decisionSchema.nullish(),
  load: z
    .array(
      loadResultSchema.catch((context) => ({
        table: "unknown",
        status: "failed" as const,
        polls: 0,
        error: notUnderstood(context.value),
      })),
    )
    .default([]),
  failed: z
    .array(
      z.object({
        step: z.enum(["plan", "extract", "commit", "build", "load"]),
        error: z.string().default("Error"),
        cause: z.string().default(""),
      }),
    )
    .default([]),
});
export type ReportInput = z.infer<typeof reportInputSchema>;
