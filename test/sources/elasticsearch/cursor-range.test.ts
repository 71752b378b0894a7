// How far a page reaches: never beyond what is to be read, and never so that a row falls between two pages.
import fc from "fast-check";
import { expect, test } from "vitest";
import { endOfRange, rangeAfter } from "../../../sources/elasticsearch/cursor-range.ts";

const greatest = 2n ** 63n - 1n;

test("a page reaches as far as about four like the one before", () => {
  const page = { rows: 100, askedRows: 100, first: 1000n, last: 1999n };
  const alike = rangeAfter({ ...page, mostRows: 100 });
  expect(endOfRange(1999n, alike, 10_000n, "ms")).toBe(1999n + 4n * 999n + 1n);
  // The next one may be larger.
  const larger = rangeAfter({ ...page, mostRows: 200 });
  expect(endOfRange(1999n, larger, 100_000n, "ms")).toBe(1999n + 8n * 999n + 1n);
});

test("after a page that was not full it reaches to the end", () => {
  const range = rangeAfter({
    rows: 99,
    askedRows: 100,
    mostRows: 100,
    first: 1000n,
    last: 1999n,
  });
  expect(range).toBeNull();
  expect(endOfRange(1999n, range, 10_000n, "ms")).toBeNull();
});

test("after a page of one value it reaches past that value", () => {
  const range = rangeAfter({ rows: 10, askedRows: 10, mostRows: 10, first: 7n, last: 7n });
  expect(endOfRange(7n, range, null, "value")).toBe(8n);
  // An end within a millisecond is that millisecond's beginning to a date, and its rows would be skipped.
  expect(endOfRange(1_000_000_000_000_000_007n, range, null, "ns")).toBe(
    1_000_000_000_002_000_000n,
  );
});

test("an end is behind the start, before the end of the split, and whole milliseconds of a time", () => {
  const long = fc.bigInt({ min: -(2n ** 63n), max: greatest });
  const page = { rows: 5, askedRows: 5, mostRows: 50 };
  const unit = fc.constantFrom("ms" as const, "ns" as const, "value" as const);
  fc.assert(
    fc.property(long, long, long, unit, (start, one, to, kind) => {
      const range = rangeAfter({ ...page, first: start, last: start + one });
      if (one < 0n) {
        expect(range).toBeNull();
        return;
      }
      const end = endOfRange(start, range, to, kind);
      if (end === null) return;
      expect(end > start && end < to && end <= greatest).toBe(true);
      if (kind === "ns") expect(end % 1_000_000n).toBe(0n);
    }),
  );
});
