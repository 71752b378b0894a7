// Decides over how much of the cursor's values a page's request reaches. Pure: no clock, no I/O.
import type { CursorUnit } from "./cursor.ts";
import { LARGEST_LONG } from "./cursor.ts";

/**
 * Without an upper bound the server looks at all rows that are still to be read to find the first few: what a page
 * costs it then grows with the index. So a page reaches about as far as so many pages' rows.
 */
const pagesAhead = 4n;
// A bound finer than a millisecond is none for a date that counts in milliseconds.
const leastRange: Readonly<Record<CursorUnit, bigint>> = { ms: 1n, ns: 1_000_000n, value: 1n };

/** A page as it came. */
export interface ReadPage {
  readonly rows: number;
  readonly askedRows: number;
  /** Rows that the next page may ask for. */
  readonly mostRows: number;
  /** Cursor values of its first and last row. */
  readonly first: bigint;
  readonly last: bigint;
}

/**
 * How far the next pages reach, in the cursor's unit; null for no bound: after a page that was not full, since nothing
 * says where the next rows are.
 */
export function rangeAfter({ rows, askedRows, mostRows, first, last }: ReadPage): bigint | null {
  if (rows < askedRows || last < first) return null;
  return ((last - first) * BigInt(mostRows) * pagesAhead) / BigInt(rows) + 1n;
}

/**
 * The end of what a page asks for that begins at `start`, or null if that is not nearer than `to`. It is a whole
 * millisecond where the cursor is a time.
 */
export function endOfRange(
  start: bigint,
  range: bigint | null,
  to: bigint | null,
  unit: CursorUnit,
): bigint | null {
  if (range === null) return null;
  const step = leastRange[unit];
  const end = start + (range < step ? step : range);
  const over = ((end % step) + step) % step;
  const whole = over === 0n ? end : end + step - over;
  return whole > LARGEST_LONG || (to !== null && whole >= to) ? null : whole;
}
