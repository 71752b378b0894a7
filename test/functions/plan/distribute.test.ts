// How splits are dealt to lanes.
import fc from "fast-check";
import { expect, it } from "vitest";
import { distribute } from "../../../functions/plan/distribute.ts";
import type { WorkItem } from "../../../contract/state.ts";

const itemsOf = (table: string, count: number): WorkItem[] =>
  Array.from({ length: count }, (_, index) => ({
    ...{ table, pass: "rows-1", kind: "rows" as const, split: String(index), token: 1 },
  }));

const workOf = fc
  .dictionary(fc.string(), fc.nat(12), { maxKeys: 6 })
  .map(
    (counts) =>
      new Map(Object.entries(counts).map(([name, count]) => [name, itemsOf(name, count)])),
  );

it("deals every item once, in the order of its table's splits", () => {
  fc.assert(
    fc.property(workOf, fc.integer({ min: 1, max: 5 }), fc.string(), (work, lanes, run) => {
      const dealt = distribute(run, work, lanes);
      expect(dealt).toHaveLength(lanes);
      const longest = Math.max(...dealt.map((lane) => lane.length));
      // In the order in which lanes of the same speed would read them.
      const read = Array.from({ length: longest }, (_, turn) =>
        dealt.flatMap((lane) => lane[turn] ?? []),
      ).flat();
      for (const [table, items] of work) {
        expect(read.filter((item) => item.table === table)).toEqual(items);
      }
      expect(read).toHaveLength([...work.values()].flat().length);
    }),
  );
});

it("gives lanes the same number of items, and each table its turn before any has a second", () => {
  fc.assert(
    fc.property(workOf, fc.integer({ min: 1, max: 5 }), (work, lanes) => {
      const counts = distribute("run", work, lanes).map((lane) => lane.length);
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      const tables = [...work].filter(([, items]) => items.length > 0).length;
      const [one = []] = distribute("run", work, 1);
      expect(new Set(one.slice(0, tables).map(({ table }) => table)).size).toBe(tables);
    }),
  );
});

it("does not begin with the same table in each run, but does in each attempt of one", () => {
  const work = new Map(["a", "b", "c"].map((name) => [name, itemsOf(name, 1)]));
  const firstOf = (run: string) => distribute(run, work, 1)[0]?.[0]?.table;
  const runs = Array.from({ length: 50 }, (_, index) => `run-${index}`);
  expect(new Set(runs.map(firstOf))).toEqual(new Set(["a", "b", "c"]));
  expect(runs.map(firstOf)).toEqual(runs.map(firstOf));
});
