// Decides how many rows a page asks for, so that a response stays small whatever the rows' size. Pure: no clock, no I/O.

/**
 * What a response should have, bytes of JSON. Cassandra counts a page in rows and holds it whole, at the replicas and
 * again at the coordinator; two megabytes are little to either, and a request's fixed cost is small beside them.
 */
export const AIMED_RESPONSE_BYTES = 2 * 1024 * 1024;

// Where nothing is known of a table yet: rows of 100 KB make a response of 3 MB.
const FIRST_ROWS = 32;
// What the next rows are like is a guess, so a page grows by steps.
const MOST_GROWTH = 8;

/** What the pages before have shown. */
export interface RowSize {
  readonly bytesPerRow: number;
  /** What the last page asked for. */
  readonly askedRows: number;
}

/** How many rows to ask for, at least 1 and at most `mostRows`; `size` is null before the first page. */
export function rowsToAsk(size: RowSize | null, mostRows: number): number {
  const most = Math.max(1, Math.floor(mostRows));
  if (size === null) return Math.min(FIRST_ROWS, most);
  const fitting = Math.floor(AIMED_RESPONSE_BYTES / Math.max(1, size.bytesPerRow));
  return Math.max(1, Math.min(fitting, size.askedRows * MOST_GROWTH, most));
}

/** After a page: larger rows count at once, smaller ones gradually. A page without rows says nothing. */
export function afterPage(
  size: RowSize | null,
  page: { readonly askedRows: number; readonly rows: number; readonly bytes: number },
): RowSize | null {
  const { askedRows, rows, bytes } = page;
  if (rows === 0) return size;
  const seen = bytes / rows;
  const before = size?.bytesPerRow ?? seen;
  return { bytesPerRow: seen >= before ? seen : (seen + before) / 2, askedRows };
}
