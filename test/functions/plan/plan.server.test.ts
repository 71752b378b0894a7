// Planning against a real ledger and bucket: leases, passes, work lists, problems and what waits.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Definition, SourceDefinition } from "../../../catalog/definition.ts";
import { commitRun } from "../../../functions/commit/commit.ts";
import { SourceUnreachableError } from "../../../sources/source.ts";
import { planRun, type PlanDependencies } from "../../../functions/plan/plan.ts";
import { SourceConfigurationError, SourceUnavailableError } from "../../../contract/errors.ts";
import { keys } from "../../../contract/keys.ts";
import { planFileSchema } from "../../../contract/run-files.ts";
import { laneStateSchema, workListSchema, type WorkItem } from "../../../contract/state.ts";
import { startMoto, type Moto } from "../moto.ts";
import {
  countLanesInUse,
  Executions,
  makeStores,
  objectOf,
  type Stores,
} from "../store-fixtures.ts";
import { events, leads } from "./definitions.ts";
import { FakeSource } from "./fake-source.ts";

let server: Moto;
let stores: Stores;
let executions: Executions;
let source: FakeSource;
let definitions: Definition[];
let now: number;

beforeAll(async () => {
  server = await startMoto();
});
afterAll(() => server.stop());

beforeEach(async () => {
  stores = await makeStores(server.address);
  executions = new Executions();
  source = new FakeSource();
  definitions = [leads];
  now = Date.now();
});

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** As a new run would, with whatever a test changes. */
async function plan(run: string, tables?: string[], more: Partial<PlanDependencies> = {}) {
  const { ledger, store } = stores;
  executions.start(run);
  const { lanes } = await planRun(
    { run, execution: run, ...(tables === undefined ? {} : { tables }) },
    {
      ...{ ledger, store, log: quiet, nowMillis: now, isRunning: executions.isRunning },
      connect: () => Promise.resolve(source),
      readDefinitions: () => Promise.resolve({ definitions, broken: [] }),
      ...more,
    },
  );
  for (const lane of lanes) laneStateSchema.parse(lane);
  const items: WorkItem[][] = [];
  for (const lane of lanes) items.push((await store.get(lane.work, workListSchema)).items);
  return { lanes, items, file: await store.get(keys.runPlan(run), planFileSchema) };
}

/** Reads splits of work items to their end, one object each. */
async function readAll(items: readonly WorkItem[]): Promise<void> {
  for (const { table, pass, split, token } of items) {
    const before = await stores.ledger.splits.read(table, pass, split);
    await stores.ledger.transactions.recordObject({
      ...{ table, token, before, position: "end", done: true, object: objectOf(before) },
    });
  }
}

/** Ends a run: its commit, and its execution; lanes are free once their leases have expired. */
async function end(run: string): Promise<void> {
  const { ledger, store } = stores;
  await commitRun({ run, execution: run }, { ledger, store, log: quiet });
  kill(run);
}

function kill(run: string): void {
  executions.running.delete(run);
  now = Math.max(now, Date.now()) + 10 * 60_000;
}

const withBudget = (name: string, lanes: number): SourceDefinition => ({
  ...{ ...leads.source, name },
  budget: { ...leads.source.budget, lanes },
});

describe("a run", () => {
  it("opens a pass, hands out its splits and says so", async () => {
    source.splits = 3;
    const { lanes, items, file } = await plan("one");
    expect(lanes).toHaveLength(1);
    expect(lanes[0]).toMatchObject({ source: "shop", lane: 0, laneToken: 1, item: 0, done: false });
    expect(items[0]).toEqual(
      ["0000", "0001", "0002"].map((split) => ({
        ...{ table: "leads", pass: "rows-1", kind: "rows", split, token: 1 },
      })),
    );
    expect(file).toEqual({
      ...{ format: 1, run: "one", byName: false, problems: [], waiting: [], unread: [], drift: [] },
      definitions: [{ name: "leads", kind: "table", source: "shop" }],
      tables: [{ table: "leads", source: "shop", token: 1 }],
      lanes: [{ source: "shop", lane: 0, token: 1 }],
    });
    const progress = await stores.ledger.progress.read("leads");
    expect(progress.passes.rows).toMatchObject({ window: { from: null, to: "1000" }, unit: "ms" });
  });

  it("tried again hands out the same work under new tokens", async () => {
    source.splits = 2;
    await plan("one");
    source.end = 5000;
    const { lanes, items } = await plan("one");
    expect(lanes[0]?.laneToken).toBe(2);
    expect(items[0]?.map(({ pass, split, token }) => [pass, split, token])).toEqual([
      ["rows-1", "0000", 2],
      ["rows-1", "0001", 2],
    ]);
  });

  it("goes on with what an earlier run left, then with the next window", async () => {
    source.splits = 2;
    const first = await plan("one");
    await readAll(first.items[0]?.slice(0, 1) ?? []);
    await end("one");
    source.end = 3000;
    const second = await plan("two");
    expect(second.items[0]?.map(({ pass, split }) => [pass, split])).toEqual([["rows-1", "0001"]]);
    await readAll(second.items[0] ?? []);
    await end("two");
    const third = await plan("three");
    const { passes, watermark } = await stores.ledger.progress.read("leads");
    expect(watermark).toBe("1000");
    expect(passes.rows?.window).toEqual({ from: "1000", to: "3000" });
    expect(third.items[0]?.map(({ pass }) => pass)).toEqual(["rows-2", "rows-2", "keys-3"]);
  });

  it("after another run's commit finds tables and lanes free while that one still builds and loads", async () => {
    source.splits = 2;
    const first = await plan("one");
    await readAll(first.items[0]?.slice(0, 1) ?? []);
    const early = await plan("early");
    expect(early.file).toMatchObject({
      waiting: [{ table: "leads", cause: "lanes" }],
    });
    const { ledger, store } = stores;
    // As the invocation gives it back that is the lane's last.
    await ledger.lanes.release("shop", 0, first.lanes[0]?.laneToken ?? 0);
    expect((await plan("reading")).file.waiting).toMatchObject([{ table: "leads", cause: "held" }]);
    await commitRun({ run: "one", execution: "one" }, { ledger, store, log: quiet });
    expect(executions.running.has("one")).toBe(true);
    const second = await plan("two");
    expect(second.file.waiting).toEqual([]);
    expect(second.items[0]?.map(({ pass, split }) => [pass, split])).toEqual([["rows-1", "0001"]]);
    await readAll(second.items[0] ?? []);
    await commitRun({ run: "two", execution: "two" }, { ledger, store, log: quiet });
    expect(await ledger.progress.read("leads")).toMatchObject({ lastManifest: 2, passes: {} });
  });

  it("reads past rows again beside the next window, as often as the cursor says, without moving the watermark", async () => {
    if (leads.cursor === null) throw new Error("leads has a cursor");
    const none = { strategy: "none" as const };
    const lateRows = { everyHours: 1, reachHours: 1 / 60 };
    definitions = [{ ...leads, deletes: none, cursor: { ...leads.cursor, lateRows } }];
    source.overlapUnits = (seconds) => seconds;
    const first = await plan("one");
    expect(first.items[0]?.map(({ pass }) => pass)).toEqual(["rows-1"]);
    await readAll(first.items[0] ?? []);
    await end("one");
    source.end = 3000;
    const second = await plan("two");
    expect(second.items[0]?.map(({ pass }) => pass)).toEqual(["rows-2"]);
    await readAll(second.items[0] ?? []);
    await end("two");

    now += 3_600_000;
    source.end = 4000;
    const third = await plan("three");
    expect(third.items[0]?.map(({ pass, kind }) => [pass, kind])).toEqual([
      ["rows-3", "rows"],
      ["late-4", "rows"],
    ]);
    const open = await stores.ledger.progress.read("leads");
    // The window's overlap is 60, and what is looked for lies 60 seconds before its beginning.
    expect(open.passes.rows?.window).toEqual({ from: "2940", to: "4000" });
    expect(open.passes.late?.window).toEqual({ from: "2880", to: "2940" });

    // The reading of past rows ends first, and in another run than the window's.
    await readAll((third.items[0] ?? []).filter(({ pass }) => pass === "late-4"));
    await end("three");
    const later = await stores.ledger.progress.read("leads");
    expect(later.watermark).toBe("3000");
    expect(later.passes.late).toBeUndefined();
    const fourth = await plan("four");
    expect(fourth.items[0]?.map(({ pass }) => pass)).toEqual(["rows-3"]);
    await readAll(fourth.items[0] ?? []);
    await end("four");
    expect((await stores.ledger.progress.read("leads")).watermark).toBe("4000");
  });

  it("holds a table whose pass was read but not committed, so that Commit finds it", async () => {
    const first = await plan("one");
    await readAll(first.items[0] ?? []);
    kill("one");
    const second = await plan("two");
    expect(second.lanes).toEqual([]);
    expect(second.file.tables).toEqual([{ table: "leads", source: "shop", token: 2 }]);
    await end("two");
    expect((await stores.ledger.progress.read("leads")).watermark).toBe("1000");
  });

  it("with nothing to read holds nothing", async () => {
    definitions = [{ ...leads, deletes: { strategy: "none" } }];
    const first = await plan("one");
    await readAll(first.items[0] ?? []);
    await end("one");
    const second = await plan("two");
    expect(second.file).toMatchObject({ tables: [], lanes: [], problems: [], waiting: [] });
    // Both leases were given back although the execution still runs.
    source.end = 2000;
    const third = await plan("three");
    expect(third.file.tables).toEqual([{ table: "leads", source: "shop", token: 4 }]);
  });

  it("full scans a table without a cursor again in every run, by tokens", async () => {
    definitions = [events];
    for (const number of [1, 2]) {
      const { items } = await plan(`run-${number}`);
      expect(items[0]?.map(({ pass }) => pass)).toEqual([`rows-${number}`, `rows-${number}`]);
      await readAll(items[0] ?? []);
      await end(`run-${number}`);
    }
    const progress = await stores.ledger.progress.read("events");
    expect(progress).toMatchObject({ lastManifest: 2, watermark: null, passes: {} });
  });

  it("reads a whole index again in every run for a table without a cursor", async () => {
    definitions = [{ ...leads, name: "plans", cursor: null, deletes: events.deletes }];
    source.wholeIndex = true;
    for (const number of [1, 2]) {
      const { items } = await plan(`run-${number}`);
      expect(items[0]?.map(({ pass, kind }) => [pass, kind])).toEqual([[`rows-${number}`, "rows"]]);
      const { passes } = await stores.ledger.progress.read("plans");
      expect(passes.rows).toMatchObject({ window: null, findsDeletes: true });
      await readAll(items[0] ?? []);
      await end(`run-${number}`);
    }
  });

  it("reports once per run what the source has and no pass reads, and reads on", async () => {
    definitions = [leads, { ...leads, name: "well" }, { ...leads, name: "uncounted" }];
    source.unread.set("leads", { rows: 3, reason: "3 documents have no changed_at" });
    source.unread.set("uncounted", new SourceUnavailableError("429"));
    const { file } = await plan("one");
    expect(file.tables.map(({ table }) => table)).toEqual(["leads", "well", "uncounted"]);
    expect(file.unread).toEqual([
      { table: "leads", rows: 3, reason: "3 documents have no changed_at" },
    ]);
    expect(file.problems).toMatchObject([{ kind: "table", name: "uncounted", message: "429" }]);
    expect(source.unreadCounts).toBe(3);
  });

  it("reports each time the writes that the cursor does not follow, by the mark of the window before", async () => {
    // Without a pass over the keys, which would be due next.
    definitions = [{ ...leads, deletes: { strategy: "none" } }];
    source.writes = 7;
    const { items } = await plan("one");
    expect(source.asked).toEqual([]);
    // The pass goes on in another run: its window is not the one before.
    kill("one");
    source.writes = 8;
    const again = await plan("two");
    expect(source.asked).toEqual([]);
    await readAll(again.items[0] ?? items[0] ?? []);
    await end("two");
    source.behind = { rows: 5, reason: "5 documents have an old n" };
    for (const run of ["three", "four"]) {
      // The greatest cursor has not moved, so that there is no window.
      const { file, lanes } = await plan(run);
      expect(lanes).toEqual([]);
      expect(file.unread).toEqual([{ table: "leads", ...source.behind }]);
      await end(run);
    }
    expect(source.asked).toEqual([
      ["mark-7", "1000"],
      ["mark-7", "1000"],
    ]);
    source.end = 2000;
    await readAll((await plan("five")).items[0] ?? []);
    await end("five");
    await plan("six");
    expect(source.asked.at(-1)).toEqual(["mark-8", "2000"]);
  });

  it("deals the tables of a source to all its lanes", async () => {
    source.splits = 3;
    const shop = withBudget("shop", 2);
    definitions = ["a", "b", "c"].map((name) => ({ ...leads, name, source: shop }));
    const { lanes, items } = await plan("one");
    expect(lanes.map(({ lane }) => lane)).toEqual([0, 1]);
    expect(items.flat()).toHaveLength(9);
    expect(items.map((lane) => lane.length)).toEqual([5, 4]);
    expect(new Set(items.flat().map(({ table, split }) => `${table}/${split}`)).size).toBe(9);
  });

  it("takes the smallest budget where definitions of one source disagree", async () => {
    source.splits = 3;
    definitions = [
      { ...leads, name: "new", source: withBudget("shop", 4) },
      { ...leads, name: "old", source: withBudget("shop", 2) },
    ];
    expect((await plan("one", ["new"])).lanes).toHaveLength(2);
  });

  it("takes no more lanes than it has work for", async () => {
    definitions = [{ ...leads, source: withBudget("shop", 4) }];
    const { lanes } = await plan("one");
    expect(lanes.map(({ lane }) => lane)).toEqual([0]);
    const inUse = countLanesInUse(stores, "shop", "other", executions.isRunning, now);
    expect(await inUse).toBe(1);
  });
});

describe("another run", () => {
  it("waits for the lane, and for the table, of one that is running", async () => {
    await plan("one");
    const second = await plan("two");
    expect(second.lanes).toEqual([]);
    expect(second.file).toMatchObject({
      tables: [],
      waiting: [
        {
          ...{ table: "leads", source: "shop", cause: "lanes" },
          reason: "other runs, or what a stopped one left behind, use all lanes of source shop",
        },
      ],
    });
    definitions = [{ ...leads, source: withBudget("shop", 2) }];
    const third = await plan("three");
    expect(third.file.waiting).toEqual([
      { table: "leads", source: "shop", cause: "held", reason: "another run reads it: one" },
    ]);
    expect(third.file.lanes).toEqual([]);
  });

  it("takes over when the first has ended without a word", async () => {
    await plan("one");
    kill("one");
    const { file, items } = await plan("two");
    expect(file.tables).toEqual([{ table: "leads", source: "shop", token: 2 }]);
    expect(items[0]?.[0]).toMatchObject({ pass: "rows-1", token: 2 });
  });
});

describe("a source that must be left alone", () => {
  const nightly = { timeZone: "Europe/Berlin", from: "22:00", to: "05:00" };
  const untouched = { connect: () => Promise.reject(new Error("the source was asked")) };

  it("for its hours are closed is not asked, and its tables wait until they open", async () => {
    const shop = { ...leads.source, budget: { ...leads.source.budget, hours: nightly } };
    const nowMillis = Date.parse("2026-03-28T12:00:00Z");
    const onlyOther = {
      connect: ({ name }: SourceDefinition) =>
        name === "shop" ? untouched.connect() : Promise.resolve(source),
    };
    const tracking = { ...events, source: { ...events.source, name: "tracking" } };
    definitions = [{ ...leads, source: shop }, tracking];
    const { file, lanes } = await plan("one", undefined, { nowMillis, ...onlyOther });
    expect(file.waiting).toEqual([
      {
        ...{ table: "leads", source: "shop", cause: "hours" },
        reason:
          "source shop is read from 22:00 to 05:00, Europe/Berlin: it opens at 2026-03-28T21:00:00.000Z",
        opensAt: "2026-03-28T21:00:00.000Z",
      },
    ]);
    expect(file.problems).toEqual([]);
    expect(lanes.map((lane) => lane.source)).toEqual(["tracking"]);
    expect(await countLanesInUse(stores, "shop", "two", executions.isRunning, now)).toBe(0);
  });

  it("is read in its hours", async () => {
    const shop = { ...leads.source, budget: { ...leads.source.budget, hours: nightly } };
    definitions = [{ ...leads, source: shop }];
    const nowMillis = Date.parse("2026-03-29T02:59:00Z");
    expect((await plan("one", undefined, { nowMillis })).file.waiting).toEqual([]);
  });

  it("for it rejected requests again and again is not asked until its pause is over", async () => {
    const until = now + 60_000;
    await stores.ledger.pauses.give("shop", { until, run: "zero", reason: "429: too many" });
    const { file, lanes } = await plan("one", undefined, untouched);
    expect(lanes).toEqual([]);
    expect(file.problems).toEqual([]);
    expect(file.waiting).toEqual([
      {
        ...{ table: "leads", source: "shop", cause: "pause" },
        reason:
          `source shop rejected requests again and again and is left alone until ${new Date(until).toISOString()}: ` +
          "429: too many",
      },
    ]);
    now = until;
    expect((await plan("two")).file.waiting).toEqual([]);
  });
});

describe("what a crash left open at the source", () => {
  const hold = (id: string, execution: string, expiresAt: number) =>
    stores.ledger.resources.hold("shop", { id, execution, openedAt: now, expiresAt });

  it("is closed and forgotten", async () => {
    await hold("pit-1", "crashed", now + 60_000);
    await plan("one");
    expect(source.released).toEqual(["pit-1"]);
    expect(await stores.ledger.resources.list("shop")).toEqual([]);
  });

  it("is left alone while the run that opened it goes on, unless it has expired", async () => {
    const { lanes } = await plan("one");
    await hold("in-use", "one", now + 60_000);
    await hold("expired", "one", now - 1);
    await hold("ended", "crashed", now + 60_000);
    // Its lane is given back when it has read; what it handed on within its tables is not for others to close.
    for (const { lane, laneToken } of lanes)
      await stores.ledger.lanes.release("shop", lane, laneToken);
    await plan("two");
    expect([...source.released].sort()).toEqual(["ended", "expired"]);
    expect(await stores.ledger.resources.list("shop")).toMatchObject([{ id: "in-use" }]);
  });

  it("does not hold up the run when it cannot be closed", async () => {
    source.releaseError = new SourceUnavailableError("busy");
    await hold("pit-1", "crashed", now + 60_000);
    expect((await plan("one")).file.problems).toEqual([]);
    expect(await stores.ledger.resources.list("shop")).toHaveLength(1);
    kill("one");
    await plan("two");
    expect(await stores.ledger.resources.list("shop")).toEqual([]);
  });
});

describe("a mistake", () => {
  it("in the names stops before anything is written", async () => {
    await expect(plan("one", ["leeds"])).rejects.toThrow('["leeds"]: there is no such table');
    expect(await stores.store.find(keys.runPlan("one"), planFileSchema)).toBeUndefined();
    expect((await stores.ledger.progress.read("leads")).passNumber).toBe(0);
  });

  it("of one table is a problem of that table, which is given back", async () => {
    definitions = [{ ...leads, name: "wrong" }, leads];
    source.failing.set("wrong", new SourceConfigurationError("no such index"));
    const { file } = await plan("one");
    expect(file.tables.map(({ table }) => table)).toEqual(["leads"]);
    expect(file.problems).toEqual([
      {
        ...{ kind: "table", name: "wrong", error: "SourceConfigurationError" },
        message: "no such index",
      },
    ]);
    const lease = await stores.ledger.leases.take("wrong", "two", now, executions.isRunning);
    expect(lease).toEqual({ token: 2 });
  });

  it("of a few indices that do not respond leaves out those tables only", async () => {
    definitions = ["sick_a", "sick_b", "lost", "well"].map((name) => ({ ...leads, name }));
    for (const name of ["sick_a", "sick_b"])
      source.failing.set(name, new SourceUnavailableError("503: a shard is away"));
    source.failing.set("lost", new SourceUnreachableError("timed out"));
    const { file, items } = await plan("one");
    expect(file.tables.map(({ table }) => table)).toEqual(["well"]);
    expect(items.flat().map(({ table }) => table)).toEqual(["well"]);
    expect(file.problems.map(({ kind, name }) => [kind, name])).toEqual([
      ["table", "sick_a"],
      ["table", "sick_b"],
      ["table", "lost"],
    ]);
    source.failing.clear();
    const again = await plan("one");
    expect(again.file.tables).toHaveLength(4);
  });

  it("in a definition is reported, but not for tables that were not asked for", async () => {
    const broken = [{ name: "orders", error: "CatalogError", message: "no key" }];
    const more = { readDefinitions: () => Promise.resolve({ definitions, broken }) };
    const all = await plan("one", undefined, more);
    expect(all.file.problems).toEqual([{ kind: "table", ...broken[0] }]);
    expect(all.file.tables).toHaveLength(1);
    kill("one");
    expect((await plan("two", ["leads"], more)).file.problems).toEqual([]);
    kill("two");
    expect((await plan("three", ["orders"], more)).file.problems).toHaveLength(1);
  });

  it("of one source does not hold up the others", async () => {
    definitions = [
      { ...leads, name: "away", source: withBudget("away", 1) },
      { ...leads, name: "away_too", source: withBudget("away", 1) },
      { ...leads, name: "not_asked", source: withBudget("away", 1) },
      { ...leads, name: "secretless", source: withBudget("secretless", 1) },
      leads,
    ];
    for (const name of ["away", "away_too"])
      source.failing.set(name, new SourceUnreachableError("connection refused"));
    const { file } = await plan("one", undefined, {
      connect: ({ name }) =>
        name === "secretless"
          ? Promise.reject(new SourceConfigurationError("no secret"))
          : Promise.resolve(source),
    });
    expect(file.tables.map(({ table }) => table)).toEqual(["leads"]);
    expect(file.problems.map(({ kind, name, error }) => [kind, name, error])).toEqual([
      ["table", "away", "SourceUnavailableError"],
      ["source", "away", "SourceUnavailableError"],
      ["source", "secretless", "SourceConfigurationError"],
    ]);
    expect(file.lanes.map((lane) => lane.source)).toEqual(["shop"]);
    const inUse = countLanesInUse(stores, "away", "other", executions.isRunning, now);
    expect(await inUse).toBe(0);
  });
});
