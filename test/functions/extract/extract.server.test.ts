// Tests invocations of a lane against a real ledger, data bucket and Elasticsearch: what is recorded is what the source has.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ExtractDependencies, ExtractLedger } from "../../../functions/extract/extract.ts";
import { extractProblemSchema } from "../../../contract/extract-problem.ts";
import { SourceConnections } from "../../../functions/source-access/source-connections.ts";
import { ElasticsearchSource } from "../../../sources/elasticsearch/elasticsearch.ts";
import {
  FencedError,
  ProtocolError,
  SourceAuthenticationError,
  SourceUnavailableError,
} from "../../../contract/errors.ts";
import type { Bounds } from "../../../contract/records.ts";
import type { LaneState } from "../../../contract/state.ts";
import { execution, Lane, makeStores } from "./lane.ts";
import {
  byTable,
  numbersOf,
  rejecting,
  sleepingClock,
  table,
  upTo,
  whole,
} from "./scripted-lane.ts";
import { ScriptedSource } from "./scripted-source.ts";
import { runElasticsearch, runMoto, type RunningServer } from "./servers.ts";
import { Cluster } from "../../sources/elasticsearch/cluster.ts";

let moto: RunningServer;
let stores: Awaited<ReturnType<typeof makeStores>>;

beforeAll(async () => {
  moto = await runMoto();
});

afterAll(async () => {
  await moto.stop();
});

const newStores = async (): Promise<typeof stores> => (stores = await makeStores(moto.address));

/** An invocation that has time for a few requests only. */
function shortInvocation(requests: number): Pick<ExtractDependencies, "remainingMillis"> {
  let left = requests + 1;
  return { remainingMillis: () => (left -= 1) * 100 };
}

test("many short invocations read exactly what Elasticsearch has, rows and keys", async () => {
  const elasticsearch = await runElasticsearch();
  const client = new ElasticsearchSource("shop", { nodes: [elasticsearch.address] });
  try {
    const cluster = new Cluster(elasticsearch.address);
    const indices = await Promise.all([1, 2].map(() => cluster.makeIndex({ n: { type: "long" } })));
    const documents = upTo(1000).map((n) => ({ id: String(n), json: `{"n":${n >> 3}}` }));
    for (const index of indices) await cluster.index(index, documents);
    const [first, second] = indices.map((index) => table(index, { pageRows: 30 }));
    if (first === undefined || second === undefined) throw new Error("no tables");
    const splits: Bounds[] = [
      { by: "cursor", from: null, to: "40" },
      { by: "cursor", from: "40", to: "41" },
      { by: "cursor", from: "41", to: "1000" },
    ];
    const keysBounds = await client.planKeys();
    const lane = await Lane.plan(await newStores(), [
      { table: first, kind: "rows", splits },
      { table: second, kind: "keys", splits: keysBounds },
    ]);
    const sizes: number[] = [];
    while (!lane.state.done) {
      expect(lane.state.invocation).toBeLessThan(100);
      await lane.invoke(client, shortInvocation(6));
      sizes.push(JSON.stringify(lane.state).length);
    }
    expect(lane.state.invocation).toBeGreaterThan(8);
    expect(Math.max(...sizes)).toBeLessThan(1500);
    for (const { name } of [first, second]) {
      const rows = await lane.rows(name);
      expect([...new Set(numbersOf(rows))]).toEqual(upTo(1000));
      expect((await lane.splits(name)).every(({ done }) => done)).toBe(true);
    }
    // Each new reader begins at the last value again: eight rows of a tie at most.
    const repeated = (await lane.rows(first.name)).length - 1000;
    expect(repeated).toBeLessThanOrEqual(lane.state.invocation * 8);
    const repeatedKeys = (await lane.rows(second.name)).length - 1000;
    expect(repeatedKeys).toBeLessThanOrEqual(lane.state.invocation * 8);
    expect(lane.state.rows).toBe(2000 + repeated + repeatedKeys);
    expect(await stores.ledger.resources.list("shop")).toEqual([]);
    for (const index of indices) expect(await cluster.countOpenContexts(index)).toBe(0);
  } finally {
    await client.close();
    await elasticsearch.stop();
  }
});

test("objects are ended by size, numbered in order, and named by token and attempt", async () => {
  const lane = await Lane.plan(await newStores(), [
    { table: table("a"), kind: "rows", splits: [whole] },
  ]);
  const source = new ScriptedSource({ rows: 1000, pageRows: 100 });
  const objectBounds = { maxBytes: 20_000, maxMillis: 60_000 };
  const state = await lane.invoke(source, { objectBounds, attempt: "abcd" });
  expect(state).toMatchObject({ done: true, rows: 1000, invocation: 1, item: 1 });
  const objects = await lane.objects("a");
  expect(objects.map(({ record }) => record.key)).toEqual(
    upTo(4).map((n) => `raw/a/rows-1/s0/00000${n}-1-abcd.ndjson.gz`),
  );
  expect(numbersOf(await lane.rows("a"))).toEqual(upTo(1000));
  expect(source.openReaders).toBe(0);
});

test("objects are ended by time", async () => {
  const lane = await Lane.plan(await newStores(), [
    { table: table("a", { dutyCycle: 0.5 }), kind: "rows", splits: [whole] },
  ]);
  const source = new ScriptedSource({ rows: 100, pageRows: 10, sourceMillis: 10_000 });
  await lane.invoke(source, { clock: sleepingClock() });
  const rows = (await lane.objects("a")).map(({ record }) => record.rows);
  expect(rows).toEqual([70, 30]);
});

test("a split without rows is done without an object", async () => {
  const lane = await Lane.plan(await newStores(), [
    { table: table("a"), kind: "rows", splits: [whole] },
  ]);
  expect(await lane.invoke(new ScriptedSource({ rows: 0, pageRows: 10 }))).toMatchObject({
    ...{ done: true, rows: 0 },
  });
  expect(await lane.splits("a")).toMatchObject([{ done: true, objects: 0, rows: 0 }]);
  expect(await lane.stored("raw/")).toEqual([]);
});

test("an object that was put but not recorded does not count; the invocation's retry reads its rows again", async () => {
  const lane = await Lane.plan(await newStores(), [
    { table: table("a"), kind: "rows", splits: [whole] },
  ]);
  const source = new ScriptedSource({ rows: 100, pageRows: 10 });
  const { ledger } = lane;
  let records = 0;
  const recordObject: ExtractLedger["transactions"]["recordObject"] = (args) => {
    records += 1;
    return records === 3
      ? Promise.reject(new Error("the connection broke"))
      : ledger.transactions.recordObject(args);
  };
  const failing: ExtractLedger = { ...ledger, transactions: { recordObject } };
  const objectBounds = { maxBytes: 1, maxMillis: 60_000 };
  const broken = lane.invoke(source, { ledger: failing, objectBounds });
  await expect(broken).rejects.toThrow("the connection broke");
  expect(await lane.stored("raw/")).toHaveLength(3);
  expect(await lane.splits("a")).toMatchObject([{ objects: 2, rows: 20, position: "20" }]);
  expect(await lane.invoke(source, { objectBounds })).toMatchObject({ done: true, rows: 80 });
  expect(numbersOf(await lane.rows("a"))).toEqual(upTo(100));
  expect(await lane.stored("raw/")).toHaveLength(11);
});

test("a fenced invocation ends at once and records nothing more", async () => {
  const lane = await Lane.plan(await newStores(), [
    { table: table("a"), kind: "rows", splits: [whole] },
    { table: table("b"), kind: "rows", splits: [whole] },
  ]);
  const source = new ScriptedSource({
    ...{ rows: 100, pageRows: 10 },
    beforeBatch: (row) => (row === 30 ? lane.ledger.leases.fence("a", 1) : undefined),
  });
  const fenced = lane.invoke(source, { objectBounds: { maxBytes: 1, maxMillis: 60_000 } });
  await expect(fenced).rejects.toThrow(FencedError);
  expect(await lane.splits("a")).toMatchObject([{ objects: 3, rows: 30, done: false }]);
  expect(await lane.splits("b")).toMatchObject([{ objects: 0, rows: 0 }]);
  expect(source.openReaders).toBe(0);
});

test("a table that cannot be read is left out and named; the lane's others are read", async () => {
  const elasticsearch = new ElasticsearchSource("shop", { nodes: ["http://127.0.0.1:1"] });
  const token: Bounds = { by: "token", after: "0", upTo: "1" };
  const lane = await Lane.plan(await newStores(), [
    { table: table("mistaken"), kind: "rows", splits: [token, token] },
    { table: table("good"), kind: "rows", splits: [whole] },
  ]);
  const good = new ScriptedSource({ rows: 10, pageRows: 10 });
  const either = new ScriptedSource({ rows: 0, pageRows: 1 });
  either.open = (request) => (request.bounds.by === "token" ? elasticsearch : good).open(request);
  expect(await lane.invoke(either)).toMatchObject({ done: true, rows: 10 });
  expect(await lane.stored("runs/run-1/problems/")).toEqual(["runs/run-1/problems/mistaken.json"]);
  const problem = extractProblemSchema.parse(await lane.read("runs/run-1/problems/mistaken.json"));
  expect(problem).toMatchObject({
    ...{ table: "mistaken", source: "shop", lane: 0, error: "SourceConfigurationError" },
  });
  expect(problem.message).toContain("its split is a range of tokens");
  await elasticsearch.close();
});

test("a table whose requests are rejected again and again is left out with what was read kept; the others are read", async () => {
  const lane = await Lane.plan(await newStores(), [
    { table: table("a"), kind: "rows", splits: [whole, whole] },
    { table: table("b"), kind: "rows", splits: [whole] },
  ]);
  const other = new ScriptedSource({ rows: 10, pageRows: 10 });
  let rejections = 0;
  const source = new ScriptedSource({
    ...{ rows: 100, pageRows: 10 },
    beforeBatch: (row) => {
      if (row === 20 && rejections < 3) {
        rejections += 1;
        throw new SourceUnavailableError("429");
      }
      if (row === 50) throw new SourceUnavailableError("gone");
    },
  });
  const clock = sleepingClock();
  const state = await lane.invoke(byTable({ a: source, b: other }), { clock });
  expect(state).toMatchObject({ done: true, rows: 60 });
  expect(clock.slept).toBeGreaterThanOrEqual(1000 + 2000 + 4000 + 63_000);
  expect(await lane.splits("a")).toMatchObject([
    { rows: 50, position: "50", done: false },
    { rows: 0, position: null, done: false },
  ]);
  expect(numbersOf(await lane.rows("b"))).toEqual(upTo(10));
  expect(await lane.read("runs/run-1/problems/a.json")).toMatchObject({
    ...{ table: "a", error: "SourceUnavailableError", message: "gone" },
  });
  expect(source.openReaders).toBe(0);
});

test("a table that never responds does not hold up the others of its lane", async () => {
  const lane = await Lane.plan(await newStores(), [
    { table: table("a"), kind: "rows", splits: [whole] },
    { table: table("b"), kind: "rows", splits: [whole] },
  ]);
  const clients = { a: rejecting("sick"), b: new ScriptedSource({ rows: 10, pageRows: 10 }) };
  const clock = sleepingClock();
  expect(await lane.invoke(byTable(clients), { clock })).toMatchObject({ done: true, rows: 10 });
  expect(await lane.stored("runs/run-1/problems/")).toEqual(["runs/run-1/problems/a.json"]);
});

test("a source that never responds fails the lane, and no table is blamed", async () => {
  const lane = await Lane.plan(
    await newStores(),
    ["a", "b", "c"].map((name) => ({ table: table(name), kind: "rows", splits: [whole] })),
  );
  let requests = 0;
  const away = rejecting("away", () => (requests += 1));
  await expect(lane.invoke(away, { clock: sleepingClock() })).rejects.toThrow(
    SourceUnavailableError,
  );
  // Patiently for the first table, then once for each of the others.
  expect(requests).toBe(7 + 2);
  expect(await lane.stored("runs/run-1/problems/")).toEqual([]);
  const healed = new ScriptedSource({ rows: 20, pageRows: 10 });
  expect(await lane.invoke(healed)).toMatchObject({ done: true, rows: 60 });
});

test("pages without rows move the position from invocation to invocation", async () => {
  const lane = await Lane.plan(await newStores(), [
    { table: table("a"), kind: "rows", splits: [whole] },
  ]);
  const source = new ScriptedSource({ rows: 100, pageRows: 10, emptyBefore: 95 });
  while (!lane.state.done) {
    expect(lane.state.invocation).toBeLessThan(30);
    await lane.invoke(source, shortInvocation(6));
  }
  expect(lane.state.invocation).toBeGreaterThan(3);
  expect(numbersOf(await lane.rows("a"))).toEqual([90, 91, 92, 93, 94, 95, 96, 97, 98, 99]);
  expect(await lane.objects("a")).toHaveLength(1);
});

test("a retried invocation fences its first attempt, which is still reading, at its next object", async () => {
  const lane = await Lane.plan(await newStores(), [
    { table: table("a"), kind: "rows", splits: [whole] },
  ]);
  const before = lane.state;
  const objectBounds = { maxBytes: 1, maxMillis: 60_000 };
  let retried: LaneState | undefined;
  const source = new ScriptedSource({
    ...{ rows: 100, pageRows: 10 },
    beforeBatch: async (row) => {
      if (row !== 30 || retried !== undefined) return;
      retried = before;
      const healthy = new ScriptedSource({ rows: 100, pageRows: 10 });
      retried = await lane.invoke(healthy, { ...shortInvocation(8), objectBounds });
    },
  });
  await expect(lane.invoke(source, { objectBounds, attempt: "first" })).rejects.toThrow(
    /attempt first of an invocation of lane 0 of source shop cannot go on/,
  );
  expect(retried).toMatchObject({ invocation: 1, done: false });
  expect((await lane.splits("a"))[0]?.rows).toBeGreaterThan(30);
  expect(await lane.invoke(source, { objectBounds })).toMatchObject({ done: true });
  expect(numbersOf(await lane.rows("a"))).toEqual(upTo(100));
  const byFirst = (await lane.stored("raw/")).filter((key) => key.endsWith("-1-first.ndjson.gz"));
  expect(byFirst).toHaveLength(3);
});

test("leases last as long as the invocation can; the lane is given back when all is read", async () => {
  const lane = await Lane.plan(await newStores(), [
    { table: table("a"), kind: "rows", splits: [whole] },
  ]);
  const { ledger, state } = lane;
  const begun = Date.now();
  const takeLane = (now: number) =>
    ledger.lanes.take("shop", 1, "other", begun, () => Promise.resolve(false), now);
  const inTheMiddle: unknown[] = [];
  const source = new ScriptedSource({
    ...{ rows: 20, pageRows: 10 },
    beforeBatch: async (row) => {
      if (row === 10) inTheMiddle.push(await takeLane(begun + 300_000 + 55_000));
    },
  });
  await lane.invoke(source, { remainingMillis: () => 300_000 });
  expect(inTheMiddle).toEqual([undefined]);
  expect(lane.state.done).toBe(true);
  expect(await takeLane(Date.now())).toEqual({ lane: 0, token: state.laneToken + 1 });
});

test("what is open at the source is noted for the run, and renewed with each object", async () => {
  const lane = await Lane.plan(await newStores(), [
    { table: table("a", { dutyCycle: 0.5 }), kind: "rows", splits: [whole] },
  ]);
  const { ledger } = lane;
  const clock = sleepingClock();
  const expiries: number[] = [];
  const source = new ScriptedSource({
    ...{ rows: 100, pageRows: 10, sourceMillis: 60_000, holds: "pit-1" },
    beforeBatch: async () => {
      for (const { execution: holder, expiresAt } of await ledger.resources.list("shop")) {
        expect(holder).toBe(execution);
        expiries.push(expiresAt - clock.now());
      }
    },
  });
  await lane.invoke(source, { clock, remainingMillis: () => 3_600_000 });
  expect(expiries).toHaveLength(10);
  expect(Math.min(...expiries)).toBeGreaterThan(300_000);
  expect(await ledger.resources.list("shop")).toEqual([]);
});

test("changed credentials are taken up in the middle; rejected ones have the table left out", async () => {
  const rejecting = (): ScriptedSource =>
    new ScriptedSource({
      ...{ rows: 50, pageRows: 10 },
      beforeBatch: (row) => {
        if (row === 20) throw new SourceAuthenticationError("401");
      },
    });
  const secrets = ["old", "new"];
  const clients = [rejecting(), new ScriptedSource({ rows: 50, pageRows: 10 })];
  const connections = new SourceConnections(
    () => Promise.resolve(secrets.shift() ?? "new"),
    () => clients.shift() ?? rejecting(),
  );
  const lane = await Lane.plan(await newStores(), [
    { table: table("a"), kind: "rows", splits: [whole] },
  ]);
  expect(await lane.invoke(rejecting(), { connections })).toMatchObject({ done: true, rows: 50 });
  expect(numbersOf(await lane.rows("a"))).toEqual(upTo(50));
  expect(await lane.stored("runs/run-1/problems/")).toEqual([]);

  const other = await Lane.plan(await newStores(), [
    { table: table("a"), kind: "rows", splits: [whole] },
  ]);
  expect(await other.invoke(rejecting())).toMatchObject({ done: true, rows: 20 });
  expect(await other.stored("runs/run-1/problems/")).toHaveLength(1);
});

test("the pace holds over invocations: reading takes its share of the time and no more", async () => {
  const lane = await Lane.plan(await newStores(), [
    { table: table("a", { dutyCycle: 0.1 }), kind: "rows", splits: [whole] },
  ]);
  const source = new ScriptedSource({ rows: 400, pageRows: 10, sourceMillis: 1000 });
  const clock = sleepingClock();
  const begun = clock.now();
  while (!lane.state.done) {
    const invocationBegun = clock.now();
    await lane.invoke(source, {
      clock,
      remainingMillis: () => 60_000 - (clock.now() - invocationBegun),
    });
  }
  expect(lane.state.invocation).toBeGreaterThan(3);
  expect(lane.state.pace.readMillis).toBe(40_000);
  // The last batch's pause is owed to nobody.
  expect(clock.now() - begun).toBeGreaterThanOrEqual(39 * 9000);
  expect(numbersOf(await lane.rows("a"))).toEqual(upTo(400));
});

test("the run's time budget ends the lane with what was read recorded", async () => {
  const lane = await Lane.plan(await newStores(), [
    { table: table("a", { dutyCycle: 0.5, maxSecondsPerRun: 30 }), kind: "rows", splits: [whole] },
    { table: table("b", { dutyCycle: 0.5, maxSecondsPerRun: 30 }), kind: "rows", splits: [whole] },
  ]);
  const source = new ScriptedSource({ rows: 400, pageRows: 10, sourceMillis: 2000 });
  const state = await lane.invoke(source, { clock: sleepingClock() });
  expect(state).toMatchObject({ done: true, item: 0 });
  expect(state.rows).toBeGreaterThan(100);
  expect(state.rows).toBeLessThan(200);
  expect(await lane.splits("a")).toMatchObject([{ rows: state.rows, done: false }]);
});

test("a run whose time is up before it began reads one batch nevertheless", async () => {
  const lane = await Lane.plan(await newStores(), [
    { table: table("a", { maxSecondsPerRun: 0.001 }), kind: "rows", splits: [whole] },
  ]);
  lane.state = { ...lane.state, startedAt: Date.now() - 10_000 };
  expect(await lane.invoke(new ScriptedSource({ rows: 30, pageRows: 10 }))).toMatchObject({
    ...{ done: true, rows: 10 },
  });
});

test("a state or work list of another form is rejected with its format", async () => {
  const lane = await Lane.plan(await newStores(), []);
  const source = new ScriptedSource({ rows: 0, pageRows: 1 });
  const good = lane.state;
  const other = { ...lane.state };
  Object.assign(other, { format: 2 });
  lane.state = other;
  await expect(lane.invoke(source)).rejects.toThrow(ProtocolError);
  await expect(lane.invoke(source)).rejects.toThrow(/its format is 2/);
  lane.state = { ...good, work: "runs/run-1/none.json" };
  await expect(lane.invoke(source)).rejects.toThrow(ProtocolError);
});

test("how far a lane is moves with its batches, at most once in ten seconds, whatever the ledger says", async () => {
  const stores = await newStores();
  const lane = await Lane.plan(stores, [{ table: table("a"), kind: "rows", splits: [whole] }]);
  const clock = sleepingClock();
  const seen: { at: number; recorded: number | undefined; noted: number | undefined }[] = [];
  const source = new ScriptedSource({
    ...{ rows: 400, pageRows: 10 },
    beforeBatch: async () => {
      clock.slept += 1000;
      const [note] = await lane.ledger.readings.list("shop");
      const [split] = await lane.splits("a");
      seen.push({ at: clock.slept, recorded: split?.rows, noted: note?.splitRows });
    },
  });
  let attempts = 0;
  const note: ExtractLedger["readings"]["note"] = async (...args) => {
    attempts += 1;
    if (attempts === 2) throw new Error("throttled");
    await lane.ledger.readings.note(...args);
  };
  const ledger: ExtractLedger = { ...lane.ledger, readings: { note } };
  const objectBounds = { maxBytes: 1e9, maxMillis: 1e9 };
  expect(await lane.invoke(source, { clock, ledger, objectBounds })).toMatchObject({ done: true });
  // Nothing was recorded before the end, and the rows moved all the same.
  expect(new Set(seen.map(({ recorded }) => recorded))).toEqual(new Set([0]));
  const noted = [...new Set(seen.map(({ noted: rows }) => rows))].filter(
    (rows) => rows !== undefined,
  );
  expect(noted.length).toBeGreaterThan(1);
  expect(noted).toEqual([...noted].sort((a, b) => a - b));
  expect(attempts).toBeLessThanOrEqual(Math.floor(clock.slept / 10_000));
  expect(await lane.ledger.readings.list("shop")).toMatchObject([
    { lane: 0, run: "run-1", table: "a", pass: "rows-1", split: "s0", reached: null },
  ]);
  expect(numbersOf(await lane.rows("a"))).toEqual(upTo(400));
});
