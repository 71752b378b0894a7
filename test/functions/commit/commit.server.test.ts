// Commit against a real ledger and bucket: crashes between its steps, zombies, and what one failure leaves to the others.
import { ListObjectsV2Command } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { commitRun } from "../../../functions/commit/commit.ts";
import { StaleProgressError } from "../../../stores/ledger/errors.ts";
import { openLedger, type Ledger } from "../../../stores/ledger/ledger.ts";
import { keys } from "../../../contract/keys.ts";
import { manifestSchema, type Manifest } from "../../../contract/manifest.ts";
import { EMPTY_PROGRESS, type SplitRecord } from "../../../contract/records.ts";
import { commitFileSchema, planFileSchema, type PlanFile } from "../../../contract/run-files.ts";
import { JsonStore } from "../../../stores/bucket/json-store.ts";
import { startMoto, type Moto } from "../moto.ts";
import {
  countLanesInUse,
  Executions,
  makeStores,
  objectOf,
  rowsPass,
  type Stores,
} from "../store-fixtures.ts";

let server: Moto;
let stores: Stores;
let executions: Executions;

beforeAll(async () => {
  server = await startMoto();
});
afterAll(() => server.stop());

beforeEach(async () => {
  stores = await makeStores(server.address);
  executions = new Executions();
});

const quiet = { info: () => undefined, error: () => undefined };

/** Leases tables for a run, and opens a pass where none is open, as Plan does. */
async function plan(run: string, tables: readonly string[], splitCount = 1): Promise<number[]> {
  executions.running.clear();
  executions.start(run);
  const held: PlanFile["tables"] = [];
  for (const table of tables) {
    const lease = await stores.ledger.leases.take(table, run, 0, executions.isRunning);
    if ("heldBy" in lease) throw new Error(`held by ${lease.heldBy}`);
    const before = await stores.ledger.progress.read(table);
    if (before.passes.rows === undefined) {
      const pass = rowsPass(before.passNumber + 1, splitCount);
      await stores.ledger.transactions.openPass({ table, token: lease.token, before, ...pass });
    }
    held.push({ table, source: "shop", token: lease.token });
  }
  const file = { format: 1, run, tables: held, lanes: [], problems: [], waiting: [] };
  await stores.store.put(keys.runPlan(run), file);
  return held.map(({ token }) => token);
}

async function record(
  table: string,
  token: number,
  split: string,
  done: boolean,
): Promise<SplitRecord> {
  const { passes } = await stores.ledger.progress.read(table);
  const before = await stores.ledger.splits.read(table, passes.rows?.id ?? "", split);
  return stores.ledger.transactions.recordObject({
    ...{ table, token, before, position: `p${before.objects}`, done, object: objectOf(before) },
  });
}

async function commit(run: string, more: { ledger?: Ledger; store?: JsonStore } = {}) {
  const { ledger, store } = stores;
  const result = await commitRun({ run, execution: run }, { ledger, store, log: quiet, ...more });
  const { tables } = await store.get(keys.runCommit(run), commitFileSchema);
  return { ...result, tables };
}

async function manifest(table: string, number: number): Promise<Manifest> {
  const entry = await stores.ledger.progress.readManifest(table, number);
  return stores.store.get(entry?.key ?? "none", manifestSchema);
}

async function manifestFiles(): Promise<number> {
  const { bucket, s3 } = stores;
  const listed = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: "manifests/" }));
  return listed.KeyCount ?? 0;
}

it("commits what was recorded in the middle of a pass, and the remainder in the next run", async () => {
  const [token = 0] = await plan("one", ["t"], 2);
  await record("t", token, "0000", true);
  await record("t", token, "0001", false);
  const first = await commit("one");
  expect(first).toMatchObject({
    manifests: 1,
    tables: [
      {
        ...{ status: "committed", table: "t", manifest: 1, rows: 20, keys: 0, objects: 2 },
        ...{ bytes: 200, watermark: "100", watermarkUnit: "ms" },
        passes: [{ pass: "rows-1", kind: "rows", splits: 2, splitsDone: 1 }],
      },
    ],
  });
  const [next = 0] = await plan("two", ["t"]);
  await record("t", next, "0001", true);
  const second = await commit("two");
  expect(second.tables).toMatchObject([{ manifest: 2, rows: 10, objects: 1, watermark: "200" }]);
  const [one, two] = [await manifest("t", 1), await manifest("t", 2)];
  expect(one.completed).toEqual([]);
  expect(two.completed).toMatchObject([{ pass: "rows-1", findsDeletes: false }]);
  const all = [...one.objects, ...two.objects].map(({ key }) => key).sort();
  expect(two.completed[0]?.objects.toSorted()).toEqual(all);
  expect(await stores.ledger.progress.read("t")).toEqual({
    ...{ ...EMPTY_PROGRESS, lastManifest: 2, watermark: "200", passNumber: 1 },
    watermarkUnit: "ms",
  });
});

it("writes no manifest when there is nothing in it, and moves progress when an empty pass is complete", async () => {
  const [token = 0] = await plan("one", ["t"]);
  expect(await commit("one")).toMatchObject({
    manifests: 0,
    tables: [{ status: "nothing", table: "t", manifest: null, watermark: null }],
  });
  await expect(record("t", token, "0000", true)).rejects.toMatchObject({ name: "FencedError" });
  const [next = 0] = await plan("two", ["t"]);
  const before = await stores.ledger.splits.read("t", "rows-1", "0000");
  await stores.ledger.transactions.recordObject({
    ...{ table: "t", token: next, before, position: null, done: true, object: null },
  });
  const two = await commit("two");
  expect(two).toMatchObject({
    manifests: 0,
    tables: [
      {
        ...{ status: "nothing", table: "t", manifest: null, watermark: "100" },
        passes: [{ pass: "rows-1", splits: 1, splitsDone: 1 }],
      },
    ],
  });
  expect(await commit("two")).toEqual(two);
  expect(await manifestFiles()).toBe(0);
  expect(await stores.ledger.progress.read("t")).toEqual({
    ...{ ...EMPTY_PROGRESS, watermark: "100", watermarkUnit: "ms", passNumber: 1 },
  });
  const [third = 0] = await plan("three", ["t"]);
  await record("t", third, "0000", true);
  expect(await commit("three")).toMatchObject({ tables: [{ manifest: 1, rows: 10 }] });
});

it("moves progress once, whatever happens to the response", async () => {
  const [token = 0] = await plan("one", ["t"]);
  const before = await stores.ledger.splits.read("t", "rows-1", "0000");
  await stores.ledger.transactions.recordObject({
    ...{ table: "t", token, before, position: null, done: true, object: null },
  });
  const ledger = openLedger({ client: stores.dynamodb, tableName: stores.tableName });
  const move = ledger.transactions.moveProgress.bind(ledger.transactions);
  const lost = vi.spyOn(ledger.transactions, "moveProgress").mockImplementation(async (args) => {
    await move(args);
    await move(args);
    throw new StaleProgressError("as if a twin had been first");
  });
  const { tables } = await commit("one", { ledger });
  expect(lost).toHaveBeenCalledOnce();
  expect(tables).toMatchObject([{ status: "nothing", watermark: "100" }]);
});

it("writes a manifest without objects when it is to show which keys are missing", async () => {
  executions.start("one");
  const lease = await stores.ledger.leases.take("t", "one", 0, executions.isRunning);
  if ("heldBy" in lease) throw new Error("held");
  const { token } = lease;
  const pass = rowsPass(1, 1, { window: null, findsDeletes: true });
  await stores.ledger.transactions.openPass({ table: "t", token, before: EMPTY_PROGRESS, ...pass });
  const [before] = pass.splits;
  if (before === undefined) throw new Error("no split");
  await stores.ledger.transactions.recordObject({
    ...{ table: "t", token, before, position: null, done: true, object: null },
  });
  const held = [{ table: "t", source: "shop", token }];
  const file = { format: 1, run: "one", tables: held, lanes: [], problems: [], waiting: [] };
  await stores.store.put(keys.runPlan("one"), file);
  expect(await commit("one")).toMatchObject({
    manifests: 1,
    tables: [{ status: "committed", manifest: 1, objects: 0 }],
  });
  expect(await manifest("t", 1)).toMatchObject({
    objects: [],
    completed: [{ findsDeletes: true }],
  });
});

it("after a crash between the manifest's object and the ledger commits the same once", async () => {
  const [token = 0] = await plan("one", ["t"]);
  await record("t", token, "0000", true);
  const crashing = openLedger({ client: stores.dynamodb, tableName: stores.tableName });
  vi.spyOn(crashing.transactions, "commitManifest").mockRejectedValueOnce(
    new Error("the machine is gone"),
  );
  const crashed = await commit("one", { ledger: crashing });
  expect(crashed).toMatchObject({
    manifests: 0,
    tables: [{ status: "failed", message: "the machine is gone" }],
  });
  expect(await manifestFiles()).toBe(1);
  expect((await stores.ledger.progress.read("t")).lastManifest).toBe(0);
  await plan("two", ["t"]);
  const again = await commit("two");
  expect(again).toMatchObject({ manifests: 1, tables: [{ manifest: 1, rows: 10 }] });
  // The first one is left over, and no ledger entry names it.
  expect(await manifestFiles()).toBe(2);
  expect((await manifest("t", 1)).objects).toHaveLength(1);
  expect(await stores.ledger.progress.readManifest("t", 2)).toBeUndefined();
});

it("done twice reports the same twice", async () => {
  const [token = 0] = await plan("one", ["t"], 2);
  await record("t", token, "0000", true);
  const first = await commit("one");
  expect(await commit("one")).toEqual(first);
  expect((await stores.ledger.progress.read("t")).lastManifest).toBe(1);
});

it("done by two at once makes one manifest", async () => {
  const [token = 0] = await plan("one", ["t"]);
  await record("t", token, "0000", true);
  const [one, two] = await Promise.all([commit("one"), commit("one")]);
  expect(one.tables).toMatchObject([{ status: "committed", manifest: 1, rows: 10 }]);
  expect(two.tables).toMatchObject([{ status: "committed", manifest: 1, rows: 10 }]);
  expect((await stores.ledger.progress.read("t")).lastManifest).toBe(1);
  expect(await stores.ledger.progress.readManifest("t", 2)).toBeUndefined();
});

it("of a run whose table was taken over fails for that table only", async () => {
  const [, token = 0] = await plan("one", ["lost", "kept"]);
  await record("kept", token, "0000", true);
  executions.running.clear();
  await stores.ledger.leases.take("lost", "two", 0, executions.isRunning);
  const { manifests, tables } = await commit("one");
  expect(manifests).toBe(1);
  expect(tables).toMatchObject([
    { status: "failed", table: "lost", error: "FencedError" },
    { status: "committed", table: "kept" },
  ]);
});

it("keeps out an invocation that still writes after its run's commit", async () => {
  const [token = 0] = await plan("one", ["t"], 2);
  await record("t", token, "0000", true);
  await commit("one");
  await expect(record("t", token, "0001", true)).rejects.toMatchObject({ name: "FencedError" });
  const [next = 0] = await plan("two", ["t"]);
  await expect(record("t", token, "0001", true)).rejects.toMatchObject({ name: "FencedError" });
  await record("t", next, "0001", true);
  const { tables } = await commit("two");
  expect(tables).toMatchObject([{ manifest: 2, rows: 10, watermark: "200" }]);
});

it("numbers manifests without a gap and each object once, over runs that crash anywhere", async () => {
  const splits = ["0000", "0001", "0002"];
  for (let run = 0; run < 6; run += 1) {
    const [token = 0] = await plan(`run-${run}`, ["t"], 3);
    for (const split of splits) await record("t", token, split, run === 5);
    const ledger = openLedger({ client: stores.dynamodb, tableName: stores.tableName });
    if (run % 3 === 1)
      vi.spyOn(ledger.transactions, "commitManifest").mockRejectedValue(new Error("crash"));
    if (run % 3 === 2) vi.spyOn(ledger.leases, "fence").mockRejectedValue(new Error("crash"));
    await commit(`run-${run}`, { ledger });
  }
  await plan("last", ["t"], 3);
  await commit("last");
  const { lastManifest } = await stores.ledger.progress.read("t");
  const seen: string[] = [];
  for (let number = 1; number <= lastManifest; number += 1) {
    seen.push(...(await manifest("t", number)).objects.map(({ key }) => key));
  }
  expect(new Set(seen).size).toBe(18);
  expect(seen).toHaveLength(18);
});

/** A store whose machine dies at `commit.json`: when it is about to be written, or just after. */
function dying(after: boolean): JsonStore {
  const store = new JsonStore({ s3: stores.s3, bucket: stores.bucket });
  const putNew = store.putNew.bind(store);
  vi.spyOn(store, "putNew").mockImplementation(async (key, document) => {
    if (!key.endsWith("commit.json")) return putNew(key, document);
    if (after) await putNew(key, document);
    throw new Error("the machine is gone");
  });
  return store;
}

const leaseOf = (table: string, run: string) =>
  stores.ledger.leases.take(table, run, 0, executions.start(run).isRunning);

describe("when it is over", () => {
  it("the next run can read the tables, and goes on where this one ended, while this one still runs", async () => {
    const [token = 0] = await plan("one", ["t", "idle"]);
    await record("t", token, "0000", true);
    expect(await leaseOf("t", "two")).toEqual({ heldBy: "one" });
    await commit("one");
    expect(executions.running.has("one")).toBe(true);
    expect(await leaseOf("t", "two")).toEqual({ token: token + 2 });
    expect(await leaseOf("idle", "two")).toHaveProperty("token");
  });

  it("reports the same when its response was lost, whatever another run did with its tables since", async () => {
    const [token = 0] = await plan("one", ["t", "idle"]);
    await record("t", token, "0000", true);
    await expect(commit("one", { store: dying(true) })).rejects.toThrow("the machine is gone");
    const first = await commit("one");
    expect(first.tables).toMatchObject([{ status: "committed" }, { status: "nothing" }]);
    const tokens = await plan("two", ["t", "idle"]);
    await record("t", tokens[0] ?? 0, "0000", true);
    await record("idle", tokens[1] ?? 0, "0000", true);
    expect(await commit("one")).toEqual(first);
    // The other run's leases are left alone.
    expect(await leaseOf("t", "three")).toEqual({ heldBy: "two" });
    const second = await commit("two");
    expect(second.tables).toMatchObject([
      { status: "committed", manifest: 2, rows: 10 },
      { status: "committed", manifest: 1, rows: 10 },
    ]);
    expect(await commit("one")).toEqual(first);
  });

  it("has given nothing back if it died before its result stood", async () => {
    const [token = 0] = await plan("one", ["t", "idle"]);
    await record("t", token, "0000", true);
    await expect(commit("one", { store: dying(false) })).rejects.toThrow("the machine is gone");
    expect(await leaseOf("t", "two")).toEqual({ heldBy: "one" });
    expect(await leaseOf("idle", "two")).toEqual({ heldBy: "one" });
    const { tables } = await commit("one");
    expect(tables).toMatchObject([
      { status: "committed", table: "t", manifest: 1, rows: 10 },
      { status: "nothing", table: "idle" },
    ]);
  });

  it("takes a twin's result for its own, if that gave a table back in between", async () => {
    const [token = 0] = await plan("one", ["t", "idle"]);
    await record("t", token, "0000", true);
    const slow = openLedger({ client: stores.dynamodb, tableName: stores.tableName });
    const fence = slow.leases.fence.bind(slow.leases);
    let first: Awaited<ReturnType<typeof commit>> | undefined;
    vi.spyOn(slow.leases, "fence").mockImplementation(async (table, held) => {
      if (first === undefined) {
        first = await commit("one");
        for (const one of ["t", "idle"]) await leaseOf(one, "two");
      }
      return fence(table, held);
    });
    const twin = await commit("one", { ledger: slow });
    expect(twin).toEqual(first);
    expect(twin.tables).toMatchObject([{ status: "committed" }, { status: "nothing" }]);
    expect(await leaseOf("t", "three")).toEqual({ heldBy: "two" });
  });

  it("gives back lanes whose invocation is certainly over, and keeps one that may still read", async () => {
    const { ledger, store } = stores;
    await plan("one", ["t"]);
    const lanes = [];
    for (let lane = 0; lane < 3; lane += 1) {
      const taken = await ledger.lanes.take("shop", 3, "one", 1, executions.isRunning, 0, [
        ...lanes.map((one) => one.lane),
      ]);
      if (taken === undefined) throw new Error("no lane");
      lanes.push({ source: "shop", ...taken });
    }
    const planned = await store.get(keys.runPlan("one"), planFileSchema);
    await store.put(keys.runPlan("one"), { ...planned, lanes });
    const inUse = () =>
      countLanesInUse(stores, "shop", "two", executions.isRunning, Number.MAX_SAFE_INTEGER);
    expect(await inUse()).toBe(3);
    const failed = { source: "shop", status: "failed", cause: "" } as const;
    await commitRun(
      {
        ...{ run: "one", execution: "one" },
        lanes: [
          { ...failed, lane: 0, error: "SourceConfigurationError" },
          { ...failed, lane: 1, error: "Lambda.ServiceException" },
        ],
      },
      { ledger, store, log: quiet },
    );
    expect(await inUse()).toBe(2);
  });
});

it("needs the plan of its run", async () => {
  await expect(commit("never")).rejects.toThrow("runs/never/plan.json does not exist");
});
