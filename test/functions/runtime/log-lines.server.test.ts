// Every line that a function writes says which run it is about, and the table, source and lane where there is one.
import { randomUUID } from "node:crypto";
import { CreateDatabaseCommand, CreateTableCommand, GlueClient } from "@aws-sdk/client-glue";
import { CreateSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { Context } from "aws-lambda";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { encodeEntry } from "../../../catalog/glue.ts";
import { definitionsDatabase, encodeStamp, lakeDatabase } from "../../../catalog/placement.ts";
import type { Table } from "../../../catalog/table.ts";
import { keys } from "../../../contract/keys.ts";
import { RELAXED, type LaneState, type WorkList } from "../../../contract/state.ts";
import { startMoto, type Moto } from "../moto.ts";
import { Executions, makeStores, objectOf, rowsPass, type Stores } from "../store-fixtures.ts";

const lineSchema = z.looseObject({
  message: z.string().optional(),
  run: z.string().optional(),
  table: z.string().optional(),
  source: z.string().optional(),
  lane: z.number().optional(),
});
type Line = z.infer<typeof lineSchema>;

const context = { getRemainingTimeInMillis: () => 60_000, awsRequestId: "r" } as Context;

let server: Moto;
let stores: Stores;
let deployment: string;
let lines: Line[];

beforeAll(async () => {
  server = await startMoto();
});
afterAll(() => server.stop());

beforeEach(async () => {
  stores = await makeStores(server.address);
  deployment = `log${randomUUID().slice(0, 8)}`;
  const environment = {
    AWS_ENDPOINT_URL: server.address,
    AWS_REGION: "eu-west-1",
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    SLUICE_DEPLOYMENT: deployment,
    SLUICE_BUCKET: stores.bucket,
    SLUICE_LEDGER: stores.tableName,
    SLUICE_CATALOG_STACKS: "1",
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  const glue = new GlueClient({});
  for (const Name of [definitionsDatabase(deployment, 0), lakeDatabase(deployment)]) {
    await glue.send(new CreateDatabaseCommand({ DatabaseInput: { Name } }));
  }
  await glue.send(
    new CreateTableCommand({
      DatabaseName: definitionsDatabase(deployment, 0),
      TableInput: encodeStamp(1),
    }),
  );
  lines = [];
  // Powertools writes to a console of its own.
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, "write").mockImplementation((chunk: string | Uint8Array) => {
      lines.push(...linesOf(chunk));
      return true;
    });
  }
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  vi.resetModules();
});

function linesOf(chunk: string | Uint8Array): Line[] {
  return Buffer.from(chunk)
    .toString()
    .split("\n")
    .filter((text) => text.startsWith("{"))
    .map((text) => lineSchema.parse(JSON.parse(text)));
}

/** What lines say of what they are about. */
function about(some: readonly Line[]): Pick<Line, "run" | "table" | "source" | "lane">[] {
  return some.map(({ run, table, source, lane }) => ({ run, table, source, lane }));
}

async function leavePlan(run: string, tables: readonly string[]): Promise<void> {
  const held = [];
  for (const table of tables) {
    const running = new Executions().isRunning;
    const lease = await stores.ledger.leases.take(table, run, 0, running);
    if ("heldBy" in lease) throw new Error("not free");
    held.push({ table, source: "shop", token: lease.token });
  }
  await stores.store.put(keys.runPlan(run), {
    ...{ format: 1, run, byName: false, tables: held, lanes: [], problems: [], waiting: [] },
  });
}

async function declare(name: string): Promise<void> {
  const table: Table = {
    ...{ name, owner: "data-team", description: "People who asked for a call", key: ["id"] },
    source: { name: "shop", system: "elasticsearch", owner: "team", description: "The shop" },
    from: { index: "leads" },
    columns: [{ name: "id", type: "long", description: "The id" }],
    cursor: { column: "id", lagSeconds: 60, overlapSeconds: 60 },
    deletes: { strategy: "none" },
  };
  await new GlueClient({}).send(
    new CreateTableCommand({
      DatabaseName: definitionsDatabase(deployment, 0),
      TableInput: encodeEntry(table, { deployment }),
    }),
  );
}

describe("the lines", () => {
  it("of Plan name the run, and the source and table", async () => {
    await declare("leads");
    const { handler } = await import("../../../functions/plan/handler.ts");
    // There is no secret, so that the source can't be asked.
    await handler({ run: "one", execution: "arn:one" }, context);
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(line).toMatchObject({ run: "one", source: "shop" });
    const before = lines.length;
    await expect(
      handler({ run: "two", execution: "arn:two", tables: ["unknown"] }, context),
    ).rejects.toThrow(/unknown/);
    expect(about(lines.slice(before))).toEqual([{ run: "two" }]);
    expect(lines.at(-1)).toMatchObject({
      message: "the invocation failed",
      error: { stack: expect.stringContaining("choose-tables.ts") as string },
    });
  });

  it("of Extract name the run, the source and lane, and the table where it is one's", async () => {
    const { pass, splits } = rowsPass(1, 1);
    const { ledger, store } = stores;
    const running = new Executions().isRunning;
    const lease = await ledger.leases.take("leads", "arn:one", 0, running);
    const lane = await ledger.lanes.take("shop", 1, "arn:one", 1, running, 0);
    if ("heldBy" in lease || lane === undefined) throw new Error("not free");
    const before = await ledger.progress.read("leads");
    await ledger.transactions.openPass({
      table: "leads",
      token: lease.token,
      before,
      pass,
      splits,
    });
    const work: WorkList = {
      format: 1,
      items: [
        {
          ...{ table: "leads", token: lease.token, pass: pass.id, split: "0000", kind: "rows" },
        },
      ],
    };
    await store.put("work", work);
    const state: LaneState = {
      ...{ format: 1, run: "one", execution: "arn:one", source: "shop", lane: lane.lane },
      ...{
        laneToken: lane.token,
        work: "work",
        item: 0,
        invocation: 0,
        startedAt: Date.now(),
        rows: 0,
      },
      pace: { readMillis: 0, pauseMillis: 0, backOffs: 0, slow: 0, bytes: 0 },
      ...{ governor: RELAXED, done: false, ended: null },
    };
    await declare("leads");
    const Name = `${deployment}/source/shop`;
    await new SecretsManagerClient({}).send(new CreateSecretCommand({ Name, SecretString: "{}" }));
    const { handler } = await import("../../../functions/extract/handler.ts");
    expect(await handler(state, context)).toMatchObject({ done: true });
    expect(about(lines)).toEqual([{ run: "one", table: "leads", source: "shop", lane: 0 }]);
    // Another invocation of the same process knows nothing of the first one's.
    const first = lines.length;
    await expect(handler({ run: "two", format: 7 }, context)).rejects.toThrow(/format/);
    expect(about(lines.slice(first))).toEqual([{ run: "two" }]);
  });

  it("of Commit name the run and each table, though several are committed at once", async () => {
    const tables = ["leads", "calls", "visits", "orders", "taken"];
    await leavePlan("one", tables);
    for (const table of tables.slice(0, 2)) {
      const { pass, splits } = rowsPass(1, 1);
      const before = await stores.ledger.progress.read(table);
      await stores.ledger.transactions.openPass({ table, token: 1, before, pass, splits });
      const [split] = splits;
      if (split === undefined) throw new Error("no split");
      const object = objectOf(split);
      await stores.ledger.transactions.recordObject({
        ...{ table, token: 1, before: split, position: null, done: true, object },
      });
    }
    await stores.ledger.leases.take("taken", "arn:other", 0, new Executions().isRunning);
    const { handler } = await import("../../../functions/commit/handler.ts");
    expect(await handler({ run: "one", execution: "arn:one" }, context)).toEqual({ manifests: 2 });
    expect(about(lines).sort((a, b) => String(a.table).localeCompare(String(b.table)))).toEqual(
      tables.toSorted().map((table) => ({ run: "one", table })),
    );
    const failed = lines.find(({ table }) => table === "taken");
    expect(failed).toMatchObject({
      error: { name: "FencedError", stack: expect.any(String) as string },
    });
    const before = lines.length;
    await expect(handler({ run: "two", execution: "arn:two" }, context)).rejects.toThrow();
    expect(about(lines.slice(before))).toEqual([{ run: "two" }]);
  });

  it("of Decide name the run", async () => {
    vi.stubEnv("SLUICE_BUILD_VERSION", "v1");
    const { handler } = await import("../../../functions/decide/handler.ts");
    expect(await handler({ run: "one" }, context)).toMatchObject({ build: true });
    expect(about(lines)).toEqual([{ run: "one" }]);
    await expect(handler({ run: 2 }, context)).rejects.toThrow();
    expect(lines.at(-1)).toMatchObject({ message: "the invocation failed" });
  });

  it("of Load name the run and table, of one invocation after the other", async () => {
    const { handler } = await import("../../../functions/load/handler.ts");
    vi.stubEnv("SLUICE_WORKGROUP", "sluice");
    vi.resetModules();
    const { handler: withWarehouse } = await import("../../../functions/load/handler.ts");
    expect(await handler({ run: "one", table: "leads", polls: 0 }, context)).toMatchObject({
      detail: "no warehouse",
    });
    expect(lines).toEqual([]);
    for (const table of ["leads", "calls"]) {
      const input = { run: "one", table, polls: 0 };
      await expect(withWarehouse(input, context)).rejects.toThrow(table);
      expect(new Set(about(lines).map((one) => JSON.stringify(one)))).toEqual(
        new Set([JSON.stringify({ run: "one", table })]),
      );
      lines.length = 0;
    }
    await expect(withWarehouse({ run: "two" }, context)).rejects.toThrow();
    expect(about(lines)).toEqual([{ run: "two" }]);
  });

  it("of Report name the run, its metrics too, and the table where it is one's", async () => {
    await leavePlan("one", ["leads"]);
    const { handler } = await import("../../../functions/report/handler.ts");
    const input = { run: "one", execution: "arn:one", startedAt: "2030-01-01T00:00:00Z" };
    const load = [{ table: "leads", status: "failed", error: "no" }];
    const lanes = [{ source: "shop", lane: 0, status: "failed", error: "Error" }];
    await handler({ ...input, load, lanes }, context);
    for (const line of lines) expect(line.run).toBe("one");
    expect(lines.filter((line) => "_aws" in line)).toHaveLength(2);
    const ofTables = lines.filter(({ message }) => message === "table" || message === "failed");
    expect(ofTables.map(({ message, table, name }) => [message, table ?? name])).toEqual([
      ["table", "leads"],
      ["failed", "shop/0"],
      ["failed", "leads"],
      ["failed", "build"],
    ]);
  });
});
