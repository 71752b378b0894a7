// The ledger against a real DynamoDB interface: leases, fencing, records and races.
import { randomUUID } from "node:crypto";
import {
  GetItemCommand,
  PutItemCommand,
  TransactionConflictException,
} from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Ledger } from "../../../stores/ledger/ledger.ts";
import {
  EMPTY_PROGRESS,
  type Pass,
  type Progress,
  type SplitRecord,
} from "../../../contract/records.ts";
import type { RunRecord } from "../../../contract/run.ts";
import { startMoto, type Moto } from "../../functions/moto.ts";
import {
  countLanesInUse,
  Executions,
  makeStores,
  objectOf,
  rowsPass,
  type Stores,
} from "../../functions/store-fixtures.ts";

let server: Moto;
let stores: Stores;
let ledger: Ledger;
let executions: Executions;

beforeAll(async () => {
  server = await startMoto();
});
afterAll(() => server.stop());

beforeEach(async () => {
  stores = await makeStores(server.address);
  ledger = stores.ledger;
  executions = new Executions().start("run-a", "run-b");
});

const later = Date.now() + 60_000;

async function take(table: string, execution: string): Promise<number> {
  const lease = await ledger.leases.take(table, execution, later, executions.isRunning);
  if ("heldBy" in lease) throw new Error(`held by ${lease.heldBy}`);
  return lease.token;
}

async function openRows(
  splitCount = 1,
): Promise<{ token: number; progress: Progress; pass: Pass; splits: SplitRecord[] }> {
  const token = await take("t", "run-a");
  const { pass, splits } = rowsPass(1, splitCount);
  const progress = await ledger.transactions.openPass({
    table: "t",
    token,
    before: EMPTY_PROGRESS,
    pass,
    splits,
  });
  return { token, progress, pass, splits };
}

async function firstSplit(): Promise<SplitRecord> {
  return ledger.splits.read("t", "rows-1", "0000");
}

describe("a table's lease", () => {
  it("is held as long as its execution runs, and grows its token with each take-over", async () => {
    expect(await take("t", "run-a")).toBe(1);
    expect(await ledger.leases.take("t", "run-b", later, executions.isRunning)).toEqual({
      heldBy: "run-a",
    });
    executions.running.delete("run-a");
    expect(await take("t", "run-b")).toBe(2);
    await expect(ledger.leases.renew("t", 1, later)).rejects.toThrow("token 1");
    await ledger.leases.renew("t", 2, later);
  });

  it("is taken again, under a new token, by a second attempt of the same execution", async () => {
    expect(await take("t", "run-a")).toBe(1);
    expect(await take("t", "run-a")).toBe(2);
  });

  it("can be taken when it was given back, but not by an old token's release", async () => {
    const token = await take("t", "run-a");
    await ledger.leases.release("t", token + 1);
    expect(await ledger.leases.take("t", "run-b", later, executions.isRunning)).toEqual({
      heldBy: "run-a",
    });
    await ledger.leases.release("t", token);
    expect(await take("t", "run-b")).toBe(token + 1);
    await ledger.leases.releaseOf("t", "run-a");
    expect(await ledger.leases.take("t", "run-a", later, executions.isRunning)).toEqual({
      heldBy: "run-b",
    });
    await ledger.leases.releaseOf("t", "run-b");
    expect(await take("t", "run-a")).toBe(token + 2);
  });

  it("is won by one of many that take it at once", async () => {
    const names = Array.from({ length: 8 }, (_, index) => `racer-${index}`);
    executions.start(...names);
    const results = await Promise.all(
      names.map((name) => ledger.leases.take("t", name, later, executions.isRunning)),
    );
    expect(results.filter((result) => "token" in result)).toEqual([{ token: 1 }]);
  });

  it("is fenced once, and the same fence again is a success", async () => {
    const token = await take("t", "run-a");
    expect(await ledger.leases.fence("t", token)).toBe(token + 1);
    expect(await ledger.leases.fence("t", token)).toBe(token + 1);
    executions.running.delete("run-a");
    expect(await take("t", "run-b")).toBe(token + 2);
    await expect(ledger.leases.fence("t", token)).rejects.toMatchObject({ name: "FencedError" });
  });
});

describe("a source's lanes", () => {
  const takeLane = (execution: string, lanes: number, taken: number[] = [], now = Date.now()) =>
    ledger.lanes.take("shop", lanes, execution, later, executions.isRunning, now, taken);

  it("are never more than the budget, over all runs", async () => {
    expect(await takeLane("run-a", 2)).toEqual({ lane: 0, token: 1 });
    expect(await takeLane("run-a", 2, [0])).toEqual({ lane: 1, token: 1 });
    expect(await takeLane("run-a", 2, [0, 1])).toBeUndefined();
    expect(await takeLane("run-b", 2)).toBeUndefined();
    await ledger.lanes.release("shop", 0, 1);
    expect(await countLanesInUse(stores, "shop", "run-b", executions.isRunning, Date.now())).toBe(
      1,
    );
    // The budget was made smaller: one lane is in use, though it is beyond the budget.
    expect(await takeLane("run-b", 1)).toBeUndefined();
    expect(await takeLane("run-b", 2)).toEqual({ lane: 0, token: 2 });
  });

  it("of an ended execution are in use until they expire, for an invocation may still be reading", async () => {
    await takeLane("run-a", 1);
    executions.running.delete("run-a");
    expect(await takeLane("run-b", 1)).toBeUndefined();
    expect(await takeLane("run-b", 1, [], later + 1)).toEqual({ lane: 0, token: 2 });
    const claim = (token: number) =>
      ledger.lanes.claim({
        ...{ source: "shop", lane: 0, token, execution: "run-b", attempt: "x", expiresAt: later },
      });
    await expect(claim(1)).rejects.toMatchObject({ name: "FencedError" });
    await expect(ledger.lanes.renew("shop", 0, 1, "x", later)).rejects.toMatchObject({
      name: "FencedError",
    });
    await claim(2);
    await ledger.lanes.renew("shop", 0, 2, "x", later);
  });

  it("are one attempt's: an older attempt of the same invocation can neither renew nor release", async () => {
    const { token = 0 } = (await takeLane("run-a", 1)) ?? {};
    const claim = (attempt: string) =>
      ledger.lanes.claim({
        ...{ source: "shop", lane: 0, token, execution: "run-a", attempt, expiresAt: later },
      });
    await claim("first");
    await ledger.lanes.renew("shop", 0, token, "first", later);
    await claim("second");
    await expect(ledger.lanes.renew("shop", 0, token, "first", later)).rejects.toMatchObject({
      name: "StaleSplitError",
      message: expect.stringContaining("attempt second reads in its place") as string,
    });
    await ledger.lanes.release("shop", 0, token, "first");
    expect(await takeLane("run-b", 1)).toBeUndefined();
    await ledger.lanes.renew("shop", 0, token, "second", later);
    await ledger.lanes.release("shop", 0, token, "second");
    // A retry of an invocation that was done holds the lane again while it looks.
    await claim("third");
    expect(await takeLane("run-b", 1)).toBeUndefined();
    await ledger.lanes.release("shop", 0, token);
    expect(await takeLane("run-b", 1)).toEqual({ lane: 0, token: token + 1 });
  });

  it("are renewed although a transaction is just checking the lease", async () => {
    const token = await take("t", "run-a");
    let conflicts = 0;
    stores.dynamodb.middlewareStack.add(
      (next, context) => (args) => {
        if (context.commandName !== "UpdateItemCommand" || conflicts === 3) return next(args);
        conflicts += 1;
        const message = "Transaction is ongoing for the item";
        throw new TransactionConflictException({ message, $metadata: {} });
      },
      { step: "initialize", name: "conflicts" },
    );
    await ledger.leases.renew("t", token, later);
    expect(conflicts).toBe(3);
  });

  it("are won by as many as there are when many take them at once", async () => {
    const names = Array.from({ length: 6 }, (_, index) => `racer-${index}`);
    executions.start(...names);
    const results = await Promise.all(names.map((name) => takeLane(name, 2)));
    const lanes = results.flatMap((result) => result?.lane ?? []);
    expect(new Set(lanes).size).toBe(lanes.length);
    expect(lanes.length).toBeGreaterThan(0);
    expect(lanes.length).toBeLessThanOrEqual(2);
  });
});

describe("a pass", () => {
  it("is visible with all its splits, more than one transaction holds", async () => {
    const { pass, progress } = await openRows(250);
    expect(await ledger.progress.read("t")).toEqual(progress);
    expect(progress).toEqual({ ...EMPTY_PROGRESS, passNumber: 1, passes: { rows: pass } });
    const splits = await ledger.splits.list("t", pass);
    expect(splits.map(({ split }) => split)).toEqual(pass.splits);
    expect(splits[249]?.bounds).toEqual({ by: "cursor", from: "24900", to: "25000" });
  });

  it("cannot be opened by an old token, and what has been read stays", async () => {
    const { token } = await openRows();
    const read = await ledger.transactions.recordObject({
      ...{ table: "t", token, before: await firstSplit(), position: "p1", done: false },
      object: objectOf(await firstSplit()),
    });
    executions.running.delete("run-a");
    await take("t", "run-b");
    const again = rowsPass(1, 1);
    await expect(
      ledger.transactions.openPass({ table: "t", token, before: EMPTY_PROGRESS, ...again }),
    ).rejects.toMatchObject({ name: "FencedError" });
    expect(await firstSplit()).toEqual(read);
  });

  it("is not opened on progress that moved", async () => {
    const { token } = await openRows();
    await expect(
      ledger.transactions.openPass({
        table: "t",
        token,
        before: EMPTY_PROGRESS,
        ...rowsPass(2, 1),
      }),
    ).rejects.toMatchObject({ name: "StaleProgressError" });
  });

  it("of keys notes when it began, and leaves the rows' pass open", async () => {
    const { token, progress, pass } = await openRows();
    const keys = rowsPass(2, 1, { kind: "keys", window: null, startedAt: 77 });
    const after = await ledger.transactions.openPass({
      table: "t",
      token,
      before: progress,
      ...keys,
    });
    expect(after.lastKeysPassStartedAt).toBe(77);
    expect(after.passes).toEqual({ rows: pass, keys: keys.pass });
    expect(await ledger.progress.read("t")).toEqual(after);
  });
});

describe("recording an object", () => {
  it("moves the split and puts the record, in one", async () => {
    const { token } = await openRows();
    const before = await firstSplit();
    const object = objectOf(before);
    const after = await ledger.transactions.recordObject({
      ...{ table: "t", token, before, position: '{"at":1}', done: false, object },
    });
    expect(after).toEqual({ ...before, position: '{"at":1}', objects: 1, rows: 10 });
    expect(await firstSplit()).toEqual(after);
    expect(await ledger.splits.listObjects("t", "rows-1", "0000", 0)).toEqual([object]);
    expect(await ledger.splits.listObjects("t", "rows-1", "0000", 1)).toEqual([]);
  });

  it("goes on from a position, and ends with a batch that had no rows", async () => {
    const { token } = await openRows();
    let split = await firstSplit();
    for (let sequence = 0; sequence < 12; sequence += 1) {
      const object = objectOf(split);
      split = await ledger.transactions.recordObject({
        ...{ table: "t", token, before: split, position: `p${sequence}`, done: false, object },
      });
    }
    const ended = await ledger.transactions.recordObject({
      ...{ table: "t", token, before: split, position: "end", done: true, object: null },
    });
    expect(ended).toMatchObject({ objects: 12, rows: 120, done: true, position: "end" });
    const listed = await ledger.splits.listObjects("t", "rows-1", "0000", 3);
    expect(listed.map(({ sequence }) => sequence)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11]);
    await expect(
      ledger.transactions.recordObject({
        ...{ table: "t", token, before: ended, position: "x", done: true, object: null },
      }),
    ).rejects.toMatchObject({ name: "StaleSplitError" });
  });

  it("is won by one of two that start from the same position", async () => {
    const { token } = await openRows();
    const before = await firstSplit();
    const record = (position: string) =>
      ledger.transactions.recordObject({
        ...{ table: "t", token, before, position, done: false, object: objectOf(before) },
      });
    const results = await Promise.allSettled([record("one"), record("two")]);
    const [won, ...more] = results.filter((result) => result.status === "fulfilled");
    const [lost] = results.filter((result) => result.status === "rejected");
    expect(more).toEqual([]);
    expect(lost?.reason).toMatchObject({ name: "StaleSplitError" });
    expect(await firstSplit()).toEqual(won?.value);
    expect(await ledger.splits.listObjects("t", "rows-1", "0000", 0)).toHaveLength(1);
  });

  it("goes on for lanes that record different splits of one table at once", async () => {
    const { token, pass } = await openRows(8);
    await Promise.all(
      (await ledger.splits.list("t", pass)).map(async (before) => {
        for (let turn = 0, split = before; turn < 3; turn += 1) {
          const object = objectOf(split);
          split = await ledger.transactions.recordObject({
            ...{ table: "t", token, before: split, position: `p${turn}`, done: false, object },
          });
        }
      }),
    );
    const splits = await ledger.splits.list("t", pass);
    expect(splits.map(({ objects, rows }) => [objects, rows])).toEqual(
      Array.from({ length: 8 }, () => [3, 30]),
    );
  });

  it("is a success when the very same object was recorded and the response was lost", async () => {
    const { token } = await openRows();
    const before = await firstSplit();
    const object = objectOf(before);
    const args = { table: "t", token, before, position: "p", done: false, object };
    const first = await ledger.transactions.recordObject(args);
    expect(await ledger.transactions.recordObject(args)).toEqual(first);
  });

  it("is rejected after the commit's fence, and changes nothing", async () => {
    const { token } = await openRows();
    const before = await firstSplit();
    await ledger.leases.fence("t", token);
    await expect(
      ledger.transactions.recordObject({
        ...{ table: "t", token, before, position: "p", done: true, object: objectOf(before) },
      }),
    ).rejects.toMatchObject({ name: "FencedError" });
    expect(await firstSplit()).toEqual(before);
    expect(await ledger.splits.listObjects("t", "rows-1", "0000", 0)).toEqual([]);
  });

  it("without an object moves the position only, once, and again is a success", async () => {
    const { token } = await openRows();
    const before = await firstSplit();
    const args = { table: "t", token, before, position: "p", done: false, object: null };
    const moved = await ledger.transactions.recordObject(args);
    expect(moved).toEqual({ ...before, position: "p" });
    expect(await ledger.transactions.recordObject(args)).toEqual(moved);
    await expect(
      ledger.transactions.recordObject({ ...args, position: "q" }),
    ).rejects.toMatchObject({
      name: "StaleSplitError",
    });
  });

  it("rejects a sequence that is not the split's next", async () => {
    const { token } = await openRows();
    const before = await firstSplit();
    const object = objectOf(before, { sequence: 4 });
    await expect(
      ledger.transactions.recordObject({
        table: "t",
        token,
        before,
        position: "p",
        done: false,
        object,
      }),
    ).rejects.toThrow("sequence 4, but the split's next is 0");
  });
});

describe("a manifest", () => {
  const entry = (number: number, run: string) => ({
    ...{ number, key: `manifests/t/${number}-${run}.json`, etag: "e", rows: 1, keys: 0 },
    ...{ objects: 1, bytes: 5, run },
  });

  it("follows the last one, whoever else tries", async () => {
    const { token, progress } = await openRows();
    const commit = (run: string) =>
      ledger.transactions.commitManifest({
        ...{ table: "t", token, before: progress, manifest: entry(1, run) },
        after: { ...progress, lastManifest: 1 },
      });
    const results = await Promise.allSettled([commit("one"), commit("two")]);
    const lost = results.filter((result) => result.status === "rejected");
    expect(lost).toHaveLength(1);
    expect(lost[0]?.reason).toMatchObject({ name: "StaleProgressError" });
    const winner = results[0].status === "fulfilled" ? "one" : "two";
    expect(await ledger.progress.readManifest("t", 1)).toEqual(entry(1, winner));
    expect((await ledger.progress.read("t")).lastManifest).toBe(1);
    expect(await ledger.progress.readManifest("t", 2)).toBeUndefined();
  });

  it("needs the token, and never leaves a gap", async () => {
    const { token, progress } = await openRows();
    const fenced = await ledger.leases.fence("t", token);
    const commit = (byToken: number, number: number) =>
      ledger.transactions.commitManifest({
        ...{ table: "t", token: byToken, before: progress, manifest: entry(number, "one") },
        after: { ...progress, lastManifest: number },
      });
    await expect(commit(token, 1)).rejects.toMatchObject({ name: "FencedError" });
    await expect(commit(fenced, 2)).rejects.toThrow("does not follow 0");
    await commit(fenced, 1);
  });

  it("keeps its number and progress where other readers look for them", async () => {
    const { token, progress } = await openRows();
    await ledger.transactions.commitManifest({
      ...{ table: "t", token, before: progress, manifest: entry(1, "one") },
      after: { ...progress, lastManifest: 1 },
    });
    const get = async (sk: string) => {
      const Key = { pk: { S: "table#t" }, sk: { S: sk } };
      return (await stores.dynamodb.send(new GetItemCommand({ TableName: stores.tableName, Key })))
        .Item;
    };
    expect((await get("progress"))?.lastManifest).toEqual({ N: "1" });
    expect(await get("manifest#0000000001")).toMatchObject({
      key: { S: "manifests/t/1-one.json" },
      rows: { N: "1" },
    });
  });
});

describe("what a source holds open", () => {
  it("is listed until it is forgotten", async () => {
    const long = "pit-".padEnd(4000, "x");
    const hold = (id: string, expiresAt: number) =>
      ledger.resources.hold("shop", { id, execution: "run-a", openedAt: 1, expiresAt });
    await hold(long, 100);
    await hold("other", 200);
    await hold("other", 300);
    expect(new Set(await ledger.resources.list("shop"))).toEqual(
      new Set([
        { id: long, execution: "run-a", openedAt: 1, expiresAt: 100 },
        { id: "other", execution: "run-a", openedAt: 1, expiresAt: 300 },
      ]),
    );
    await ledger.resources.forget("shop", long);
    expect(await ledger.resources.list("shop")).toMatchObject([{ id: "other" }]);
    expect(await ledger.resources.list("elsewhere")).toEqual([]);
  });
});

describe("run records", () => {
  const runOf = (run: string, startedAt: string, tables = 0): RunRecord => ({
    ...{ format: 1, run, execution: `arn:${run}`, startedAt, endedAt: startedAt },
    ...{ status: "succeeded", lanes: [], failed: [], alerts: [] },
    tables: Array.from({ length: tables }, (_, index) => ({
      ...{ table: `table_with_a_long_name_${index}_${randomUUID()}`, source: "shop" },
      ...{ kind: "table", held: true, watermarkUnit: null },
      ...{ rowsExtracted: index, objects: 1, bytes: 1, manifest: 1, watermark: null, passes: [] },
      build: null,
      load: null,
    })),
  });

  it("come newest first", async () => {
    for (const day of ["03", "01", "02"]) {
      await ledger.runs.put(runOf(`run-${day}`, `2030-01-${day}T00:00:00.000Z`));
    }
    expect((await ledger.runs.list(2)).map(({ run }) => run)).toEqual(["run-03", "run-02"]);
    expect(await ledger.runs.read("run-01")).toEqual(runOf("run-01", "2030-01-01T00:00:00.000Z"));
    expect(await ledger.runs.read("run-09")).toBeUndefined();
  });

  it("of thousands of tables fit", async () => {
    const large = runOf("large", "2030-01-01T00:00:00.000Z", 3000);
    await ledger.runs.put(large);
    expect(await ledger.runs.read("large")).toEqual(large);
  });
});

it("names an item that another version wrote", async () => {
  await stores.dynamodb.send(
    new PutItemCommand({
      TableName: stores.tableName,
      Item: { pk: { S: "table#t" }, sk: { S: "progress" }, lastManifest: { S: "one" } },
    }),
  );
  await expect(ledger.progress.read("t")).rejects.toThrow(
    /table#t \/ progress .*lastManifest.*written by another version/,
  );
});
