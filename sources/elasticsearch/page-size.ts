// Decides how many rows a page asks for, so that a response stays small whatever the documents' size. Pure: no clock, no I/O.

/**
 * What a response should have, bytes. Large enough that a request's fixed cost is small beside it, small enough that the
 * cluster holds little for us at a time, and that three copies of it (as it came, joined, as lines) are little in a
 * function of 512 MB.
 */
export const AIMED_RESPONSE_BYTES = 4 * 1024 * 1024;

/** A response that becomes larger is given up while it comes, and fewer rows are asked for: it bounds our memory. */
export const MOST_RESPONSE_BYTES = 16 * 1024 * 1024;

// Where nothing is known of a table yet: documents of 100 KB make a response of 3 MB.
const FIRST_ROWS = 32;
// What the next rows are like is a guess, so a page grows by steps.
const MOST_GROWTH = 8;

/** What the pages before have shown. */
export interface Measured {
  /** Expected size of a row in a response. */
  readonly bytesPerRow: number;
  /** What the last page asked for. */
  readonly askedRows: number;
}

/** How many rows to ask for, at least 1 and at most `mostRows`; `measured` is null before the first page. */
export function rowsToAsk(measured: Measured | null, mostRows: number): number {
  const most = Math.max(1, Math.floor(mostRows));
  if (measured === null) return Math.min(FIRST_ROWS, most);
  const fitting = Math.floor(AIMED_RESPONSE_BYTES / Math.max(1, measured.bytesPerRow));
  return Math.max(1, Math.min(fitting, measured.askedRows * MOST_GROWTH, most));
}

/** After a response of `rows` rows and `bytes` bytes: larger documents count at once, smaller ones gradually. */
export function afterResponse(
  measured: Measured | null,
  response: { readonly askedRows: number; readonly rows: number; readonly bytes: number },
): Measured | null {
  const { askedRows, rows, bytes } = response;
  if (rows === 0) return measured;
  const seen = bytes / rows;
  const before = measured?.bytesPerRow ?? seen;
  return { bytesPerRow: seen >= before ? seen : (seen + before) / 2, askedRows };
}

/** After a response that was given up when it had more than `bytes`: how much larger it would have become is not known. */
export function afterTooLarge(askedRows: number, bytes: number): Measured {
  return { bytesPerRow: (2 * bytes) / askedRows, askedRows };
}
