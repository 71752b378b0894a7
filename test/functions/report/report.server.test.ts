// Report against a real ledger and bucket: the record, what is reported, and what is given back.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { summarizeRun } from "../../../cli/run-summary.ts";
import type { BuildResult } from "../../../contract/delta.ts";
import type { LoadRecord, ReplaceRecord } from "../../../contract/load-records.ts";
import { keys } from "../../../contract/keys.ts";
import type { CommitFile, PlanFile } from "../../../contract/run-files.ts";
import type { RunRecord } from "../../../contract/run.ts";
import { reportInputSchema } from "../../../functions/report/input.ts";
import { reportRun } from "../../../functions/report/report.ts";
import { startMoto, type Moto } from "../moto.ts";
import { countLanesInUse, Executions, makeStores, type Stores } from "../store-fixtures.ts";

let server: Moto;
let stores: Stores;
let executions: Executions;
let reported: { subject: string; message: string }[];
let measured: RunRecord[];

beforeAll(async () => {
  server = await startMoto();
});
afterAll(() => server.stop());

beforeEach(async () => {
  stores = await makeStores(server.address);
  executions = new Executions().start("arn:one");
  reported = [];
  measured = [];
});

const quiet = { info: () => undefined, error: () => undefined };
const input = { run: "one", execution: "arn:one", startedAt: "2030-01-01T00:00:00Z" };
const pace = { readMillis: 1000, pauseMillis: 9000, backOffs: 3, slow: 1, bytes: 20_000 };
const laneDone = {
  ...{ source: "shop", lane: 0, status: "done", rows: 500, invocations: 3, pace, ended: "time" },
};

async function report(more: Record<string, unknown> = {}) {
  const { ledger, store } = stores;
  const result = await reportRun(reportInputSchema.parse({ ...input, ...more }), {
    ...{ deployment: "sluice", ledger, store, log: quiet },
    emitMetrics: (record) => measured.push(record),
    publish: (subject, message) => {
      reported.push({ subject, message });
      return Promise.resolve();
    },
  });
  const record = await ledger.runs.read("one");
  if (record === undefined) throw new Error("there is no record");
  return { ...result, record };
}

async function leave(files: {
  plan?: Partial<PlanFile>;
  commit?: CommitFile["tables"];
  build?: Partial<BuildResult["tables"][number]>[];
}): Promise<void> {
  const { store } = stores;
  const plan = { format: 1, run: "one", tables: [], lanes: [], problems: [], waiting: [] };
  await store.put(keys.runPlan("one"), { ...plan, ...files.plan });
  await store.put(keys.runCommit("one"), { format: 1, run: "one", tables: files.commit ?? [] });
  const built = {
    ...{ table: "leads", kind: "table", status: "built", manifests: [1, 1], rowsRead: 500 },
    ...{ winners: 400, deletes: 1, heldDeletes: 0, quarantined: 0, contentId: "7" },
    ...{ seconds: 3.5, checks: [] },
  };
  await store.put(keys.buildResult("one"), {
    format: 1,
    tables: (files.build ?? []).map((one) => ({ ...built, ...one })),
  });
}

/** Leases the table and lane 0 of the source as Plan does, and leaves its file. */
async function leavePlan(more: Partial<PlanFile> = {}): Promise<void> {
  const { ledger } = stores;
  const lane = await ledger.lanes.take("shop", 1, "arn:one", 1, executions.isRunning, 0);
  const lease = await ledger.leases.take("leads", "arn:one", 0, executions.isRunning);
  if (lane === undefined || "heldBy" in lease) throw new Error("not free");
  await leave({
    plan: {
      tables: [{ table: "leads", source: "shop", token: lease.token }],
      lanes: [{ source: "shop", ...lane }],
      definitions: [
        { name: "leads", kind: "table", source: "shop" },
        { name: "visits", kind: "table", source: "track" },
        { name: "daily", kind: "model", source: null },
      ],
      ...more,
    },
    commit: [
      {
        ...{ status: "committed", table: "leads", manifest: 1, rows: 500, keys: 7, objects: 2 },
        ...{ bytes: 4096, watermark: "99", watermarkUnit: "ms" },
        passes: [{ pass: "rows-1", kind: "rows", splits: 4, splitsDone: 3 }],
      },
    ],
    build: [
      {},
      { table: "visits", status: "unchanged", manifests: null },
      { table: "daily", kind: "model", manifests: null },
    ],
  });
}

async function isLaneFree(): Promise<boolean> {
  const { isRunning } = executions;
  return (await countLanesInUse(stores, "shop", "arn:two", isRunning, Date.now())) === 0;
}

describe("a run that went well", () => {
  it("is recorded with what it did to each table", async () => {
    await leavePlan();
    const load = [{ run: "one", table: "leads", polls: 2, status: "done", detail: "1 delta" }];
    const { status, failed, record } = await report({ lanes: [laneDone], load });
    expect([status, failed]).toEqual(["succeeded", []]);
    expect(record.startedAt).toBe("2030-01-01T00:00:00.000Z");
    expect(record.tables).toMatchObject([
      {
        ...{ table: "leads", source: "shop", rowsExtracted: 507, objects: 2, bytes: 4096 },
        ...{ kind: "table", held: true, watermarkUnit: "ms" },
        ...{ manifest: 1, watermark: "99", load: { status: "done", polls: 2 } },
        passes: [{ pass: "rows-1", splits: 4, splitsDone: 3 }],
        build: { status: "built", winners: 400, contentId: "7" },
      },
      { table: "visits", kind: "table", source: "track", held: false, rowsExtracted: 0 },
      { table: "daily", kind: "model", source: null, held: false, manifest: null, load: null },
    ]);
    expect(record.lanes).toEqual([
      {
        ...{ source: "shop", lane: 0, status: "done", invocations: 3, rows: 500 },
        ...{ ...pace, rowsPerSecond: 50, bytesPerSecond: 2000, ended: "time" },
      },
    ]);
    expect(reported).toEqual([]);
    expect(measured).toEqual([record]);
  });

  it("gives back its tables and lanes", async () => {
    await leavePlan();
    expect(await isLaneFree()).toBe(false);
    await report({ lanes: [laneDone] });
    expect(await isLaneFree()).toBe(true);
    const lease = await stores.ledger.leases.take("leads", "arn:two", 0, executions.isRunning);
    expect(lease).toEqual({ token: 2 });
  });

  it("can be reported twice", async () => {
    await leavePlan();
    const first = await report({ lanes: [laneDone] });
    const second = await report({ lanes: [laneDone] });
    expect(second.record).toEqual({ ...first.record, endedAt: second.record.endedAt });
    expect(first.record.lanes).toMatchObject([{ invocations: 3, rows: 500, status: "done" }]);
    expect(await stores.ledger.runs.list(5)).toHaveLength(1);
  });

  it("is said of when something needs a look", async () => {
    await leave({
      plan: {
        waiting: [
          { table: "orders", source: "shop", cause: "held", reason: "another run reads it" },
        ],
        unread: [{ table: "leads", rows: 3, reason: "3 documents have no changed_at" }],
      },
      build: [
        {
          ...{ heldDeletes: 50, quarantined: 3, status: "held" },
          checks: [
            { name: "fine", severity: "error", badRows: 0 },
            { name: "odd", severity: "warn", badRows: 4 },
          ],
        },
      ],
    });
    const { status, record } = await report();
    expect(status).toBe("succeeded");
    expect(record.alerts.map(({ kind, name }) => [kind, name])).toEqual([
      ["waiting", "orders"],
      ["unread", "leads"],
      ["held-deletes", "leads"],
      ["quarantine", "leads"],
      ["check", "leads"],
    ]);
    expect(reported).toHaveLength(1);
    expect(reported[0]?.subject).toBe("sluice: run needs a look (4): one");
    expect(reported[0]?.message).toContain("unread: leads: 3 documents have no changed_at");
    expect(reported[0]?.message).toContain("check odd: 4 bad rows; a warning");
  });
});

describe("a table that is not loaded", () => {
  const failing: LoadRecord = {
    ...{ since: Date.UTC(2030, 0, 1), failedAt: Date.UTC(2030, 0, 2), run: "zero", failures: 3 },
    ...{ cause: "access", advice: "Give it the permission.", fingerprint: "f", retryAt: null },
    ...{ error: "permission denied\n for relation leads", notAsked: null },
  };

  async function alerts(): Promise<string[]> {
    const published = ["leads", "calls", "visits"].map((table) => ({ table }));
    await stores.store.put(keys.runTables("one"), published);
    const { record } = await report();
    return record.alerts.map(({ kind, name, message }) => `${kind}: ${name}: ${message}`);
  }

  it("is reported in each report with its cause, also if it was not tried", async () => {
    await leave({});
    await stores.ledger.loads.putFailed("leads", failing);
    await stores.ledger.loads.putFailed("unpublished", failing);
    const expected =
      "load: leads: not loaded since 2030-01-01T00:00:00.000Z (3 runs), access: permission denied for relation " +
      "leads. Give it the permission. Each run tries again.";
    expect(await alerts()).toEqual([expected]);
    expect(await alerts()).toEqual([expected]);
    expect(reported.map(({ subject }) => subject)).toEqual([
      "sluice: run needs a look (1): one",
      "sluice: run needs a look (1): one",
    ]);
  });

  it("is reported with when it is tried again, and what became of its whole copy", async () => {
    await leave({});
    const retryAt = Date.UTC(2030, 0, 3);
    await stores.ledger.loads.putFailed("leads", {
      ...failing,
      retryAt,
      notAsked: "it failed as well",
    });
    await stores.ledger.loads.putFailed("calls", failing);
    const asked: ReplaceRecord = {
      ...{ state: "asked", requestedAt: 1, run: "zero", contentId: "1", fingerprint: "f" },
      ...{ cause: "unknown", reason: "no", times: 1 },
    };
    await stores.ledger.loads.askReplace("calls", asked, undefined);
    const [leads, calls] = await alerts();
    expect(leads).toContain(
      "tried again from 2030-01-03T00:00:00.000Z on; a run with tables named tries at once. No whole copy: it failed as well.",
    );
    expect(calls).toMatch(/Its whole copy is asked of the next build\.$/);
  });
});

describe("a source that was left alone", () => {
  it("since it rejected requests is reported with its last response", async () => {
    await leave({});
    const pause = { until: 1, run: "one", reason: "429: too many" };
    await stores.ledger.pauses.give("shop", pause);
    const lanes = [laneDone, { ...laneDone, lane: 1, ended: "rejections" }];
    const { status, record } = await report({ lanes });
    expect(status).toBe("succeeded");
    expect(record.alerts).toMatchObject([{ kind: "paused", name: "shop" }]);
    expect(reported[0]?.message).toMatch(/paused: shop: .*what was read .* is kept.*429: too many/);
  });

  it("since an earlier run's requests were rejected is reported once, as what it is", async () => {
    const waits = {
      source: "shop",
      cause: "pause" as const,
      reason: "source shop rejected requests again and again",
    };
    const waiting = ["leads", "events"].map((table) => ({ table, ...waits }));
    await leave({ plan: { waiting } });
    const { status, record } = await report();
    expect(status).toBe("succeeded");
    const message =
      "source shop rejected requests again and again; left out of this run: leads, events";
    expect(record.alerts).toEqual([{ kind: "paused", name: "shop", message }]);
    expect(summarizeRun(record).join("\n")).not.toMatch(/waiting|another run|held/);
  });

  it("since its hours are closed is recorded, and nobody is woken", async () => {
    const opensAt = "2030-01-01T22:00:00.000Z";
    const waits = { source: "shop", cause: "hours" as const, reason: "it opens later", opensAt };
    await leave({ plan: { waiting: [{ table: "leads", ...waits }] } });
    const { status, record } = await report();
    expect(status).toBe("succeeded");
    expect(record.alerts).toEqual([{ kind: "closed", name: "leads", message: "it opens later" }]);
    expect(reported).toEqual([]);
  });
});

describe("a run in which something failed", () => {
  it("names each part, whatever step it was", async () => {
    await leave({
      plan: {
        problems: [
          { kind: "source", name: "away", error: "SourceUnavailableError", message: "refused" },
        ],
        tables: [{ table: "events", source: "shop", token: 1 }],
      },
      commit: [{ status: "failed", table: "events", error: "FencedError", message: "taken" }],
      build: [
        { table: "broken", status: "failed", error: "no such column" },
        { table: "after", status: "skipped", error: "broken failed" },
      ],
    });
    await stores.store.put("runs/one/problems/events.json", {
      ...{ format: 1, run: "one", table: "events", source: "shop", lane: 0 },
      ...{ error: "SourceConfigurationError", message: "no index", at: "2030" },
    });
    const cause = '{"errorType":"FencedError","errorMessage":"token 1 \\"is\\" old","trace":["at';
    const { status, failed, record } = await report({
      lanes: [{ lane: 1, source: "shop", status: "failed", error: "FencedError", cause }],
      load: [{ table: "leads", status: "failed", error: "no space" }],
      failed: [{ step: "build", error: "Glue.Failed", cause: "it ended" }],
    });
    expect(status).toBe("failed");
    expect(failed).toEqual([
      ...["build", "plan away", "extract shop/1", "extract events", "commit events"],
      ...["build broken", "load leads"],
    ]);
    expect(record.failed.find(({ name }) => name === "shop/1")?.message).toBe('token 1 "is" old');
    expect(reported[0]?.subject).toBe("sluice: run failed (7): one");
    expect(reported[0]?.message).toContain("plan: away: SourceUnavailableError: refused");
  });

  it("reports the whole of why a table could not be loaded", async () => {
    await leave({});
    const message = `permission denied for relation leads ${"x".repeat(900)}`;
    await stores.store.put(keys.loadProblem("one", "leads"), {
      ...{ format: 1, run: "one", table: "leads", step: "apply", cause: "access", message },
      ...{ statement: `DELETE FROM "lake"."leads"`, statementId: "id:6", at: "2030" },
    });
    const { record } = await report({
      load: [
        { table: "leads", status: "failed", error: "apply: permission denied for re" },
        { table: "other", status: "failed", error: "what the state machine says" },
        { table: "later", status: "held", polls: 0, detail: "not tried again yet" },
      ],
    });
    expect(record.failed.map(({ name, message: reported }) => [name, reported])).toEqual([
      ["leads", `apply: ${message}; statement: DELETE FROM "lake"."leads" (Data API id:6)`],
      ["other", "what the state machine says"],
    ]);
    expect(record.tables.find(({ table }) => table === "later")?.load).toEqual({
      ...{ status: "held", polls: 0 },
    });
  });

  it("is recorded even if it came no further than its plan", async () => {
    const failed = [{ step: "plan", error: "Error", cause: '{"errorMessage":"no table"}' }];
    const { record, failed: names } = await report({ failed });
    expect(names).toEqual(["plan"]);
    expect(record).toMatchObject({ tables: [], failed: [{ step: "plan", message: "no table" }] });
  });

  it("is failed when the build left no result, or one that cannot be read", async () => {
    const plan = { format: 1, run: "one", tables: [], lanes: [], problems: [], waiting: [] };
    await stores.store.put(keys.runPlan("one"), plan);
    expect((await report()).failed).toEqual(["build"]);
    await stores.store.put(keys.buildResult("one"), { format: 2, tables: [] });
    expect((await report()).failed).toEqual(["build runs/one/build.json"]);
  });

  it("is not failed by a build that was not due", async () => {
    const plan = { format: 1, run: "one", tables: [], lanes: [], problems: [], waiting: [] };
    await stores.store.put(keys.runPlan("one"), plan);
    const decision = { build: false, reason: "all is built as it is now" };
    const { status, record } = await report({ decision });
    expect(status).toBe("succeeded");
    expect(record.decision).toEqual(decision);
    expect((await report({ decision: { build: true, reason: "leads is new" } })).failed).toEqual([
      "build",
    ]);
    expect((await report({ decision: null })).failed).toEqual(["build"]);
  });

  it("is failed when a lane or load reports what nobody understands", async () => {
    await leave({});
    const { record } = await report({ lanes: [{ odd: 1 }], load: [null] });
    expect(record.failed.map(({ step, message }) => [step, message])).toEqual([
      ["extract", 'not understood: {"odd":1}'],
      ["load", "not understood: null"],
    ]);
  });

  it("keeps a lane whose invocation may still be reading", async () => {
    await leavePlan();
    const lost = { lane: 0, source: "shop", status: "failed", cause: "" };
    await report({ lanes: [{ ...lost, error: "Lambda.ServiceException" }] });
    expect(await isLaneFree()).toBe(false);
    await report({ lanes: [] });
    expect(await isLaneFree()).toBe(false);
    await report({ lanes: [{ ...lost, error: "Sandbox.Timedout" }] });
    expect(await isLaneFree()).toBe(true);
  });

  it("ends well itself when nobody can be notified", async () => {
    const { ledger, store } = stores;
    const failed = [{ step: "plan", error: "Error" }];
    const result = await reportRun(reportInputSchema.parse({ ...input, failed }), {
      ...{ deployment: "sluice", ledger, store, log: quiet, emitMetrics: () => undefined },
      publish: () => Promise.reject(new Error("no topic")),
    });
    expect(result).toEqual({ status: "failed", failed: ["plan"] });
  });
});
