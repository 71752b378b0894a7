// How long a table's responses usually take, learnt from its batches, to distinguish a slow source from a large page. Pure.
import { type GovernorState, SIZES_KEPT } from "../../../contract/state.ts";
import type { Reading } from "./pace.ts";

type Usual = GovernorState["usual"];

// A kilobyte of responses counts as much as a row: either may be what the time goes into.
const BYTES_LIKE_AROW = 1000;
// Of fewer the mean says little: some were slow since caches were cold.
const RESPONSES_TO_KNOW = 8;
// Usual changes gradually: a source that is slow for some minutes must not become the usual one.
const WEIGHT_OF_LAST = 0.02;
const MOST_TIMES = 4;
// Below it a difference is the clock's and the network's.
const NOTICEABLE_MILLIS = 20;

/**
 * How many times as long as usual this response took, or null if no comparable one is known.
 * Compared with larger ones too: a smaller batch cannot rightly take longer.
 */
export function timesUsual(usual: Usual, of: string, batch: Reading): number | null {
  const size = sizeOf(batch);
  const known = (usual?.of === of ? usual.sizes : []).filter(
    (one) => one.size >= size && one.answers >= RESPONSES_TO_KNOW,
  );
  if (known.length === 0) return null;
  const expected = Math.min(...known.map(({ millis }) => millis));
  return Math.max(batch.millis, NOTICEABLE_MILLIS) / Math.max(expected, NOTICEABLE_MILLIS);
}

/** What is usual, this response considered. Of another table's responses nothing is kept. */
export function learn(usual: Usual, of: string, batch: Reading): Exclude<Usual, null> {
  const size = sizeOf(batch);
  const sizes = usual?.of === of ? usual.sizes : [];
  const others = sizes.filter((one) => one.size !== size);
  const before = sizes.find((one) => one.size === size) ?? { size, millis: 0, answers: 0 };
  const answers = Math.min(before.answers + 1, RESPONSES_TO_KNOW);
  const millis = rounded(learnt(before, Math.max(batch.millis, 1)));
  return { of, sizes: [...others, { size, millis, answers }].slice(-SIZES_KEPT) };
}

/** The geometric mean, in which a few very slow responses count little; first of all responses, then of the latest ones. */
function learnt(
  before: { readonly millis: number; readonly answers: number },
  seen: number,
): number {
  if (before.answers === 0) return seen;
  const isKnown = before.answers >= RESPONSES_TO_KNOW;
  const times = seen / before.millis;
  if (!isKnown) return before.millis * times ** (1 / (before.answers + 1));
  return before.millis * Math.min(MOST_TIMES, Math.max(1 / MOST_TIMES, times)) ** WEIGHT_OF_LAST;
}

/** Batches within a factor of the square root of two are of one size. */
function sizeOf({ rows, bytes }: Reading): number {
  return Math.floor(2 * Math.log2(rows + bytes / BYTES_LIKE_AROW + 1));
}

/** Short in the state's JSON, and fine enough to move by a hundredth. */
function rounded(millis: number): number {
  return Number(millis.toPrecision(5));
}
