// Cuts the token ring of the Murmur3 partitioner into ranges that tile it exactly.
import type { Bounds } from "../../../protocol/records.ts";

export const SMALLEST_TOKEN = -(2n ** 63n);
export const GREATEST_TOKEN = 2n ** 63n - 1n;
const tokens = 2n ** 64n;

/**
 * Ranges `(after, upTo]` of equal width. No range wraps: the first, whose `after` is the smallest token, holds that
 * token as well, so that each token lies in exactly one.
 */
export function tileRing(ranges: number): Extract<Bounds, { by: "token" }>[] {
  const count = BigInt(Math.max(1, Math.floor(ranges)));
  const ends: bigint[] = [];
  for (let range = 1n; range <= count; range += 1n)
    ends.push(SMALLEST_TOKEN - 1n + (tokens * range) / count);
  return ends.map((end, index) => ({
    by: "token",
    after: String(ends[index - 1] ?? SMALLEST_TOKEN),
    upTo: String(end),
  }));
}

/** True if the token lies in the range, as the reader's queries understand it. */
export function isInRange(token: bigint, range: { after: string; upTo: string }): boolean {
  const after = BigInt(range.after);
  return (after === SMALLEST_TOKEN || token > after) && token <= BigInt(range.upTo);
}
