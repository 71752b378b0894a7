// Tests that token ranges tile the ring.
import fc from "fast-check";
import { expect, test } from "vitest";
import { rangeQuery } from "../../../sources/cassandra/query.ts";
import {
  GREATEST_TOKEN,
  isInRange,
  SMALLEST_TOKEN,
  tileRing,
} from "../../../sources/cassandra/token-ranges.ts";

const token = fc.bigInt({ min: SMALLEST_TOKEN, max: GREATEST_TOKEN });

test("each token lies in exactly one range, the smallest and the greatest too", () => {
  fc.assert(
    fc.property(fc.integer({ min: -1, max: 5000 }), fc.array(token), (count, tokens) => {
      // The nodes' tokens move edges, also where they lie close together.
      const ranges = tileRing(count, [...tokens, ...tokens.slice(0, 3).map((one) => one ^ 1n)]);
      expect(ranges).toHaveLength(Math.max(1, count));
      const edges = ranges.slice(0, 20).flatMap(({ upTo }) => [BigInt(upTo) - 1n, BigInt(upTo)]);
      for (const one of [...tokens, ...edges, SMALLEST_TOKEN, SMALLEST_TOKEN + 1n, GREATEST_TOKEN])
        expect(ranges.filter((range) => isInRange(one, range))).toHaveLength(1);
    }),
    { numRuns: 30 },
  );
});

test("an edge is put where a node's range ends, if one is near", () => {
  const quarter = 2n ** 62n;
  const ends = (ring: bigint[]): string[] => tileRing(4, ring).map(({ upTo }) => upTo);
  expect(ends([])).toEqual([
    String(-quarter - 1n),
    "-1",
    String(quarter - 1n),
    String(GREATEST_TOKEN),
  ]);
  // A quarter of a range's width is as far as an edge moves.
  expect(ends([100n, quarter + quarter / 3n, -quarter - 7n, -quarter - 3n])).toEqual([
    String(-quarter - 3n),
    "100",
    String(quarter - 1n),
    String(GREATEST_TOKEN),
  ]);
});

const target = {
  ...{ keyspace: "ks", table: 'T"x', columns: ["a", "B"], partitionKey: ["a", "b"] },
  schema: "{}",
};

test("names are quoted, and the ring's beginning has no lower bound", () => {
  expect(rangeQuery(target, SMALLEST_TOKEN, 5n)).toMatchObject({
    text: 'SELECT "a", "B", token("a", "b") AS "sluice_token" FROM "ks"."T""x" WHERE token("a", "b") <= ?',
    parameters: [5n],
  });
  expect(rangeQuery(target, 1n, 5n)).toMatchObject({
    text: 'SELECT "a", "B", token("a", "b") AS "sluice_token" FROM "ks"."T""x" WHERE token("a", "b") > ? AND token("a", "b") <= ?',
    parameters: [1n, 5n],
  });
});

test("a page state's fingerprint changes with the range, the columns and the schema", () => {
  const prints = [
    rangeQuery(target, 1n, 5n),
    rangeQuery(target, 1n, 6n),
    rangeQuery(target, 2n, 5n),
    rangeQuery({ ...target, columns: ["a"] }, 1n, 5n),
    rangeQuery({ ...target, schema: "{ }" }, 1n, 5n),
  ].map(({ fingerprint }) => fingerprint);
  expect(new Set(prints)).toHaveProperty("size", 5);
  expect(rangeQuery(target, 1n, 5n).fingerprint).toBe(prints[0]);
});
