// What the ledger keeps of a table's way into the warehouse: the request for a whole copy, and a load that fails.
import { z } from "zod";

/** A request for a table's whole copy. It is kept after it was served, so that it is not made again and again. */
export const replaceRecordSchema = z.strictObject({
  /** `asked`: due at the next build; `written`: a build wrote the copy; `loaded`: the warehouse has it. */
  state: z.enum(["asked", "written", "loaded"]),
  /** Milliseconds since 1970. */
  requestedAt: z.int(),
  /** The run whose load asked. */
  run: z.string(),
  /** The lake's content that the warehouse could not be brought to. */
  contentId: z.string(),
  /** The definition's fingerprint at that time. */
  fingerprint: z.string(),
  /** The kind of failure that a whole copy is to help against. */
  cause: z.string(),
  /** What it was, for people. */
  reason: z.string(),
  /** How often it was asked for since the last time that a week passed without. */
  times: z.int().positive(),
  /** When, in which run and as which content the build wrote it last. */
  writtenAt: z.int().optional(),
  writtenRun: z.string().optional(),
  writtenContentId: z.string().optional(),
});
export type ReplaceRecord = z.infer<typeof replaceRecordSchema>;

/** A load that failed and has not succeeded since. */
export const loadRecordSchema = z.strictObject({
  /** When it failed first and last, milliseconds since 1970. */
  since: z.int(),
  failedAt: z.int(),
  /** The run in which it failed last. */
  run: z.string(),
  /** In how many runs it failed since. */
  failures: z.int().positive(),
  /** The kind of failure, and what people can do about it. */
  cause: z.string(),
  advice: z.string(),
  /** The warehouse's own words. */
  error: z.string(),
  fingerprint: z.string(),
  /** Before it no run tries again, milliseconds since 1970; null if each run does. */
  retryAt: z.int().nullable(),
  /** Why no whole copy is asked for although one could help, and before when; null if that is not so. */
  notAsked: z.string().nullable(),
});
export type LoadRecord = z.infer<typeof loadRecordSchema>;

/** Both records of a table, where there are any. */
export interface LoadRecords {
  readonly replace?: ReplaceRecord;
  readonly load?: LoadRecord;
}

/**
 * True if the next build must write the whole table as a delta. The build reads the same of the item, in
 * `sluice_build/stores/ledger.py`.
 */
export function isReplaceDue(replace: Pick<ReplaceRecord, "state"> | undefined): boolean {
  return replace?.state === "asked";
}
