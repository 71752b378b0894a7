// What the ledger holds: leases, passes, splits and the records of objects.
import { z } from "zod";

/**
 * Bounds of a split. Elasticsearch: cursor values as text, `from` null = from the beginning. Cassandra: tokens,
 * `(after, upTo]`, or for time buckets a cursor's milliseconds since 1970.
 */
const boundsSchema = z.discriminatedUnion("by", [
  z.strictObject({
    by: z.literal("cursor"),
    /** Inclusive lower bound, or null. */
    from: z.string().nullable(),
    /** Exclusive upper bound, or null (a key scan reads to the end). */
    to: z.string().nullable(),
  }),
  z.strictObject({
    by: z.literal("token"),
    /** Exclusive lower bound, a 64-bit integer as text. */
    after: z.string(),
    /** Inclusive upper bound. */
    upTo: z.string(),
    /** Only rows whose cursor lies in the window `[from, to)`, which an index finds. */
    cursor: z.strictObject({ from: z.string(), to: z.string() }).optional(),
  }),
  /** All of an Elasticsearch index, for a table without a cursor. */
  z.strictObject({ by: z.literal("whole") }),
]);
export type Bounds = z.infer<typeof boundsSchema>;

/**
 * What cursor text counts: milliseconds or nanoseconds since 1970, or the field's own whole numbers, which are not times.
 */
export const cursorUnitSchema = z.enum(["ms", "ns", "value"]);
export type CursorUnit = z.infer<typeof cursorUnitSchema>;

/**
 * What a pass is for: `rows` moves the watermark (or full scans the ring), `keys` reads all keys, and `late` reads a past
 * window's rows again for what came after its reading.
 */
export const passKindSchema = z.enum(["rows", "keys", "late"]);

/** One reading of a table; it may take many runs. Ids are `<kind>-<number>`. */
const passSchema = z.strictObject({
  id: z.string(),
  kind: passKindSchema,
  /** Grows by one with each pass of a table, over both kinds; a Cassandra row's version. */
  number: z.int().positive(),
  /** When it was planned, milliseconds; nothing of it was read before. */
  startedAt: z.int(),
  /** The cursor window in cursor text; null where all rows are read each time. */
  window: z.strictObject({ from: z.string().nullable(), to: z.string() }).nullable(),
  /** What the window's text counts, for people; missing without a window. */
  unit: cursorUnitSchema.optional(),
  /** What the source had been written when the window was planned: its own text. */
  writeMark: z.string().optional(),
  /** True if a key that is missing from the completed pass is gone. */
  findsDeletes: z.boolean(),
  /** The table's last manifest when it began. */
  sinceManifest: z.int().nonnegative(),
  /** Ids of its splits, in order. */
  splits: z.array(z.string()).min(1),
});
export type Pass = z.infer<typeof passSchema>;

/** A split and how far its reading is recorded. */
export const splitRecordSchema = z.strictObject({
  pass: z.string(),
  split: z.string(),
  bounds: boundsSchema,
  /** Where to go on: a source's own JSON text, or null at the beginning. */
  position: z.string().nullable(),
  /** Objects recorded so far; the next object's sequence. */
  objects: z.int().nonnegative(),
  rows: z.int().nonnegative(),
  done: z.boolean(),
});
export type SplitRecord = z.infer<typeof splitRecordSchema>;

/** How far a lane was a moment ago, for people: nothing is decided by it, and a run's notes mean nothing after it. */
export const readingNoteSchema = z.object({
  run: z.string(),
  table: z.string(),
  pass: z.string(),
  split: z.string(),
  /** Rows of the split that were read, by earlier runs too, recorded or not. */
  splitRows: z.int().nonnegative(),
  /** Rows that the lane read in this run, recorded or not. */
  laneRows: z.int().nonnegative(),
  /** Over the lane's whole time in this run. */
  rowsPerSecond: z.number().nonnegative(),
  /** The cursor of the row read last; null where rows do not come in its order. */
  reached: z.strictObject({ cursor: z.string(), unit: cursorUnitSchema }).nullable(),
  /** When it was written, milliseconds since 1970. */
  at: z.int(),
});
export type ReadingNote = z.infer<typeof readingNoteSchema>;

/** A finished object that counts. */
export const objectRecordSchema = z.strictObject({
  key: z.string(),
  etag: z.string(),
  rows: z.int().nonnegative(),
  /** Compressed size. */
  bytes: z.int().nonnegative(),
  op: z.enum(["upsert", "key"]),
  pass: z.string(),
  split: z.string(),
  sequence: z.int().nonnegative(),
  /** First and last `observed_at` in it, milliseconds. */
  observedFrom: z.int(),
  observedTo: z.int(),
});
export type ObjectRecord = z.infer<typeof objectRecordSchema>;

/** A table's progress; the one item that manifests and watermarks move with. */
export const progressSchema = z.strictObject({
  lastManifest: z.int().nonnegative(),
  watermark: z.string().nullable(),
  /** What the watermark counts, for people; missing while there is none. */
  watermarkUnit: cursorUnitSchema.optional(),
  /** The mark of the pass that was completed last: what was written since must not lie before the watermark. */
  writeMark: z.string().optional(),
  passNumber: z.int().nonnegative(),
  passes: z.strictObject({
    rows: passSchema.optional(),
    keys: passSchema.optional(),
    late: passSchema.optional(),
  }),
  /** `<pass>/<split>` to the number of its objects that are in manifests. */
  committed: z.record(z.string(), z.int().nonnegative()),
  lastKeysPassStartedAt: z.int().nullable(),
  /** When past rows were last read again, or the whole table was read; missing in older records. */
  lastLatePassStartedAt: z.int().nullable().default(null),
});
export type Progress = z.infer<typeof progressSchema>;

/** Of a table that no pass was opened for yet. */
export const EMPTY_PROGRESS: Progress = {
  lastManifest: 0,
  watermark: null,
  passNumber: 0,
  passes: {},
  committed: {},
  lastKeysPassStartedAt: null,
  lastLatePassStartedAt: null,
};

/** A lease of a table or a lane as stored; `token` only ever grows. */
export const leaseSchema = z.strictObject({
  token: z.int().positive(),
  execution: z.string().nullable(),
  /** Milliseconds since 1970. */
  expiresAt: z.int(),
  /** The token that the lease's own execution fenced last; makes a repeated fence find out that it is done. */
  fencedFrom: z.int().positive().optional(),
  /** The attempt of an invocation that reads in this lane; makes an older attempt of the same invocation find out. */
  attempt: z.string().optional(),
});
export type Lease = z.infer<typeof leaseSchema>;

/** What the ledger keeps of a manifest, under its number; the manifest itself is in S3. */
export const manifestRecordSchema = z.strictObject({
  key: z.string(),
  etag: z.string(),
  /** Upsert lines. */
  rows: z.int().nonnegative(),
  /** Key lines. */
  keys: z.int().nonnegative(),
  objects: z.int().nonnegative(),
  /** Compressed size of the objects. */
  bytes: z.int().nonnegative(),
  run: z.string(),
});
export type ManifestRecord = z.infer<typeof manifestRecordSchema>;

/** A thing that is open at a source for an execution, such as a point in time. */
export const openResourceSchema = z.strictObject({
  /** The source's own id of it. */
  id: z.string(),
  execution: z.string(),
  /** Milliseconds since 1970. */
  openedAt: z.int(),
  expiresAt: z.int(),
});
export type OpenResource = z.infer<typeof openResourceSchema>;

/** A source that rejected requests too often is left alone by all runs for a while. */
export const sourcePauseSchema = z.strictObject({
  /** Milliseconds since 1970. */
  until: z.number(),
  /** The run whose requests it rejected. */
  run: z.string(),
  /** Its last response. */
  reason: z.string(),
});
export type SourcePause = z.infer<typeof sourcePauseSchema>;
