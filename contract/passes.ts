// Small facts about passes that several parts need.
import type { Pass, Progress } from "./records.ts";

/** A table's open passes, in the order in which they are read and committed. */
export function openPasses({ passes }: Progress): Pass[] {
  return [passes.rows, passes.keys, passes.late].filter((pass) => pass !== undefined);
}

/** True if all rows so far, or those of a past window, are read in it: what came late until then is found by it. */
export function readsPastRows({ kind, window }: Pass): boolean {
  return kind === "late" || (kind === "rows" && window?.from === null);
}
