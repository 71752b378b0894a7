// Commit against a real ledger and bucket: crashes between its steps, zombies, and what one failure leaves to the others.
import { ListObjectsV2Command } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { commitRun } from "../../../functions/commit/commit.ts";
import { EMPTY_PROGRESS, Ledger } from "../../../functions/ledger/ledger.ts";
import { keys } from "../../../functions/protocol/keys.ts";
import { manifestSchema, type Manifest } from "../../../functions/protocol/manifest.ts";
import type { SplitRecord } from "../../../functions/protocol/records.ts";
import { commitFileSchema, type PlanFile } from "../../../functions/protocol/run-files.ts";
import type { JsonStore } from "../../../functions/storage/json-store.ts";
import { startMoto, type Moto } from "../moto.ts";
import { Executions, makeStores, objectOf, rowsPass, type Stores } from "../store-fixtures.ts";

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
    const lease = await stores.ledger.takeTableLease(table, run, 0, executions.isRunning);
    if ("heldBy" in lease) throw new Error(`held by ${lease.heldBy}`);
    const before = await stores.ledger.readProgress(table);
    if (before.passes.rows === undefined) {
      const pass = rowsPass(before.passNumber + 1, splitCount);
      await stores.ledger.openPass({ table, token: lease.token, before, ...pass });
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
  const { passes } = await stores.ledger.readProgress(table);
  const before = await stores.ledger.readSplit(table, passes.rows?.id ?? "", split);
  return stores.ledger.recordObject({
    ...{ table, token, before, position: `p${before.objects}`, done, object: objectOf(before) },
  });
}

async function commit(run: string, more: { ledger?: Ledger; store?: JsonStore } = {}) {
  const { ledger, store } = stores;
  const answer = await commitRun({ run, execution: run }, { ledger, store, log: quiet, ...more });
  const { tables } = await store.get(keys.runCommit(run), commitFileSchema);
  return { ...answer, tables };
}

async function manifest(table: string, number: number): Promise<Manifest> {
  const entry = await stores.ledger.readManifestEntry(table, number);
  return stores.store.get(entry?.key ?? "none", manifestSchema);
}

async function manifestFiles(): Promise<number> {
  const { bucket, s3 } = stores;
  const listed = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: "manifests/" }));
  return listed.KeyCount ?? 0;
}

it("commits what was recorded in the middle of a pass, and the rest in the next run", async () => {
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
  expect(two.completed).toMatchObject([{ pass: "rows-1", absence: false }]);
  const all = [...one.objects, ...two.objects].map(({ key }) => key).sort();
  expect(two.completed[0]?.objects.toSorted()).toEqual(all);
  expect(await stores.ledger.readProgress("t")).toEqual({
    ...{ ...EMPTY_PROGRESS, lastManifest: 2, watermark: "200", passNumber: 1 },
    watermarkUnit: "ms",
  });
});

it("writes nothing when there is nothing, and a manifest when an empty pass is complete", async () => {
  const [token = 0] = await plan("one", ["t"]);
  expect(await commit("one")).toMatchObject({
    manifests: 0,
    tables: [{ status: "nothing", table: "t", manifest: null, watermark: null }],
  });
  await expect(record("t", token, "0000", true)).rejects.toMatchObject({ name: "FencedError" });
  const [next = 0] = await plan("two", ["t"]);
  const before = await stores.ledger.readSplit("t", "rows-1", "0000");
  await stores.ledger.recordObject({
    ...{ table: "t", token: next, before, position: null, done: true, object: null },
  });
  expect(await commit("two")).toMatchObject({
    manifests: 1,
    tables: [{ manifest: 1, objects: 0 }],
  });
  expect(await manifest("t", 1)).toMatchObject({ objects: [], window: { from: "0", to: "100" } });
});

it("after a crash between the manifest's object and the ledger commits the same once", async () => {
  const [token = 0] = await plan("one", ["t"]);
  await record("t", token, "0000", true);
  const crashing = new Ledger({ client: stores.dynamodb, tableName: stores.tableName });
  vi.spyOn(crashing, "commitManifest").mockRejectedValueOnce(new Error("the machine is gone"));
  const crashed = await commit("one", { ledger: crashing });
  expect(crashed).toMatchObject({
    manifests: 0,
    tables: [{ status: "failed", message: "the machine is gone" }],
  });
  expect(await manifestFiles()).toBe(1);
  expect((await stores.ledger.readProgress("t")).lastManifest).toBe(0);
  const again = await commit("one");
  expect(again).toMatchObject({ manifests: 1, tables: [{ manifest: 1, rows: 10 }] });
  // The first one is left over, and no ledger entry names it.
  expect(await manifestFiles()).toBe(2);
  expect((await manifest("t", 1)).objects).toHaveLength(1);
  expect(await stores.ledger.readManifestEntry("t", 2)).toBeUndefined();
});

it("done twice tells the same twice", async () => {
  const [token = 0] = await plan("one", ["t"], 2);
  await record("t", token, "0000", true);
  const first = await commit("one");
  expect(await commit("one")).toEqual(first);
  expect((await stores.ledger.readProgress("t")).lastManifest).toBe(1);
});

it("done by two at once makes one manifest", async () => {
  const [token = 0] = await plan("one", ["t"]);
  await record("t", token, "0000", true);
  const [one, two] = await Promise.all([commit("one"), commit("one")]);
  expect(one.tables).toMatchObject([{ status: "committed", manifest: 1, rows: 10 }]);
  expect(two.tables).toMatchObject([{ status: "committed", manifest: 1, rows: 10 }]);
  expect((await stores.ledger.readProgress("t")).lastManifest).toBe(1);
  expect(await stores.ledger.readManifestEntry("t", 2)).toBeUndefined();
});

it("of a run whose table was taken over fails for that table only", async () => {
  const [, token = 0] = await plan("one", ["lost", "kept"]);
  await record("kept", token, "0000", true);
  executions.running.clear();
  await stores.ledger.takeTableLease("lost", "two", 0, executions.isRunning);
  const { manifests, tables } = await commit("one");
  expect(manifests).toBe(1);
  expect(tables).toMatchObject([
    { status: "failed", table: "lost", error: "FencedError" },
    { status: "committed", table: "kept" },
  ]);
});

it("keeps out a link that still writes after its run's commit", async () => {
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
    const ledger = new Ledger({ client: stores.dynamodb, tableName: stores.tableName });
    if (run % 3 === 1) vi.spyOn(ledger, "commitManifest").mockRejectedValue(new Error("crash"));
    if (run % 3 === 2) vi.spyOn(ledger, "fenceTable").mockRejectedValue(new Error("crash"));
    await commit(`run-${run}`, { ledger });
  }
  await plan("last", ["t"], 3);
  await commit("last");
  const { lastManifest } = await stores.ledger.readProgress("t");
  const seen: string[] = [];
  for (let number = 1; number <= lastManifest; number += 1) {
    seen.push(...(await manifest("t", number)).objects.map(({ key }) => key));
  }
  expect(new Set(seen).size).toBe(18);
  expect(seen).toHaveLength(18);
});

it("needs the plan of its run", async () => {
  await expect(commit("never")).rejects.toThrow("runs/never/plan.json does not exist");
});
