// Tests that a page follows the rows' size.
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  afterPage,
  AIMED_RESPONSE_BYTES,
  type RowSize,
  rowsToAsk,
} from "../../../sources/cassandra/page-size.ts";

test("the first page is small, later ones grow by steps to what fits or is allowed", () => {
  expect(rowsToAsk(null, 1000)).toBe(32);
  expect(rowsToAsk(null, 5)).toBe(5);
  const small = afterPage(null, { askedRows: 32, rows: 32, bytes: 3200 });
  expect(rowsToAsk(small, 10_000)).toBe(256);
  expect(rowsToAsk(small, 100)).toBe(100);
  const large = afterPage(null, { askedRows: 32, rows: 32, bytes: 32 * 500_000 });
  expect(rowsToAsk(large, 1000)).toBe(4);
  expect(rowsToAsk(afterPage(null, { askedRows: 1, rows: 1, bytes: 1e9 }), 1000)).toBe(1);
});

test("larger rows count at once, smaller ones by and by, and an empty page says nothing", () => {
  const size = { bytesPerRow: 1000, askedRows: 50 };
  expect(afterPage(size, { askedRows: 60, rows: 10, bytes: 50_000 })?.bytesPerRow).toBe(5000);
  expect(afterPage(size, { askedRows: 60, rows: 10, bytes: 1000 })?.bytesPerRow).toBe(550);
  expect(afterPage(size, { askedRows: 60, rows: 0, bytes: 0 })).toBe(size);
});

test("over rows of one size, responses after the first stay within what is aimed at", () => {
  const sizes = fc.integer({ min: 1, max: AIMED_RESPONSE_BYTES });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 10_000 }), (bytesPerRow, most) => {
      let size: RowSize | null = null;
      for (let page = 0; page < 8; page += 1) {
        const asked = rowsToAsk(size, most);
        expect(asked).toBeGreaterThanOrEqual(1);
        expect(asked).toBeLessThanOrEqual(most);
        if (page > 0) expect(asked * bytesPerRow).toBeLessThanOrEqual(AIMED_RESPONSE_BYTES);
        size = afterPage(size, { askedRows: asked, rows: asked, bytes: asked * bytesPerRow });
      }
    }),
  );
});
