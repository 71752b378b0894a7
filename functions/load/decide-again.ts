// Decides when a table that can't be loaded is tried again, and whether to ask the build for its whole copy.
import type { LoadRecord, LoadRecords, ReplaceRecord } from "../../contract/load-records.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Bytes of Parquet that cost next to nothing to copy, so that each run may try them again. */
const CHEAP_BYTES = 64 * 1024 * 1024;

// Below the hour that usually lies between two runs, so that the next one tries.
const FIRST_RETRY_MILLIS = 30 * MINUTE;
const LAST_RETRY_MILLIS = 24 * HOUR;

const FIRST_REQUEST_MILLIS = 6 * HOUR;
/** So long after the last request for a whole copy that was of use, the earlier ones are forgotten. */
const LAST_REQUEST_MILLIS = 7 * 24 * HOUR;

/** The first wait, doubled with each time, up to the last. */
function waitMillis(first: number, last: number, times: number): number {
  return Math.min(last, first * 2 ** Math.min(times - 1, 30));
}

/**
 * In how many runs a load has failed, this one included. A call that is repeated in a run counts once.
 */
export function countFailures(before: LoadRecord | undefined, run: string): number {
  if (before === undefined) return 1;
  return before.run === run ? before.failures : before.failures + 1;
}

/**
 * Before when a load that failed is not tried again: 30 minutes, an hour, two … at most a day after it failed.
 *
 * @param copiedBytes what was copied without success
 * @returns milliseconds since 1970, or null if a try costs so little that each run may
 */
export function retryAt(copiedBytes: number, failures: number, nowMillis: number): number | null {
  if (copiedBytes <= CHEAP_BYTES) return null;
  return nowMillis + waitMillis(FIRST_RETRY_MILLIS, LAST_RETRY_MILLIS, failures);
}

/** Why a whole copy would be asked for. */
interface Need {
  readonly cause: string;
  /** The lake's content that the warehouse can't be brought to. */
  readonly contentId: string;
  /** The definition's fingerprint. */
  readonly fingerprint: string;
}

type RequestDecision =
  | { readonly do: "ask"; readonly times: number }
  /** A build has still to write it. */
  | { readonly do: "wait" }
  | { readonly do: "no"; readonly reason: string };

/**
 * Whether to ask for a whole copy: once, and again only when the failure's kind, the definition or the content is
 * another, not sooner than 6 hours, 12, 24 … at most a week after the last time. A changed definition, and a run that
 * names its tables, does not have to wait.
 *
 * @param before the last request, if there is one
 */
export function decideRequest(
  need: Need,
  before: ReplaceRecord | undefined,
  nowMillis: number,
  isByName: boolean,
): RequestDecision {
  if (before === undefined) return { do: "ask", times: 1 };
  if (before.state === "asked") return { do: "wait" };
  if (before.fingerprint !== need.fingerprint) return { do: "ask", times: 1 };
  const written = before.writtenContentId ?? before.contentId;
  if (written === need.contentId && before.cause === need.cause) {
    return { do: "no", reason: "the whole copy of this very content could not be loaded either" };
  }
  const age = nowMillis - before.requestedAt;
  if (before.state === "loaded" && age >= LAST_REQUEST_MILLIS) return { do: "ask", times: 1 };
  const wait = waitMillis(FIRST_REQUEST_MILLIS, LAST_REQUEST_MILLIS, before.times);
  if (age >= wait || isByName) return { do: "ask", times: before.times + 1 };
  const until = new Date(before.requestedAt + wait).toISOString();
  return {
    do: "no",
    reason: `it was asked for ${before.times} times lately and is not asked for before ${until}`,
  };
}

/**
 * True if a load that failed must not be tried again yet. It is tried, whatever its time, once the definition has
 * changed or a whole copy was written since it failed.
 *
 * @param nowMillis milliseconds since 1970
 */
export function isLoadHeld(
  { load, replace }: LoadRecords,
  fingerprint: string,
  nowMillis: number,
): boolean {
  if (load?.retryAt === undefined || load.retryAt === null || nowMillis >= load.retryAt) {
    return false;
  }
  return load.fingerprint === fingerprint && !((replace?.writtenAt ?? 0) > load.failedAt);
}
