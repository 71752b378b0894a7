// Planning looks at drift against a real ledger and bucket: reported in the plan once, and never a reason not to read.
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { SourceShape } from "../../../sources/discover/shape.ts";
import { driftFileSchema } from "../../../contract/drift.ts";
import { planRun } from "../../../functions/plan/plan.ts";
import { keys } from "../../../contract/keys.ts";
import { planFileSchema, type PlanFile } from "../../../contract/run-files.ts";
import { makeRecord } from "../../../functions/report/make-record.ts";
import { startMoto, type Moto } from "../moto.ts";
import { Executions, makeStores, type Stores } from "../store-fixtures.ts";
import { leads } from "./definitions.ts";
import { FakeSource } from "./fake-source.ts";

let server: Moto;
let stores: Stores;
let executions: Executions;
let source: FakeSource;

beforeAll(async () => {
  server = await startMoto();
});
afterAll(() => server.stop());
beforeEach(async () => {
  stores = await makeStores(server.address);
  executions = new Executions();
  source = new FakeSource();
});

const warnings: string[] = [];
const log = {
  info: () => undefined,
  warn: (message: string) => {
    warnings.push(message);
  },
};

async function plan(run: string): Promise<PlanFile> {
  executions.running.clear();
  executions.start(run);
  const { ledger, store } = stores;
  // Far apart, so that the lanes of the run before are free.
  const nowMillis = Date.now() + Number(run) * 600_000;
  await planRun(
    { run, execution: run },
    {
      ...{ ledger, store, log, nowMillis, isRunning: executions.isRunning },
      connect: () => Promise.resolve(source),
      readDefinitions: () => Promise.resolve({ definitions: [leads], broken: [] }),
    },
  );
  return store.get(keys.runPlan(run), planFileSchema);
}

const shape = (...more: string[]): SourceShape => ({
  fields: {
    id: { types: ["keyword"] },
    changed_at: { types: ["date"] },
    ...Object.fromEntries(more.map((name) => [name, { types: ["long"] }])),
  },
  hidesFields: false,
});
const reported = ({ drift }: PlanFile): string[] =>
  drift.map(({ table, kind, field }) => `${table}: ${kind} ${field}`);

test("a field that appears is reported by the next run, again if that is tried again, and by none after it", async () => {
  source.shape = shape("left_out");
  expect(reported(await plan("1"))).toEqual([]);
  source.shape = shape("left_out", "fresh");
  expect(reported(await plan("2"))).toEqual(["leads: new fresh"]);
  expect(reported(await plan("2"))).toEqual(["leads: new fresh"]);
  const third = await plan("3");
  expect(reported(third)).toEqual([]);
  expect(third.tables).toHaveLength(1);
  expect(third.problems).toEqual([]);
});

test("a lost field is an alert of the run's record, and stays a fault of the table", async () => {
  source.shape = { fields: { id: { types: ["keyword"] } }, hidesFields: false };
  const file = await plan("1");
  expect(reported(file)).toEqual(["leads: lost changed_at"]);
  const record = makeRecord(
    {
      run: "1",
      execution: "1",
      startedAt: "2024-01-01T00:00:00Z",
      lanes: [],
      load: [],
      failed: [],
    },
    {
      plan: file,
      commit: undefined,
      build: undefined,
      extractProblems: [],
      pauses: new Map(),
      loadProblems: new Map(),
      loadRecords: new Map(),
      unreadable: [],
    },
    "2024-01-01T00:01:00Z",
  );
  expect(record.status).toBe("succeeded");
  expect(record.alerts).toEqual([
    { kind: "drift", name: "leads", message: expect.stringContaining("changed_at") as string },
  ]);
  expect(reported(await plan("2"))).toEqual([]);
  const look = await stores.store.get(keys.drift("leads"), driftFileSchema);
  expect(look.faults.map(({ field }) => field)).toEqual(["changed_at"]);
});

test("many new fields are one alert that says how to see the others", async () => {
  source.shape = shape();
  await plan("1");
  source.shape = shape(...Array.from({ length: 300 }, (_, n) => `n${n}`));
  const file = await plan("2");
  expect(file.drift).toHaveLength(300);
  const { alerts } = makeRecord(
    {
      run: "2",
      execution: "2",
      startedAt: "2024-01-01T00:00:00Z",
      lanes: [],
      load: [],
      failed: [],
    },
    {
      plan: file,
      commit: undefined,
      build: undefined,
      extractProblems: [],
      pauses: new Map(),
      loadProblems: new Map(),
      loadRecords: new Map(),
      unreadable: [],
    },
    "2024-01-01T00:01:00Z",
  );
  expect(alerts).toHaveLength(1);
  expect(alerts[0]?.message).toContain("and 295 more: `sluice discover --drift leads`");
  expect(alerts[0]?.message.length).toBeLessThan(2000);
});

test("a source that does not show its fields is read all the same, and what was seen before is kept", async () => {
  source.shape = shape();
  await plan("1");
  source.describe = () => Promise.reject(new Error("no"));
  warnings.length = 0;
  const file = await plan("2");
  expect(file).toMatchObject({ problems: [], drift: [] });
  expect(file.tables).toHaveLength(1);
  expect(warnings).toContain("could not look for drift");
  const look = await stores.store.get(keys.drift("leads"), driftFileSchema);
  expect(look.run).toBe("1");
});

test("a file of another version is looked at as if it were not there", async () => {
  await stores.store.put(keys.drift("leads"), { format: 2 });
  source.shape = shape();
  warnings.length = 0;
  expect(reported(await plan("1"))).toEqual([]);
  expect(warnings).toContain("drift is looked at as if for the first time");
});
