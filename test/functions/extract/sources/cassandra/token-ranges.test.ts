// Tests that token ranges tile the ring.
import fc from "fast-check";
import { expect, test } from "vitest";
import { sweepQuery } from "../../../../../functions/extract/sources/cassandra/query.ts";
import {
  GREATEST_TOKEN,
  isInRange,
  SMALLEST_TOKEN,
  tileRing,
} from "../../../../../functions/extract/sources/cassandra/token-ranges.ts";

const token = fc.bigInt({ min: SMALLEST_TOKEN, max: GREATEST_TOKEN });

test("each token lies in exactly one range, the smallest and the greatest too", () => {
  fc.assert(
    fc.property(fc.integer({ min: -1, max: 5000 }), fc.array(token), (count, tokens) => {
      const ranges = tileRing(count);
      expect(ranges).toHaveLength(Math.max(1, count));
      const edges = ranges.slice(0, 20).flatMap(({ upTo }) => [BigInt(upTo) - 1n, BigInt(upTo)]);
      for (const one of [...tokens, ...edges, SMALLEST_TOKEN, SMALLEST_TOKEN + 1n, GREATEST_TOKEN])
        expect(ranges.filter((range) => isInRange(one, range))).toHaveLength(1);
    }),
    { numRuns: 30 },
  );
});

const target = {
  ...{ keyspace: "ks", table: 'T"x', columns: ["a", "B"], partitionKey: ["a", "b"] },
  schema: "{}",
};

test("names are quoted, and the ring's beginning has no lower bound", () => {
  expect(sweepQuery(target, SMALLEST_TOKEN, 5n)).toMatchObject({
    text: 'SELECT "a", "B", token("a", "b") FROM "ks"."T""x" WHERE token("a", "b") <= ?',
    parameters: [5n],
  });
  expect(sweepQuery(target, 1n, 5n)).toMatchObject({
    text: 'SELECT "a", "B", token("a", "b") FROM "ks"."T""x" WHERE token("a", "b") > ? AND token("a", "b") <= ?',
    parameters: [1n, 5n],
  });
});

test("a page state's fingerprint changes with the range, the columns and the schema", () => {
  const prints = [
    sweepQuery(target, 1n, 5n),
    sweepQuery(target, 1n, 6n),
    sweepQuery(target, 2n, 5n),
    sweepQuery({ ...target, columns: ["a"] }, 1n, 5n),
    sweepQuery({ ...target, schema: "{ }" }, 1n, 5n),
  ].map(({ fingerprint }) => fingerprint);
  expect(new Set(prints)).toHaveProperty("size", 5);
  expect(sweepQuery(target, 1n, 5n).fingerprint).toBe(prints[0]);
});
