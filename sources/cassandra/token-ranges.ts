// Cuts the token ring of the Murmur3 partitioner into ranges that tile it exactly.
import type { Bounds } from "../../contract/records.ts";

export const SMALLEST_TOKEN = -(2n ** 63n);
export const GREATEST_TOKEN = 2n ** 63n - 1n;
/** How many tokens there are. */
export const RING_SIZE = 2n ** 64n;

// An edge moves by less than half of a range's width, so that edges never meet or change places.
const SNAP_SHARE = 4n;

export type TokenBounds = Extract<Bounds, { by: "token" }>;

/**
 * Ranges `(after, upTo]` of about equal width. No range wraps: the first, whose `after` is the smallest token, holds
 * that token as well, so that each token lies in exactly one.
 *
 * Where a node's range ends near an edge the edge is put there, so that fewer pages need two sets of replicas.
 * @param ringTokens the nodes' tokens, in any order
 */
export function tileRing(ranges: number, ringTokens: readonly bigint[] = []): TokenBounds[] {
  const count = BigInt(Math.max(1, Math.floor(ranges)));
  const sorted = [...ringTokens].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const reach = RING_SIZE / count / SNAP_SHARE;
  const ends: bigint[] = [];
  for (let range = 1n; range < count; range += 1n)
    ends.push(snapped(SMALLEST_TOKEN - 1n + (RING_SIZE * range) / count, sorted, reach));
  ends.push(GREATEST_TOKEN);
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

/** The nearest of the sorted tokens if it is nearer than `reach`, else the edge itself. */
function snapped(edge: bigint, sorted: readonly bigint[], reach: bigint): bigint {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? edge) < edge) low = middle + 1;
    else high = middle;
  }
  let nearest = edge;
  let distance = reach;
  for (const token of [sorted[low - 1], sorted[low]]) {
    if (token === undefined) continue;
    const away = token < edge ? edge - token : token - edge;
    if (away < distance) [nearest, distance] = [token, away];
  }
  return nearest;
}
