// Tests how many splits a table's estimated size makes.
import { expect, test } from "vitest";
import { MOST_SPLITS, SPLIT_BYTES, splitsFor } from "../../../sources/cassandra/size-estimates.ts";
import { SMALLEST_TOKEN } from "../../../sources/cassandra/token-ranges.ts";

const ring = (bytes: number) => ({ start: SMALLEST_TOKEN, end: SMALLEST_TOKEN, bytes });
const half = (bytes: number) => ({ start: 0n, end: SMALLEST_TOKEN, bytes });

test.each([
  ["nothing is known", [], 16, 16],
  ["a small table", [ring(1000)], 16, 16],
  ["a table of no bytes", [ring(0)], 4, 4],
  ["a large one", [ring(100 * SPLIT_BYTES)], 16, 100],
  ["half of the ring known", [half(100 * SPLIT_BYTES)], 16, 200],
  [
    "two halves",
    [half(100 * SPLIT_BYTES), { ...half(0), start: SMALLEST_TOKEN, end: 0n }],
    16,
    100,
  ],
  ["more than the ledger takes", [ring(1e6 * SPLIT_BYTES)], 16, MOST_SPLITS],
])("%s", (_, estimates, least, splits) => {
  expect(splitsFor(estimates, least)).toBe(splits);
});
