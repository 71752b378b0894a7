// What the state machine hands the report: how the lanes and loads ended, and which steps failed.
import { z } from "zod";
import { decisionSchema } from "../../contract/decision.ts";
import { laneStateSchema } from "../../contract/state.ts";

const paceSchema = laneStateSchema.shape.pace;

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
  links: z.int().nonnegative(),
  rows: z.int().nonnegative(),
  pace: paceSchema,
  ended: laneStateSchema.shape.ended,
});

/** A lane's last state says the same as the state machine's summary of it. */
const laneStateDoneSchema = laneStateSchema.transform(
  ({ source, lane, link, rows, pace, ended }) => ({
    status: "done" as const,
    source,
    lane,
    links: link,
    rows,
    pace,
    ended,
  }),
);

export const laneResultSchema = z.union([laneFailedSchema, laneDoneSchema, laneStateDoneSchema]);
export type LaneResult = z.infer<typeof laneResultSchema>;

export const loadResultSchema = z.object({
  table: z.string(),
  status: z.enum(["done", "failed", "wait", "held"]),
  polls: z.int().nonnegative().default(0),
  error: z.string().default(""),
});
export type LoadResult = z.infer<typeof loadResultSchema>;

function notUnderstood(value: unknown): string {
  return `not understood: ${JSON.stringify(value).slice(0, 200)}`;
}

/** What is not understood is a failure to be told, not a reason to tell nothing. */
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
