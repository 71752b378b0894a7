// The state that a lane carries from one extractor run to the next, and what an invocation returns.
import { z } from "zod";

/** Outcomes of requests to the source by which the governor decides how to go on. */
export const OUTCOMES_KEPT = 20;
/** Sizes of batches of which it knows how long they take. */
export const SIZES_KEPT = 8;

/** What a lane has learnt of its source: how much reading it withstands, and how long its responses usually take. */
export const governorStateSchema = z.strictObject({
  /** By how much pauses are lengthened; 1 while the source is healthy. */
  slowdown: z.number().min(1),
  /** Rejected requests since the last response. */
  rejections: z.int().nonnegative(),
  /** Requests that got a response (`.`) and rejected ones (`x`), the latest last. */
  outcomes: z
    .string()
    .regex(/^[.x]*$/)
    .max(OUTCOMES_KEPT),
  /** How many times as long as usual the last responses took, smoothed; 1 is usual. */
  slowness: z.number().nonnegative(),
  /** The source is not asked before, milliseconds since 1970. */
  notBefore: z.number().nonnegative(),
  /** How long responses usually take, by the size of the batch, for the table that was read last. */
  usual: z
    .strictObject({
      /** Table and kind of reading. */
      of: z.string(),
      /** The size used last is the last. */
      sizes: z
        .array(
          z.strictObject({
            /** Steps of the square root of two, in rows and kilobytes. */
            size: z.int(),
            millis: z.number().nonnegative(),
            /** Responses that this is known from. */
            answers: z.int().positive(),
          }),
        )
        .max(SIZES_KEPT),
    })
    .nullable(),
});
export type GovernorState = z.infer<typeof governorStateSchema>;

/** Nothing is known of the source, and nothing speaks against reading. */
export const RELAXED: GovernorState = {
  slowdown: 1,
  rejections: 0,
  outcomes: "",
  slowness: 1,
  notBefore: 0,
  usual: null,
};

/**
 * Why a lane's reading in a run was over: its work was done, the run's extraction time was used up, the source's hours
 * closed, or it rejected so many requests that it was given a pause.
 */
export const laneEndSchema = z.enum(["done", "time", "hours", "rejections"]);
export type LaneEnd = z.infer<typeof laneEndSchema>;

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
  /** Invocations that this lane has had so far. */
  invocation: z.int().nonnegative(),
  /** When the lane began, milliseconds; the run's extraction budget counts from here. */
  startedAt: z.int().nonnegative(),
  /** Rows recorded by this lane in this run. */
  rows: z.int().nonnegative(),
  /** What was read at what pace so far, for the report and for what the next invocation owes. */
  pace: z.strictObject({
    readMillis: z.number().nonnegative(),
    pauseMillis: z.number().nonnegative(),
    /** How often reading was slowed down. */
    backOffs: z.int().nonnegative(),
    /** Those of them because responses took longer than usual; the others are rejected requests. */
    slow: z.int().nonnegative().default(0),
    /** Bytes of responses. */
    bytes: z.int().nonnegative().default(0),
  }),
  governor: governorStateSchema.default(RELAXED),
  /** True when there is nothing more to do for this lane in this run. */
  done: z.boolean(),
  /** Why it is done; null until then. */
  ended: laneEndSchema.nullable().default(null),
});
export type LaneState = z.infer<typeof laneStateSchema>;

/** One piece of a lane's work: a split of a pass of a table, under the table's lease token. */
const workItemSchema = z.strictObject({
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
