// Tests that windows move forward, that splits tile them, and that bounds lose no digit.
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  boundInUnit,
  cursorUnit,
  cutWindow,
  rangeQuery,
  timeInUnit,
  windowTo,
} from "../../../sources/elasticsearch/cursor.ts";
import { durationMillis } from "../../../sources/elasticsearch/inspection.ts";

const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

test("splits tile the window: each value lies in exactly one", () => {
  fc.assert(
    fc.property(
      fc.option(long),
      long,
      long,
      fc.integer({ min: -1, max: 64 }),
      fc.array(long),
      (from, to, lowest, parts, values) => {
        const window = { from: from === null ? null : String(from), to: String(to) };
        const splits = cutWindow(window, lowest, parts);
        expect(splits.length).toBeLessThanOrEqual(Math.max(1, parts));
        for (const value of [...values, to, to - 1n, lowest, ...(from === null ? [] : [from])]) {
          const isInWindow = (from === null || value >= from) && value < to;
          const holders = splits.filter(
            (split) =>
              split.by === "cursor" &&
              (split.from === null || value >= BigInt(split.from)) &&
              split.to !== null &&
              value < BigInt(split.to),
          );
          expect(holders).toHaveLength(isInWindow ? 1 : 0);
        }
      },
    ),
  );
});

test("the watermark never moves back, and windows overlap by the allowance", () => {
  fc.assert(
    fc.property(long, long, fc.integer({ min: 0, max: 100_000 }), (end, mark, overlap) => {
      const window = windowTo(end, String(mark), overlap, "value");
      expect(BigInt(window.to) >= mark && BigInt(window.to) >= end).toBe(true);
      // Nothing smaller than the smallest long can be asked for: it is the watermark of an index that was empty.
      const begin = mark - BigInt(overlap);
      expect(BigInt(window.from ?? "0")).toBe(begin < -(2n ** 63n) ? -(2n ** 63n) : begin);
    }),
  );
  expect(windowTo(5n, String(-(2n ** 63n)), 10, "value").from).toBe(String(-(2n ** 63n)));
  expect(windowTo(100n, null, 5, "ms")).toEqual({ from: null, to: "100" });
  expect(windowTo(20_000n, "10000", 1.5, "ms")).toEqual({ from: "8500", to: "20000" });
});

test("a bound kept in milliseconds means the same instant in nanoseconds, and back", () => {
  const millis = 1_795_234_444_804n;
  const nanos = timeInUnit(Number(millis), "ns");
  expect(boundInUnit(String(millis), "ns")).toBe(nanos);
  expect(boundInUnit(String(nanos), "ms")).toBe(millis);
  expect(boundInUnit(String(nanos), "ns")).toBe(nanos);
  expect(boundInUnit("-315619199999", "ms")).toBe(-315619199999n);
  expect(boundInUnit("9007199254740993", "value")).toBe(9007199254740993n);
});

test("a cursor's unit is that of all the indices of an alias", () => {
  expect(cursorUnit(["date"])).toBe("ms");
  expect(cursorUnit(["date", "date_nanos"])).toBe("ns");
  expect(cursorUnit(["long", "integer"])).toBe("value");
  for (const types of [[], ["date", "long"], ["keyword"], ["double"], ["unsigned_long"]])
    expect(cursorUnit(types)).toBeNull();
});

test("range queries keep every digit", () => {
  expect(rangeQuery("a.b", "value", 9007199254740993n, 2n ** 63n - 1n)).toBe(
    '{"range":{"a.b":{"gte":9007199254740993,"lt":9223372036854775807}}}',
  );
  expect(rangeQuery("t", "ms", -1n, null)).toBe(
    '{"range":{"t":{"gte":"-1","format":"epoch_millis"}}}',
  );
  expect(rangeQuery("t", "ns", null, 1577836800123456789n)).toBe(
    '{"range":{"t":{"lt":"2020-01-01T00:00:00.123456789Z","format":"strict_date_optional_time_nanos"}}}',
  );
  expect(rangeQuery("t", "ns", null, null)).toBe('{"exists":{"field":"t"}}');
});

test.each([
  ["1s", 1000],
  ["500ms", 500],
  ["2m", 120_000],
  ["0", 0],
  ["-1", null],
  ["soon", null],
])("the duration %s is %s ms", (text, millis) => {
  expect(durationMillis(text)).toBe(millis);
});
