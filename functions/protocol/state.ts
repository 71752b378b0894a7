// The state that a lane carries from one extractor run to the next, and what a link answers.
import { z } from "zod";

/** A lane's state: pointers only, constant in size whatever the table's. */
export const laneStateSchema = z.strictObject({
  format: z.literal(1),
  /** The execution's name. */
  run: z.string(),
  /** The execution's ARN: who holds the leases. */
  execution: z.string(),
  source: z.string(),
  lane: z.int().nonnegative(),
  laneToken: z.int().positive(),
  /** S3 key of the lane's work list in the data bucket. */
  work: z.string(),
  /** Index in the work list of the item to read next. */
  item: z.int().nonnegative(),
  /** Links that this lane has had so far. */
  link: z.int().nonnegative(),
  /** When the lane began, milliseconds; the run's extraction budget counts from here. */
  startedAt: z.int().nonnegative(),
  /** Rows recorded by this lane in this run. */
  rows: z.int().nonnegative(),
  /** Rests, back-offs and milliseconds spent reading and resting, for the report. */
  pace: z.strictObject({
    readMillis: z.number().nonnegative(),
    restMillis: z.number().nonnegative(),
    backOffs: z.int().nonnegative(),
  }),
  /** True when there is nothing more to do for this lane in this run. */
  done: z.boolean(),
});
export type LaneState = z.infer<typeof laneStateSchema>;

/** One piece of a lane's work: a split of a pass of a table, under the table's lease token. */
export const workItemSchema = z.strictObject({
  table: z.string(),
  pass: z.string(),
  kind: z.enum(["rows", "keys"]),
  split: z.string(),
  /** The table's lease token. */
  token: z.int().positive(),
});
export type WorkItem = z.infer<typeof workItemSchema>;

/** A lane's work list, as stored in S3. */
export const workListSchema = z.strictObject({
  format: z.literal(1),
  items: z.array(workItemSchema),
});
export type WorkList = z.infer<typeof workListSchema>;
