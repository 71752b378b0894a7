// The whole stack end to end: real servers, the synthesized template, the real state machine, through the command line.
import { PutSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { ListObjectsV2Command, GetObjectCommand } from "@aws-sdk/client-s3";
import { ListStatementsCommand, RedshiftDataClient } from "@aws-sdk/client-redshift-data";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { catalog } from "../../examples/web-analytics/catalog/index.ts";
import { targetsOf } from "../../cli/commands/demo.ts";
import { connect, type Connection } from "../../cli/connection.ts";
import { answerTexts, queryWarehouse } from "../../cli/warehouse.ts";
import { runRecordSchema, type RunRecord } from "../../contract/run.ts";
import { change, generate } from "../../examples/web-analytics/sample-data/generate.ts";
import { SAMPLE_TABLES, type History } from "../../examples/web-analytics/sample-data/history.ts";
import { writePacedCatalog } from "../../examples/web-analytics/sample-data/paced-catalog.ts";
import {
  demoQueries,
  exactSumsQuery,
  sameAnswer,
} from "../../examples/web-analytics/sample-data/queries.ts";
import {
  canonicalText,
  rowHash,
  type TruthRow,
} from "../../examples/web-analytics/sample-data/truth-row.ts";
import { keyText, liveHashes, liveRows } from "../../examples/web-analytics/sample-data/truth.ts";
import {
  LOCAL_CREDENTIALS,
  LOCAL_REGION,
  ENGINE_FOLDER,
  readRunning,
  type RunningStack,
} from "../../local/state.ts";
import { sluice, startSluice, type Finished } from "./sluice.ts";
import { warehouseRows } from "./warehouse-rows.ts";

const POLL_MILLIS = 100;
const PATIENCE_MILLIS = 240_000;
const LINES_OF_LOG = 120;

const resultSchema = z.object({
  run: z.string(),
  status: z.string(),
  cause: z.string().nullable(),
  record: runRecordSchema.nullable(),
});

const folder = mkdtempSync(join(tmpdir(), "sluice-pipeline-"));
const catalogFolder = join(folder, "catalog");
let stack: RunningStack;
let connection: Connection;
let history: History;
let failed = false;

function edit(name: string, replacements: readonly (readonly [string, string])[]): void {
  const file = join(catalogFolder, name);
  let text = readFileSync(file, "utf8");
  for (const [before, after] of replacements) {
    expect(text).toContain(before);
    text = text.replace(before, after);
  }
  writeFileSync(file, text);
}

function parseRun(finished: Finished): { status: string; record: RunRecord } {
  const last = finished.stdout.trim().split("\n").at(-1) ?? "";
  let result: z.infer<typeof resultSchema>;
  try {
    result = resultSchema.parse(JSON.parse(last));
  } catch {
    throw new Error(`sluice run gave no result:\n${finished.stdout}\n${finished.stderr}`);
  }
  if (result.record === null) throw new Error(`the run left no record: ${String(result.cause)}`);
  return { status: result.status, record: result.record };
}

async function succeed(...tables: string[]): Promise<RunRecord> {
  return recordOf(await sluice(folder, "run", ...tables, "--json"));
}

/** As `sluice` runs against AWS: it knows nothing of this machine's stack but what the deployment's APIs show. */
async function asDeployed(...args: string[]): Promise<Finished> {
  if (stack.endpoint === undefined) throw new Error("the stack has no endpoint");
  const elsewhere = join(folder, "elsewhere");
  return startSluice(elsewhere, [...args, "--deployed", stack.deployment, "--json"], {
    AWS_ENDPOINT_URL: stack.endpoint,
    AWS_REGION: LOCAL_REGION,
    AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
  }).ended;
}

function recordOf(finished: Finished): RunRecord {
  const { status, record } = parseRun(finished);
  expect(record.failed, finished.stderr).toEqual([]);
  expect(status).toBe("SUCCEEDED");
  expect(finished.code).toBe(0);
  return record;
}

async function expectEqualToTruth(): Promise<void> {
  for (const name of SAMPLE_TABLES) {
    const table = catalog.tables.find((candidate) => candidate.name === name);
    if (table === undefined) throw new Error(`the example has no table ${name}`);
    const rows = await warehouseRows(connection, table);
    const actual = new Map(rows.map((row) => [keyText(name, row), row]));
    expect(actual.size, `${name}: no key stands twice`).toBe(rows.length);
    const expected = liveHashes(history, name);
    const wrong = [...expected.keys()].filter((key) => {
      const row = actual.get(key);
      return row === undefined || rowHash(row) !== expected.get(key);
    });
    if (wrong.length > 0 || rows.length !== expected.size) {
      // One row of each side shows more than a thousand hashes.
      const [key] =
        wrong.length > 0 ? wrong : [...actual.keys()].filter((one) => !expected.has(one));
      const truth = [...liveRows(history, name)].find((row) => keyText(name, row) === key);
      const show = (row: TruthRow | undefined): string =>
        row === undefined ? "missing" : canonicalText(row);
      throw new Error(
        `${name}: ${String(wrong.length)} rows are missing or differ, ${String(rows.length)} are there, the truth has ${String(expected.size)}; such as ${String(key)}\nwarehouse ${show(actual.get(key ?? ""))}\ntruth     ${show(truth)}`,
      );
    }
  }
  for (const query of [...demoQueries, exactSumsQuery]) {
    const answer = await queryWarehouse(connection, query.sql);
    expect(sameAnswer(answerTexts(answer), query.expected(history)), query.title).toBe(true);
  }
}

async function until<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const deadline = Date.now() + PATIENCE_MILLIS;
  while (Date.now() < deadline) {
    const seen = await look();
    if (seen !== undefined) return seen;
    await delay(POLL_MILLIS);
  }
  throw new Error(`did not happen within ${String(PATIENCE_MILLIS / 1000)} s: ${what}`);
}

const killedSchema = z.object({ killed: z.int() });

/** Kills through the emulator; undefined while there is nothing to kill. */
async function kill(path: string, body: unknown): Promise<number | undefined> {
  const response = await fetch(`${stack.endpoint ?? ""}${path}`, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json" },
  });
  const { killed } = killedSchema.parse(await response.json());
  return killed > 0 ? killed : undefined;
}

async function objectKeys(prefix: string): Promise<string[]> {
  const keys: string[] = [];
  let token: string | undefined;
  do {
    const page = await connection.s3.send(
      new ListObjectsV2Command({
        Bucket: connection.deployment.bucket,
        Prefix: prefix,
        ContinuationToken: token,
      }),
    );
    keys.push(...(page.Contents ?? []).flatMap(({ Key }) => (Key === undefined ? [] : [Key])));
    token = page.NextContinuationToken;
  } while (token !== undefined);
  return keys;
}

/** How often a Glue job was started, and how many statements functions sent to the warehouse, since the stack is up. */
async function started(): Promise<{ jobs: number; statements: number }> {
  const jobs = readdirSync(stack.logFolder).filter((name) => name.startsWith("glue-")).length;
  const client = new RedshiftDataClient({
    endpoint: stack.endpoint ?? "",
    region: LOCAL_REGION,
    credentials: LOCAL_CREDENTIALS,
  });
  let statements = 0;
  let NextToken: string | undefined;
  do {
    const page = await client.send(new ListStatementsCommand({ NextToken, Status: "ALL" }));
    statements += page.Statements?.length ?? 0;
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  client.destroy();
  return { jobs, statements };
}

const auditCount = async (): Promise<unknown> =>
  (await queryWarehouse(connection, "select count(*) as n from sluice.audit")).rows[0]?.[0];

const tableOf = (record: RunRecord, name: string): RunRecord["tables"][number] => {
  const table = record.tables.find((candidate) => candidate.table === name);
  if (table === undefined) throw new Error(`the run record has no ${name}`);
  return table;
};

beforeAll(async () => {
  // Slow enough that lanes take several invocations.
  const index = writePacedCatalog(catalogFolder, {
    dutyCycle: 0.5,
    maxRowsPerSecond: 120,
    pageRows: 100,
  });
  const up = await sluice(
    folder,
    "up",
    "--json",
    ...["--set", `catalog=${index}`],
    ...["--set", "extractTimeoutSeconds=10"],
  );
  expect(up.code, up.stderr).toBe(0);
  const running = readRunning(folder);
  if (running === undefined) throw new Error("up left nothing that runs");
  stack = running;
  connection = await connect({ local: stack });
  history = await generate({
    seed: 7,
    companies: 300,
    leads: 900,
    visits: 700,
    pageViews: 500,
    edgeCases: true,
    ...targetsOf(stack),
    nowMillis: Date.now(),
  });
});

afterEach((context) => {
  if (context.task.result?.state !== "fail") return;
  failed = true;
  // The folder may be out of reach where this ran: the ends of the jobs' logs say most.
  const logs = readdirSync(stack.logFolder).filter((name) => name.startsWith("glue-"));
  for (const name of logs.slice(-2)) {
    const lines = readFileSync(join(stack.logFolder, name), "utf8").trimEnd().split("\n");
    console.error([`the end of ${name}:`, ...lines.slice(-LINES_OF_LOG)].join("\n"));
  }
});

afterAll(async () => {
  const down = await sluice(folder, "down");
  expect(down.code).toBe(0);
  expect(existsSync(stack.logFolder)).toBe(true);
  if (!failed) rmSync(folder, { recursive: true, force: true });
});

describe("the pipeline", () => {
  it("brings everything, in chains of more than one invocation", async () => {
    const record = await succeed();
    expect(record.lanes.map((lane) => lane.invocations > 1)).toEqual([true, true]);
    await expectEqualToTruth();
  });

  it("brings inserts, updates, late rows and deletes of both sources with the second run", async () => {
    history = await change({
      history,
      ...targetsOf(stack),
      nowMillis: Date.now(),
      shares: { inserts: 0.05, updates: 0.08, deletes: 0.04 },
    });
    const record = await succeed();
    const leads = tableOf(record, "leads");
    expect(leads.rowsExtracted).toBeGreaterThan(0);
    expect(leads.rowsExtracted).toBeLessThan(900 / 2);
    for (const name of SAMPLE_TABLES) {
      expect(tableOf(record, name).build?.deletes, name).toBeGreaterThan(0);
    }
    await expectEqualToTruth();
  });

  it("changes, builds and loads nothing when nothing changed, run as a deployed stack is", async () => {
    const before = await auditCount();
    const record = recordOf(await asDeployed("run"));
    for (const table of record.tables) {
      expect(table.build?.winners, table.table).toBe(0);
      expect(table.build?.status, table.table).toBe("unchanged");
    }
    expect(await auditCount()).toBe(before);
    await expectEqualToTruth();
    expect(record.tables.filter(({ load }) => load !== null)).toEqual([]);
    const shown = await asDeployed("status");
    expect(shown.stdout, shown.stderr).toContain(record.run);
    expect(shown.code).toBe(0);
  });

  it("starts no Glue job, and sends the warehouse no statement, in a run that found nothing new", async () => {
    // Or the rows of the last minute are read again.
    edit("tables/leads.ts", [["overlapSeconds: 60", "overlapSeconds: 0"]]);
    await succeed("leads");
    const before = await started();
    const record = await succeed("leads");
    expect(tableOf(record, "leads")).toMatchObject({ rowsExtracted: 0, build: null, load: null });
    expect(record.decision).toEqual({ build: false, reason: "all is built as it is now" });
    expect(await started()).toEqual(before);
    edit("tables/leads.ts", [["overlapSeconds: 0", "overlapSeconds: 60"]]);
    await expectEqualToTruth();
  });

  it("loses nothing when a lane's Lambda and then the Glue job are killed in the middle", async () => {
    history = await change({
      history,
      ...targetsOf(stack),
      nowMillis: Date.now(),
      shares: { inserts: 0.05, updates: 0.08, deletes: 0.04 },
    });
    const glueLogsBefore = new Set(readdirSync(stack.logFolder));
    const before = new Set(await objectKeys("raw/visits/"));
    const run = startSluice(folder, ["run", "--json"]);
    await until("an object of visits is written", async () =>
      (await objectKeys("raw/visits/")).some((key) => !before.has(key)) ? true : undefined,
    );
    await until("an Extract runs", () =>
      kill("/emulator/kill-lambda", { functionNameContains: "extract" }),
    );
    await until("the build has winners", () => {
      const log = readdirSync(stack.logFolder).find(
        (name) => name.startsWith("glue-") && !glueLogsBefore.has(name),
      );
      if (log === undefined) return undefined;
      return readFileSync(join(stack.logFolder, log), "utf8").includes("winners")
        ? true
        : undefined;
    });
    await until("the Glue job runs", () => kill("/emulator/kill-glue", {}));
    const finished = await run.ended;
    const { status, record } = parseRun(finished);
    expect(status).toBe("FAILED");
    expect(finished.code).toBe(1);
    expect(record.failed.map((failure) => failure.step)).toEqual(["build"]);
    expect(record.failed[0]?.message).toMatch(/^Command failed with exit code -\d+$/);

    await succeed();
    await expectEqualToTruth();
  });

  it("adds a table as docs/catalog.md says, keeps bad rows aside, and names a source that does not respond", async () => {
    const document = readFileSync(join(ENGINE_FOLDER, "docs/catalog.md"), "utf8");
    const example = /```ts\n([\s\S]*?)```/.exec(document)?.[1];
    if (example === undefined) throw new Error("docs/catalog.md has no example");
    writeFileSync(join(catalogFolder, "tables/campaigns.ts"), example.replaceAll(/^ {3}/gm, ""));
    edit("index.ts", [
      [
        "import { companies }",
        'import { campaigns } from "./tables/campaigns.ts";\nimport { companies }',
      ],
      ["tables: [", "tables: [campaigns, "],
    ]);
    const { address } = targetsOf(stack).elasticsearch;
    const put = async (path: string, body: unknown): Promise<void> => {
      const response = await fetch(`${address}/${path}`, {
        method: "PUT",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      expect(response.ok, await response.text()).toBe(true);
    };
    const at = new Date(Date.now() - 5000).toISOString();
    await put("campaigns", { mappings: { properties: { changedAt: { type: "date" } } } });
    const document1 = {
      campaignId: "c-1",
      title: "Spring",
      budget: 1200.5,
      channels: "mail",
      changedAt: at,
    };
    await put("campaigns/_doc/1?refresh=true", document1);
    // No status, which may not be null.
    await put("leads/_doc/broken?refresh=true", { accountId: "a1", updatedAt: at });
    await pointEventsTo(1);
    const finished = await sluice(folder, "run", "--json");
    await pointEventsTo(undefined);
    const { status, record } = parseRun(finished);
    expect(status).toBe("FAILED");
    expect(record.failed.length).toBeGreaterThan(0);
    for (const failure of record.failed) {
      expect(failure.step).toBe("plan");
      expect(failure.message).toContain("events");
      expect(failure.message).toContain("127.0.0.1");
    }
    const campaigns = await queryWarehouse(
      connection,
      "select title, budget, channels from mart.campaigns",
    );
    expect(campaigns.rows).toEqual([["Spring", "1200.50", '["mail"]']]);
    expect(tableOf(record, "leads").build?.quarantined).toBe(1);
    const [quarantined] = await objectKeys("quarantine/leads/");
    const response = await connection.s3.send(
      new GetObjectCommand({ Bucket: connection.deployment.bucket, Key: quarantined }),
    );
    const line = gunzipSync(
      (await response.Body?.transformToByteArray()) ?? new Uint8Array(),
    ).toString();
    expect(line).toContain("status");
    expect(line).toContain("a1");
    await expectEqualToTruth();
  });

  it("rejects a mistake in the catalog before anything is changed, with entry, value and fix", async () => {
    edit("tables/campaigns.ts", [['key: ["campaign_id"]', 'key: ["campaign"]']]);
    const finished = await sluice(folder, "run", "--json");
    expect(finished.code).toBe(1);
    expect(finished.stderr).toContain("campaigns");
    expect(finished.stderr).toContain('"campaign"');
    expect(finished.stderr).toContain("campaign_id");
  });
});

/** Puts another port into the secret of the source `events`; undefined puts the right one back. */
async function pointEventsTo(port: number | undefined): Promise<void> {
  const { cassandra } = targetsOf(stack);
  const client = new SecretsManagerClient({
    endpoint: stack.endpoint ?? "",
    region: LOCAL_REGION,
    credentials: LOCAL_CREDENTIALS,
  });
  await client.send(
    new PutSecretValueCommand({
      SecretId: `${stack.deployment}/source/events`,
      SecretString: JSON.stringify({ ...cassandra, port: port ?? cassandra.port }),
    }),
  );
  client.destroy();
}
