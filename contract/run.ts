// The run record: what one execution did to each table, kept in the ledger and shown by the CLI.
import { z } from "zod";
import { decisionSchema } from "./decision.ts";
import { cursorUnitSchema, passKindSchema } from "./records.ts";
import { laneEndSchema } from "./state.ts";

/** What the run did to one table or model. Parts that the run did not reach are null. */
const runTableSchema = z.strictObject({
  table: z.string(),
  /** Null where the run ended before its plan said it. */
  kind: z.enum(["table", "model"]).nullable(),
  /** Null for a model. */
  source: z.string().nullable(),
  /** True if the run held the table, to read it or to commit what was read. */
  held: z.boolean(),
  /** Rows and keys in the objects that this run committed. */
  rowsExtracted: z.int().nonnegative(),
  objects: z.int().nonnegative(),
  /** Compressed size of those objects. */
  bytes: z.int().nonnegative(),
  /** The table's last manifest, or null if none was ever written. */
  manifest: z.int().positive().nullable(),
  watermark: z.string().nullable(),
  /** What the watermark counts. */
  watermarkUnit: cursorUnitSchema.nullable().default(null),
  /** How far each open pass is, and each one that this run completed. */
  passes: z.array(
    z.strictObject({
      pass: z.string(),
      kind: passKindSchema,
      splits: z.int().nonnegative(),
      splitsDone: z.int().nonnegative(),
    }),
  ),
  build: z
    .strictObject({
      status: z.enum(["built", "unchanged", "failed", "skipped", "held"]),
      rowsRead: z.int(),
      winners: z.int(),
      deletes: z.int(),
      heldDeletes: z.int(),
      /** Rows that changed the lake although their window had been read: they came later than the overlap. */
      lateRows: z.int().default(0),
      quarantined: z.int(),
      contentId: z.string().nullable(),
      seconds: z.number(),
    })
    .nullable(),
  load: z
    .strictObject({
      /** `held`: it failed lately and was not tried again. */
      status: z.enum(["done", "failed", "wait", "held"]),
      polls: z.int().nonnegative(),
    })
    .nullable(),
});
export type RunTable = z.infer<typeof runTableSchema>;

/** What a lane read, and at what pace. */
const runLaneSchema = z.strictObject({
  source: z.string(),
  lane: z.int().nonnegative(),
  status: z.enum(["done", "failed"]),
  invocations: z.int().nonnegative(),
  rows: z.int().nonnegative(),
  readMillis: z.number().nonnegative(),
  pauseMillis: z.number().nonnegative(),
  /** How often reading was slowed down. */
  backOffs: z.int().nonnegative(),
  /** Those of them because responses took longer than usual; the others are rejected requests. */
  slow: z.int().nonnegative().default(0),
  /** Bytes of responses. */
  bytes: z.int().nonnegative().default(0),
  /** Rows over the time spent reading and paused; null if it spent none. */
  rowsPerSecond: z.number().nonnegative().nullable(),
  bytesPerSecond: z.number().nonnegative().nullable().default(null),
  /** Why its reading was over; null if it failed. */
  ended: laneEndSchema.nullable().default(null),
});
export type RunLane = z.infer<typeof runLaneSchema>;

/** Something that failed: the run fails because of it. */
const runFailureSchema = z.strictObject({
  step: z.enum(["plan", "extract", "commit", "build", "load", "report", "run"]),
  /** The table, the source, the lane or the step itself. */
  name: z.string(),
  error: z.string(),
  message: z.string(),
});
export type RunFailure = z.infer<typeof runFailureSchema>;

/** What docs/architecture.md explains, each. */
export const ALERT_KINDS = [
  "held-deletes",
  "late-rows",
  "quarantine",
  "unread",
  "waiting",
  "closed",
  "paused",
  "check",
  "drift",
  "load",
] as const;

/** Something that people should look at although nothing failed. */
const runAlertSchema = z.strictObject({
  kind: z.enum(ALERT_KINDS),
  name: z.string(),
  message: z.string(),
});
export type RunAlert = z.infer<typeof runAlertSchema>;

export const runRecordSchema = z.strictObject({
  format: z.literal(1),
  run: z.string(),
  execution: z.string(),
  /** ISO 8601, UTC. */
  startedAt: z.string(),
  endedAt: z.string(),
  status: z.enum(["succeeded", "failed"]),
  /** Whether a build was due, and why; missing if the run ended before that was decided. */
  decision: decisionSchema.optional(),
  tables: z.array(runTableSchema),
  lanes: z.array(runLaneSchema),
  failed: z.array(runFailureSchema),
  alerts: z.array(runAlertSchema),
});
export type RunRecord = z.infer<typeof runRecordSchema>;
