// Tests that the truth of the sample data is repeatable, moves as declared, and answers the demo's queries.
import { expect, test } from "vitest";
import {
  exactJsonText,
  exactNumber,
} from "../../../../examples/web-analytics/sample-data/exact-json.ts";
import {
  cursorOf,
  rowsEver,
  stepsOf,
  type Change,
  type History,
} from "../../../../examples/web-analytics/sample-data/history.ts";
import {
  demoQueries,
  exactSumsQuery,
  sameAnswer,
} from "../../../../examples/web-analytics/sample-data/queries.ts";
import {
  liveCount,
  liveHashes,
  liveRows,
} from "../../../../examples/web-analytics/sample-data/truth.ts";
import {
  canonicalText,
  parseNested,
  rowHash,
} from "../../../../examples/web-analytics/sample-data/truth-row.ts";
import { catalog } from "../../../../examples/web-analytics/catalog/index.ts";

const START = Date.UTC(2026, 2, 1, 12);
const SHARES = { inserts: 0.02, updates: 0.2, deletes: 0.05 };

function historyOf(rounds: number, seed = 3, edgeCases = true): History {
  return {
    seed,
    edgeCases,
    rows: { companies: 400, leads: 500, visits: 700, page_views: 900 },
    rounds: [
      { nowMillis: START, shares: { inserts: 0, updates: 0, deletes: 0 } },
      ...Array.from({ length: rounds }, (_, round) => ({
        nowMillis: START + (round + 1) * 20_000,
        shares: SHARES,
      })),
    ],
  };
}

const TABLES = ["companies", "leads", "visits", "page_views"] as const;

test.each(TABLES)("%s: a history kept as JSON gives the same rows again", (table) => {
  const history = historyOf(3);
  const kept = JSON.parse(JSON.stringify(history)) as History;
  expect(liveHashes(kept, table)).toEqual(liveHashes(history, table));
  expect(liveHashes(historyOf(3, 4), table)).not.toEqual(liveHashes(history, table));
});

test.each(TABLES)("%s: each key is there once, and the count agrees", (table) => {
  const history = historyOf(3);
  const rows = [...liveRows(history, table)];
  expect(liveHashes(history, table).size).toBe(rows.length);
  expect(liveCount(history, table)).toBe(rows.length);
});

test.each(TABLES)("%s: rows have exactly the columns that the catalog declares", (table) => {
  const declared = catalog.tables
    .find(({ name }) => name === table)
    ?.columns.map(({ name }) => name);
  for (const row of liveRows(historyOf(1), table)) expect(Object.keys(row)).toEqual(declared);
});

test.each(TABLES)(
  "%s: a round makes every kind of change, and leaves other rows alone",
  (table) => {
    const before = historyOf(1);
    const after = historyOf(2);
    const changes = new Set<Change>();
    for (let row = 0; row < rowsEver(after, table, 2); row++) {
      const steps = stepsOf(after, table, row);
      const last = steps.at(-1);
      if (last?.round === 2) changes.add(last.change);
      else expect(steps).toEqual(stepsOf(before, table, row));
    }
    expect([...changes].sort()).toEqual(
      expect.arrayContaining(["delete", "insert", "null", "rewrite", "shrink"]),
    );
  },
);

test("a key that was deleted can come back", () => {
  const history = historyOf(8);
  const changes = Array.from({ length: 400 }, (_, row) =>
    stepsOf(history, "companies", row),
  ).flat();
  expect(changes.some(({ change }) => change === "reborn")).toBe(true);
});

test("a document's cursor only grows, lies before the clock, and late ones are within the overlap", () => {
  const history = historyOf(5);
  let late = 0;
  for (let row = 0; row < rowsEver(history, "leads", 5); row++) {
    const steps = stepsOf(history, "leads", row);
    let before = 0;
    for (let count = 1; count <= steps.length; count++) {
      const cursor = cursorOf(history, "leads", row, steps.slice(0, count));
      const step = steps[count - 1];
      const now = history.rounds[step?.round ?? 0]?.nowMillis ?? 0;
      expect(cursor).toBeGreaterThan(before);
      expect(cursor).toBeLessThanOrEqual(now - 4000);
      if (step !== undefined && step.round > 0) expect(cursor).toBeGreaterThan(now - 60_000);
      if (step?.late === true) late++;
      before = cursor;
    }
  }
  expect(late).toBeGreaterThan(0);
});

test("awkward values are all there", () => {
  const history = historyOf(0);
  const companies = [...liveRows(history, "companies")];
  const texts = companies.map((row) => canonicalText(row)).join("\n");
  expect(texts).toContain("\\n");
  expect(texts).toContain('\\"');
  expect(
    companies.some(({ employees }) => typeof employees === "bigint" && employees > 2n ** 53n),
  ).toBe(true);
  expect(companies.some((row) => row.founded_on !== null && (row.founded_on ?? "") < "1900")).toBe(
    true,
  );
  expect(companies.some((row) => canonicalText(row.revenue ?? null).startsWith('"-'))).toBe(true);
  const visits = [...liveRows(history, "visits")];
  expect(visits.some(({ day }) => day === "1969-12-31")).toBe(true);
  expect(visits.some(({ referrer }) => referrer === "")).toBe(true);
  expect(visits.some(({ referrer }) => referrer === null)).toBe(true);
  for (const { sequence } of liveRows(history, "page_views"))
    expect(sequence).toBeGreaterThan(2n ** 53n);
});

test("the demo's answers add up to the live rows", () => {
  const history = historyOf(2);
  const [byIndustry, busiest, byMonth] = demoQueries.map((query) => query.expected(history));
  const recognised = [...liveRows(history, "visits")].filter((row) => row.company_id !== null);
  const sum = (rows: readonly (readonly (string | null)[])[] | undefined, column: number): number =>
    (rows ?? []).reduce((total, row) => total + Number(row[column]), 0);
  expect(sum(byIndustry, 1)).toBe(recognised.length);
  expect(sum(busiest, 1)).toBe(liveCount(history, "visits"));
  expect(sum(busiest, 3)).toBe(liveCount(history, "page_views"));
  expect(sum(busiest, 4)).toBe(liveCount(history, "leads"));
  expect(sum(byMonth, 1)).toBe(liveCount(history, "page_views"));
  const sequences = [...liveRows(history, "page_views")].map(({ sequence }) => sequence);
  const sums = exactSumsQuery.expected(history).map(([, sum]) => BigInt(sum ?? 0));
  expect(sums.reduce((total, one) => total + one, 0n)).toBe(
    sequences.reduce<bigint>((total, one) => total + (typeof one === "bigint" ? one : 0n), 0n),
  );
});

test("what people are shown first looks like a company's numbers", () => {
  const history = historyOf(3, 3, false);
  for (const { employees, revenue, founded_on: founded, name } of liveRows(history, "companies")) {
    if (typeof employees === "bigint") expect(employees).toBeLessThanOrEqual(10_000n);
    if (typeof revenue === "string") expect(revenue).toMatch(/^\d{1,10}\.\d\d$/);
    if (typeof founded === "string") expect(founded >= "1900").toBe(true);
    expect(name).toMatch(/^[\p{L}'.& 株式会社]+$/u);
  }
  for (const { day, revenue } of liveRows(history, "visits")) {
    expect(typeof day === "string" && day > "2000").toBe(true);
    if (typeof revenue === "string") expect(revenue).toMatch(/^\d{1,3}\.\d{4}$/);
  }
  const [byIndustry] = demoQueries.map((query) => query.expected(history));
  for (const row of byIndustry ?? []) expect(Number(row[3] ?? 0)).toBeLessThan(1_000_000);
});

test("answers are the same in any order, and differ in one value", () => {
  expect(
    sameAnswer(
      [
        ["a", null],
        ["b", "1"],
      ],
      [
        ["b", "1"],
        ["a", null],
      ],
    ),
  ).toBe(true);
  expect(sameAnswer([["a", null]], [["a", ""]])).toBe(false);
  expect(
    sameAnswer(
      [["a", "1"]],
      [
        ["a", "1"],
        ["a", "1"],
      ],
    ),
  ).toBe(false);
});

test("JSON keeps every digit both ways", () => {
  const text = exactJsonText({
    long: 2n ** 63n - 1n,
    decimal: exactNumber("0.10"),
    gone: undefined,
    list: [null],
  });
  expect(text).toBe('{"long":9223372036854775807,"decimal":0.10,"list":[null]}');
  expect(parseNested('{"long":9223372036854775807,"small":-1.5}')).toEqual({
    long: 9223372036854775807n,
    small: -1.5,
  });
});

test("a row's hash depends on content, not on order, nor on nulls inside nested values", () => {
  expect(rowHash({ a: 1, b: { c: null, d: 2n } })).toBe(rowHash({ b: { d: 2 }, a: 1 }));
  expect(rowHash({ a: "" })).not.toBe(rowHash({ a: null }));
  expect(rowHash({ a: [] })).not.toBe(rowHash({ a: null }));
});
