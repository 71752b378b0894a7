// Tests which buckets a window has and how partition keys write them.
import cassandra from "cassandra-driver";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  bucketForm,
  bucketStart,
  type BucketUnit,
  combinations,
  cutIntoBuckets,
  keyValue,
} from "../../../sources/cassandra/buckets.ts";

const codes = cassandra.types.dataTypes;
const units = fc.constantFrom<BucketUnit>("hour", "day", "month");
const moments = fc.integer({ min: Date.UTC(1901, 0), max: Date.UTC(2400, 0) });

test("a bucket begins at its first moment, before 1970 too, and others are steps away", () => {
  expect(bucketStart("day", Date.UTC(2026, 2, 10, 12))).toBe(Date.UTC(2026, 2, 10));
  expect(bucketStart("day", -1)).toBe(Date.UTC(1969, 11, 31));
  expect(bucketStart("hour", Date.UTC(2026, 2, 10, 0, 59), -1)).toBe(Date.UTC(2026, 2, 9, 23));
  expect(bucketStart("month", Date.UTC(2026, 0, 31), 1)).toBe(Date.UTC(2026, 1));
  expect(bucketStart("month", Date.UTC(2026, 0, 31), -14)).toBe(Date.UTC(2024, 10));
});

test("ranges of buckets tile the window, each whole but for the last", () => {
  fc.assert(
    fc.property(
      ...[units, moments, fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 20 })],
      fc.integer({ min: 1, max: 3_600_000 }),
      (unit, moment, buckets, most, rest) => {
        const from = bucketStart(unit, moment);
        const to = bucketStart(unit, from, buckets) + rest;
        const ranges = cutIntoBuckets(unit, from, to, most);
        expect(ranges.length).toBeLessThanOrEqual(most);
        expect(ranges[0]?.from).toBe(from);
        expect(ranges.at(-1)?.to).toBe(to);
        for (const [index, range] of ranges.entries()) {
          expect(range.from).toBe(bucketStart(unit, range.from));
          if (index > 0) expect(range.from).toBe(ranges[index - 1]?.to);
        }
      },
    ),
  );
});

test("what is written is read as the same bucket, whatever the type", () => {
  const types = [codes.timestamp, codes.date, codes.text, codes.int, codes.bigint];
  fc.assert(
    fc.property(units, moments, fc.constantFrom(...types), (unit, moment, code) => {
      const form = bucketForm({ code }, unit);
      if (form === null) {
        expect([unit, code]).toEqual(["hour", codes.date]);
        return;
      }
      const start = bucketStart(unit, moment);
      const text = new Date(start).toISOString();
      expect(text.startsWith(form.read(form.write(start)) ?? "nothing")).toBe(true);
    }),
  );
});

test.each([
  [codes.int, "day", 20522],
  [codes.int, "day", 20261345],
  [codes.text, "day", "2026-3-10"],
  [codes.text, "day", "2026-03-10T00"],
  [codes.text, "hour", "2026-03-10 11"],
  [codes.text, "month", "2026-03-01"],
  [codes.timestamp, "hour", new Date(Date.UTC(2026, 2, 10, 11, 30))],
  [codes.date, "month", cassandra.types.LocalDate.fromString("2026-03-02")],
] as const)("a value in another form is not a bucket: %d %s %s", (code, unit, value) => {
  expect(bucketForm({ code }, unit)?.read(value)).toBeNull();
});

test("types that hold no bucket have no form", () => {
  expect(bucketForm({ code: codes.uuid }, "day")).toBeNull();
});

test("every combination of the listed values, as the driver needs them", () => {
  expect(keyValue({ code: codes.bigint }, 7)).toBe(7n);
  expect(keyValue({ code: codes.int }, 1.5)).toBeNull();
  expect(keyValue({ code: codes.text }, 7)).toBeNull();
  expect(combinations([])).toEqual([[]]);
  const [a, b] = [
    { column: "a", values: [1, 2] },
    { column: "b", values: ["x", "y"] },
  ];
  expect(combinations([a, b]).map((one) => one.map(({ value }) => value))).toEqual([
    [1, "x"],
    [1, "y"],
    [2, "x"],
    [2, "y"],
  ]);
});
