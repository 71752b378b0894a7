// How far a table's watermark is once a pass has come some way: a pure decision.
import type { ObjectRecord, Pass, SplitRecord } from "../../contract/records.ts";

/** What the ledger holds of one split of an open pass. */
export interface SplitContent {
  readonly split: SplitRecord;
  /** Objects from the number in `committed` on; of a pass whose splits are all done, all of them. */
  readonly objects: readonly ObjectRecord[];
}

export interface PassContent {
  readonly pass: Pass;
  /** In the pass's order. */
  readonly splits: readonly SplitContent[];
}

export const isComplete = (splits: readonly SplitRecord[]): boolean =>
  splits.every(({ done }) => done);

/**
 * The end of the longest prefix of finished splits, or null if the first is not finished or they have no cursor.
 * @param splits in the order of their bounds
 */
function prefixEnd(splits: readonly SplitRecord[]): string | null {
  let end: string | null = null;
  for (const { done, bounds } of splits) {
    if (!done || bounds.by !== "cursor" || bounds.to === null) break;
    end = bounds.to;
  }
  return end;
}

/**
 * The watermark after a pass has come this far. In the middle of a pass it never goes back behind what an earlier pass
 * has reached: a window begins before the watermark by its overlap.
 */
export function nextWatermark(
  watermark: string | null,
  { pass, splits }: PassContent,
): string | null {
  if (pass.kind !== "rows" || pass.window === null) return watermark;
  const records = splits.map(({ split }) => split);
  // Token ranges of a window have no order in it: they count once all are read.
  const end = isComplete(records) ? pass.window.to : prefixEnd(records);
  if (end === null || watermark === null) return end ?? watermark;
  return isComplete(records) || BigInt(end) > BigInt(watermark) ? end : watermark;
}
