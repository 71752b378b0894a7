// Tests that the deployed extract function reads documents of 1 MB, of 10 MB and of 2,000 fields within its memory.
import { spawn } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CreateDatabaseCommand, CreateTableCommand, GlueClient } from "@aws-sdk/client-glue";
import { CreateSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import type { TableDefinition } from "../../../catalog/definition.ts";
import { encodeEntry } from "../../../catalog/glue.ts";
import { definitionsDatabase } from "../../../catalog/placement.ts";
import { resolveEntry } from "../../../catalog/resolve.ts";
import type { Column } from "../../../catalog/table.ts";
import type { ElasticsearchTable } from "../../catalog/table-types.ts";
import { laneStateSchema } from "../../../contract/state.ts";
import { startMoto, type Moto } from "../moto.ts";
import { isWhole } from "../extraction/seed.ts";
import { makeStores } from "../store-fixtures.ts";
import { Lane } from "./lane.ts";
import { runElasticsearch, type RunningServer } from "./servers.ts";
import { Cluster } from "../../sources/elasticsearch/cluster.ts";

/** What the function has unless configured otherwise. */
const memoryMegabytes = 512;
// What Lambda's own runtime takes beside ours.
const runtimeMegabytes = 40;
const wideDocuments = isWhole() ? 1000 : 300;
const megabyte = 1024 * 1024;

const deployment = `large_${randomUUID().slice(0, 8)}`;
const region = "eu-west-1";
const folder = mkdtempSync(join(tmpdir(), "sluice-large-"));
const bundle = join(folder, "handler.mjs");
let moto: Moto;
let elasticsearch: RunningServer;
let cluster: Cluster;
const filled: string[] = [];

beforeAll(async () => {
  [moto, elasticsearch] = await Promise.all([startMoto(), runElasticsearch()]);
  cluster = new Cluster(elasticsearch.address);
  // As it is bundled for Lambda.
  await build({
    entryPoints: [fileURLToPath(new URL("../../../functions/extract/handler.ts", import.meta.url))],
    ...{ outfile: bundle, bundle: true, platform: "node", format: "esm", target: "node24" },
    ...{ mainFields: ["module", "main"], external: ["kerberos"], logLevel: "error" },
    banner: {
      js: "import { createRequire } from 'node:module';const require = createRequire(import.meta.url);",
    },
  });
});

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  for (const index of filled) await cluster.send("DELETE", `/${index}`);
  await elasticsearch.stop();
  await moto.stop();
});

const described = { owner: "team", description: "d" };
const text = (name: string): Column => ({ name, type: "string", description: "d" });
const unhurried = { dutyCycle: 1, maxRowsPerSecond: 1e9, maxBytesPerSecond: 1e12 };

function table(name: string, index: string, columns: readonly Column[]): ElasticsearchTable {
  return {
    ...{ ...described, name, key: ["id"], from: { index }, deletes: { strategy: "none" } },
    source: { ...described, name: "shop", system: "elasticsearch", budget: unhurried },
    cursor: { column: "n", lagSeconds: 2, overlapSeconds: 0 },
    columns: [
      { ...text("id"), path: ["_id"] },
      { name: "n", type: "long", description: "d", nullable: false },
      ...columns,
    ],
  };
}

/** Fills an index with documents made one by one, so that this process holds few of them. */
async function fill(count: number, json: (n: number) => string): Promise<string> {
  const index = await cluster.makeIndex(
    { n: { type: "long" } },
    { refresh_interval: "-1", "index.translog.durability": "async" },
  );
  filled.push(index);
  for (let at = 0; at < count;) {
    let bytes = 0;
    const documents = [];
    for (; at < count && bytes < 4 * megabyte; at += 1) {
      const document = { id: String(at), json: json(at) };
      bytes += document.json.length;
      documents.push(document);
    }
    const lines = documents.map((one) => `{"index":{"_id":"${one.id}"}}\n${one.json}\n`);
    const response = await cluster.send("POST", `/${index}/_bulk`, lines.join(""));
    expect(response).toContain('"errors":false');
  }
  await cluster.send("POST", `/${index}/_refresh`);
  return index;
}

const resultSchema = z.object({ state: laneStateSchema, peakRssBytes: z.number() });

async function invoke(
  state: unknown,
  environment: Record<string, string>,
): Promise<z.infer<typeof resultSchema>> {
  const program = fileURLToPath(new URL("invoke-extract.ts", import.meta.url));
  const child = spawn(
    process.execPath,
    [`--max-old-space-size=${memoryMegabytes}`, program, bundle, JSON.stringify(state)],
    {
      env: {
        ...{ PATH: process.env.PATH ?? "", HOME: folder, AWS_REGION: region },
        ...{ AWS_ENDPOINT_URL: moto.address, SLUICE_DEPLOYMENT: deployment },
        ...{ AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" },
        ...environment,
      },
    },
  );
  let said = "";
  let complained = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (complained += chunk.toString()));
  const code = await new Promise((resolve) => child.once("exit", resolve));
  if (code !== 0) throw new Error(`the function ended with ${String(code)}: ${said}${complained}`);
  return resultSchema.parse(JSON.parse(said.trim().split("\n").at(-1) ?? ""));
}

async function readWithinMemory(tables: readonly ElasticsearchTable[]): Promise<Lane> {
  const stores = await makeStores(moto.address);
  const connection = {
    ...{ endpoint: moto.address, region },
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  };
  const glue = new GlueClient(connection);
  const database = definitionsDatabase(deployment, 0);
  await glue
    .send(new CreateDatabaseCommand({ DatabaseInput: { Name: database } }))
    .catch(() => undefined);
  await new SecretsManagerClient(connection)
    .send(
      new CreateSecretCommand({
        Name: `${deployment}/source/shop`,
        SecretString: JSON.stringify({ nodes: [elasticsearch.address] }),
      }),
    )
    .catch(() => undefined);
  const context = { deployment };
  const definitions: TableDefinition[] = [];
  for (const entry of tables) {
    const input = encodeEntry(entry, context);
    await glue.send(new CreateTableCommand({ DatabaseName: database, TableInput: input }));
    const definition = resolveEntry(entry, context);
    if (definition.kind === "table") definitions.push(definition);
  }
  const lane = await Lane.plan(
    stores,
    definitions.map((one) => ({
      ...{ table: one, kind: "rows" as const },
      splits: [{ by: "cursor" as const, from: null, to: "1000000" }],
    })),
  );
  const { state, peakRssBytes } = await invoke(lane.state, {
    ...{ SLUICE_BUCKET: stores.bucket, SLUICE_LEDGER: stores.tableName },
    SLUICE_CATALOG_STACKS: "1",
  });
  console.log(
    `${tables.map(({ name }) => name).join(", ")}: ${String(state.rows)} rows, ` +
      `peak ${(peakRssBytes / megabyte).toFixed(0)} MiB resident`,
  );
  expect(state.done).toBe(true);
  expect(peakRssBytes).toBeLessThan((memoryMegabytes - runtimeMegabytes) * megabyte);
  return lane;
}

test("documents of 1 MB among small ones, and one of 10 MB", async () => {
  // Random, so that it is not smaller in our memory than in the cluster's response: gzip gains nothing but base64's third.
  const noise = randomBytes(8 * megabyte).toString("base64");
  const body = (n: number): string => {
    if (n < 100) return "small";
    if (n === 150) return noise.slice(0, 10 * megabyte);
    return noise.slice(n * 1000, n * 1000 + megabyte);
  };
  const index = await fill(220, (n) => `{"n":${n},"body":"${body(n)}","unasked":"x"}`);
  const lane = await readWithinMemory([table("heavy", index, [text("body")])]);
  let rows = 0;
  for (const { record, lines } of await lane.objects("heavy")) {
    rows += record.rows;
    for (const { id, doc } of lines) expect(doc.body === body(Number(id))).toBe(true);
    expect(lines.every(({ doc }) => !("unasked" in doc))).toBe(true);
  }
  expect(rows).toBe(220);
});

test("documents of 2,000 fields, of which the cluster sends the declared ones, or all where numbers must be exact", async () => {
  const fields = Array.from({ length: 2000 }, (_, n) => `field_${String(n).padStart(4, "0")}`);
  const document = (n: number): string =>
    `{"n":${n},${fields.map((name, at) => `"${name}":"${(n * 31 + at) * 7919}"`).join(",")}}`;
  const index = await fill(wideDocuments, document);
  const asked = fields.filter((_, at) => at % 40 === 0);
  const columns = asked.map(text);
  const exact: Column = {
    ...{ name: "exact", type: "json", description: "d", path: [fields[1] ?? ""] },
  };
  const lane = await readWithinMemory([
    table("wide", index, columns),
    table("wide_exact", index, [...columns, exact]),
  ]);
  for (const [name, count] of [
    ["wide", 51],
    ["wide_exact", 52],
  ] as const) {
    const rows = await lane.rows(name);
    expect(new Set(rows.map(({ id }) => id)).size).toBe(wideDocuments);
    for (const { doc, id } of rows) {
      expect(Object.keys(doc)).toHaveLength(count);
      expect(doc[asked[1] ?? ""]).toBe(String((Number(id) * 31 + 40) * 7919));
    }
  }
});
