// Tests that pages follow the documents' size: responses stay small, whatever the sizes and however they jump.
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  afterResponse,
  afterTooLarge,
  AIMED_RESPONSE_BYTES,
  type Measured,
  MOST_RESPONSE_BYTES,
  rowsToAsk,
} from "../../../sources/elasticsearch/page-size.ts";

interface Asked {
  readonly rows: number;
  readonly bytes: number;
  readonly isGivenUp: boolean;
}

/** Reads documents of these sizes page by page, as a reader does. */
function readAll(sizes: readonly number[], mostRows: number): Asked[] {
  const asked: Asked[] = [];
  let measured: Measured | null = null;
  for (let at = 0; at < sizes.length;) {
    const askedRows = rowsToAsk(measured, mostRows);
    const page = sizes.slice(at, at + askedRows);
    const bytes = page.reduce((sum, size) => sum + size, 0);
    const isGivenUp = askedRows > 1 && bytes > MOST_RESPONSE_BYTES;
    asked.push({ rows: askedRows, bytes, isGivenUp });
    if (isGivenUp) measured = afterTooLarge(askedRows, MOST_RESPONSE_BYTES);
    else {
      at += page.length;
      measured = afterResponse(measured, { askedRows, rows: page.length, bytes });
    }
  }
  return asked;
}

const mostRows = 1000;

test("small documents are read in whole pages after a small first one", () => {
  const rows = readAll(Array<number>(5000).fill(500), mostRows).map((page) => page.rows);
  expect(rows.slice(0, 4)).toEqual([32, 256, 1000, 1000]);
});

test.each([10_000, 100_000, 1_000_000])(
  "documents of %d bytes fill the aim and no more",
  (size) => {
    const pages = readAll(Array<number>(2000).fill(size), 10_000);
    const settled = pages.slice(3, -1);
    for (const { bytes, isGivenUp } of settled) {
      expect(isGivenUp).toBe(false);
      expect(bytes).toBeLessThanOrEqual(AIMED_RESPONSE_BYTES);
      expect(bytes).toBeGreaterThan(AIMED_RESPONSE_BYTES * 0.7);
    }
    expect(pages.filter(({ isGivenUp }) => isGivenUp).length).toBeLessThanOrEqual(1);
  },
);

test("a jump from small to huge documents costs a few responses, and pages grow again after it", () => {
  const sizes = [2000, 200, 3000].flatMap((count, part) =>
    Array<number>(count).fill(part === 1 ? 1_000_000 : 1000),
  );
  const pages = readAll(sizes, mostRows);
  expect(pages.filter(({ isGivenUp }) => isGivenUp).length).toBeLessThanOrEqual(5);
  expect(Math.max(...pages.slice(-5).map(({ rows }) => rows))).toBe(mostRows);
});

test("whatever the sizes: a page is at least a row, at most what was allowed, and every document is reached", () => {
  const sizesArbitrary = fc.array(
    fc.oneof(
      fc.integer({ min: 1, max: 2000 }),
      fc.integer({ min: 10_000, max: 2_000_000 }),
      fc.constant(90_000_000),
    ),
    { maxLength: 300 },
  );
  fc.assert(
    fc.property(sizesArbitrary, fc.integer({ min: 1, max: 10_000 }), (sizes, most) => {
      const pages = readAll(sizes, most);
      for (const { rows } of pages) {
        expect(rows).toBeGreaterThanOrEqual(1);
        expect(rows).toBeLessThanOrEqual(most);
      }
      // A response is given up only for one that asks for an eighth at most, or for a single row.
      for (const [index, page] of pages.entries())
        if (page.isGivenUp)
          expect(pages[index + 1]?.rows ?? 1).toBeLessThanOrEqual(Math.max(1, page.rows / 8));
    }),
  );
});
