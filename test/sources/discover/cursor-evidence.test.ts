// Tests which fields are confirmed as a cursor by what an index holds, and what is said of the others.
import { expect, test } from "vitest";
import {
  type CursorEvidence,
  type CursorMeaning,
  decideCursor,
} from "../../../sources/discover/cursor-evidence.ts";

const now = Date.parse("2026-05-01T00:00:00Z");
const day = 86_400_000;

/** Evidence of documents that were written in this order, all of which were sampled. */
function written(
  values: readonly (number | bigint | readonly number[] | null)[],
  more: Partial<CursorEvidence> = {},
): CursorEvidence {
  const series = values.map((value) =>
    value === null ? [] : typeof value === "object" ? value.map(BigInt) : [BigInt(value)],
  );
  const all = series.flat().sort((a, b) => (a < b ? -1 : 1));
  const unit = more.unit ?? "ms";
  const future = unit === "ms" ? all.filter((value) => Number(value) > now + 300_000).length : 0;
  return {
    ...{ unit, documents: values.length, nowMillis: now, future, written: [series] },
    missing: series.filter((one) => one.length === 0).length,
    ...{ least: all[0] ?? null, greatest: all.at(-1) ?? null },
    ...more,
  };
}

const times = (count: number, make: (n: number) => number): number[] =>
  Array.from({ length: count }, (_, n) => make(n));
/** In no order, the same in each run. */
const mixed = (count: number): number[] =>
  times(count, (n) => n).sort((a, b) => scattered(a) - scattered(b));
const scattered = (n: number): number => Math.imul(n + 1, 2_654_435_761) >>> 0;

const counts = { unit: "value" } as const;
const nanos = { unit: "ns" } as const;

test.each<[what: string, meaning: CursorMeaning, evidence: CursorEvidence, remark: RegExp | null]>([
  ["recent and in order", "change", written(times(50, (n) => now - (50 - n) * 1000)), null],
  [
    "recent, in an order that a reindexing made",
    "change",
    written(mixed(50).map((n) => now - n * day)),
    /does not follow the order of writing/,
  ],
  ["recent, of two documents", "change", written([now - 2 * day, now - day]), null],
  [
    "recent, and written backwards",
    "change",
    written(times(50, (n) => now - n * day)),
    /does not follow the order of writing/,
  ],
  [
    "years old, and in the order of writing",
    "change",
    written(times(50, (n) => now - (1500 - n) * day)),
    /grows with the order of writing, though its latest value is 2022-/,
  ],
  [
    "a day's load with one time, and the one before with another",
    "change",
    written(times(40, (n) => (n < 20 ? now - 2 * day : now - day))),
    null,
  ],
  [
    "a creation in the order of writing",
    "creation",
    written(times(50, (n) => now - (50 - n) * day)),
    /make sure/,
  ],
  [
    "a sequence",
    "count",
    written(
      times(50, (n) => n),
      counts,
    ),
    /grows with the order of writing/,
  ],
  [
    "a sequence that two writers took turns at",
    "count",
    written(
      times(60, (n) => (n % 2 === 0 ? n : n + 2)),
      counts,
    ),
    /grows/,
  ],
  [
    "a long of milliseconds",
    "change",
    written(
      mixed(50).map((n) => now - n * 1000),
      counts,
    ),
    /does not follow/,
  ],
  [
    "a long of seconds",
    "change",
    written(
      mixed(50).map((n) => Math.floor(now / 1000) - n),
      counts,
    ),
    /does not follow/,
  ],
  [
    "nanoseconds",
    "change",
    written(
      times(9, (n) => n).map((n) => BigInt(now) * 1_000_000n - BigInt(n)),
      nanos,
    ),
    /does not follow/,
  ],
  [
    "a value missing in few",
    "change",
    written([...times(99, (n) => now - (99 - n) * 1000), null]),
    /1 of 100 documents have no value/,
  ],
  [
    "one clock that is ahead",
    "change",
    written([...times(149, (n) => now - (149 - n) * 1000), now + 400 * day]),
    /1 of 150 documents have a time in the future/,
  ],
])("%s: a cursor", (_what, meaning, evidence, remark) => {
  const verdict = decideCursor(evidence, meaning);
  expect(verdict).toMatchObject({ isBorneOut: true });
  if (!verdict.isBorneOut) return;
  if (remark === null) expect(verdict.remarks).toEqual([]);
  else expect(verdict.remarks.join("; ")).toMatch(remark);
});

test.each<[what: string, meaning: CursorMeaning, evidence: CursorEvidence, reason: RegExp]>([
  ["an empty index", "change", written([]), /there are no documents yet/],
  ["one document", "change", written([now]), /one document cannot show/],
  ["a value in no document", "change", written([null, null]), /no document has it/],
  [
    "a format's version",
    "count",
    written(
      times(200, () => 3),
      counts,
    ),
    /it is 3 in all 200 documents, so later ones would never be found/,
  ],
  [
    "a format's date, the same in all",
    "change",
    written(times(200, () => now - day)),
    /it is 2026-04-30T00:00:00.000Z in all 200 documents/,
  ],
  [
    "a format's version that was raised once, in the order of writing",
    "count",
    written(
      times(200, (n) => (n < 100 ? 2 : 3)),
      counts,
    ),
    /the documents written last all have the same value/,
  ],
  [
    "a format's version that was raised lately",
    "count",
    written(
      times(200, (n) => (n < 190 ? 2 : 3)),
      counts,
    ),
    /2 different values in 200 sampled documents/,
  ],
  [
    "each document's own count of changes",
    "count",
    written(
      mixed(50).map((n) => n % 7),
      counts,
    ),
    /does not grow with the order of writing/,
  ],
  [
    "an old date in no order, such as of birth",
    "change",
    written(mixed(50).map((n) => now - (10_000 + n) * day)),
    /its latest value, 1998-.*is not of the last 30 days, and it does not grow/,
  ],
  [
    "a creation that later changes do not set",
    "creation",
    written([...mixed(40).map((n) => now - n * day)]),
    /it is a time of creation, which a change does not set/,
  ],
  [
    "dates in the future",
    "change",
    written(times(50, (n) => now + n * day)),
    /49 of 50 documents have a time in the future, up to 2026-06-/,
  ],
  [
    "missing in most",
    "change",
    written([...times(10, (n) => now - n), ...times(90, () => 0).map(() => null)]),
    /90 of 100 documents have no value, and would never be read/,
  ],
  [
    "missing in some",
    "change",
    written([...times(90, (n) => now - (90 - n)), ...times(10, () => 0).map(() => null)]),
    /10 of 100 documents have no value/,
  ],
  ["several values", "change", written([now, [now - 1, now - 2]]), /several values/],
  [
    "the greatest long",
    "count",
    written([1, 2, 3, 4, 5, 6n, 2n ** 63n - 1n], counts),
    /greatest value that there is/,
  ],
  ["few that happen to be in order", "count", written([1, 2, 3], counts), /too few/],
  [
    "a long of milliseconds in the future",
    "change",
    written(
      times(50, (n) => now + n * day),
      { ...counts, future: 49 },
    ),
    /in the future/,
  ],
])("%s: none", (_what, meaning, evidence, reason) => {
  const verdict = decideCursor(evidence, meaning);
  expect(verdict).toMatchObject({ isBorneOut: false });
  if (!verdict.isBorneOut) expect(verdict.reason).toMatch(reason);
});

test("numbers of writes are compared within their own shard only", () => {
  const first = times(20, (n) => n + 1000).map((n) => [BigInt(n)]);
  const second = times(20, (n) => n).map((n) => [BigInt(n)]);
  const evidence = {
    ...written(
      times(40, (n) => n),
      counts,
    ),
    written: [first, second],
  };
  expect(decideCursor(evidence, "count")).toMatchObject({ isBorneOut: true });
  const joined = { ...evidence, written: [[...first, ...second]] };
  expect(decideCursor(joined, "count")).toMatchObject({ isBorneOut: false });
});
