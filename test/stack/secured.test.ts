// The whole stack over a user's own secured servers: a wrong password stops its own source only, and is then corrected.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client as Elasticsearch } from "@elastic/elasticsearch";
import { auth, Client as Cassandra } from "cassandra-driver";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { catalog } from "../../examples/web-analytics/catalog/index.ts";
import { connect, type Connection } from "../../cli/connection.ts";
import { runRecordSchema, type RunRecord } from "../../contract/run.ts";
import { generate } from "../../examples/web-analytics/sample-data/generate.ts";
import type { SAMPLE_TABLES, History } from "../../examples/web-analytics/sample-data/history.ts";
import { rowHash } from "../../examples/web-analytics/sample-data/truth-row.ts";
import { keyText, liveHashes } from "../../examples/web-analytics/sample-data/truth.ts";
import {
  cassandraAdmin,
  CASSANDRA_DATA_CENTER,
  startCassandra,
} from "../../local/servers/cassandra.ts";
import { makeAuthority } from "../../local/servers/certificates.ts";
import { startElasticsearch } from "../../local/servers/elasticsearch.ts";
import type { Server } from "../../local/servers/launch.ts";
import { reachableFolder } from "../../local/servers/unprivileged.ts";
import { readRunning } from "../../local/state.ts";
import { sluice, type Finished } from "../pipeline/sluice.ts";
import { warehouseRows } from "../pipeline/warehouse-rows.ts";

const heapMegabytes = 384;
/** The source's tables that its reader may read, and of each source the one that is run. */
const searchTables = ["companies", "leads"];
const searchTable = "companies";
const eventTable = "visits";
const password = "the-right-password";
const wrongPassword = "not-the-password";

const folder = mkdtempSync(join(tmpdir(), "sluice-secured-"));
const searchFile = join(folder, "search.json");
const eventsFile = join(folder, "events.json");
const sources = ["--elasticsearch", `@${searchFile}`, "--cassandra", `@${eventsFile}`];
const servers: Server[] = [];
let dataFolder: string;
let connection: Connection;
let history: History;
let logFolder: string;
let said = "";

const resultSchema = z.object({ status: z.string(), record: runRecordSchema });

beforeAll(async () => {
  dataFolder = await reachableFolder(join(folder, "servers"));
  const authority = await makeAuthority(join(folder, "certificates"));
  const keystore = await authority.issue("server", ["ip:127.0.0.1"]);
  const ca = authority.pem;
  const admin = { username: "admin", password: "admin-password" };
  const common = { logFolder: join(folder, "server-logs"), port: 0, heapMegabytes };
  const report = (line: string): void => {
    console.log(line);
  };
  const [search, events] = await Promise.all([
    startElasticsearch({
      ...{ ...common, report, dataFolder: join(dataFolder, "elasticsearch") },
      security: { keystore, ca, admin },
    }),
    startCassandra({
      ...{ ...common, report, dataFolder: join(dataFolder, "cassandra") },
      security: { keystore, ca },
    }),
  ]);
  servers.push(search, events);
  const contactPoints = ["127.0.0.1"];
  const place = { contactPoints, port: events.port, localDataCenter: CASSANDRA_DATA_CENTER };
  history = await generate({
    ...{ seed: 11, companies: 40, leads: 90, visits: 80, pageViews: 70, nowMillis: Date.now() },
    edgeCases: true,
    elasticsearch: { address: search.address, access: { ...admin, ca } },
    cassandra: { ...place, access: { ...cassandraAdmin, ca } },
  });
  await addReaders(search, admin, ca, place);

  const reader = { username: "reader", password };
  mkdirSync(folder, { recursive: true });
  writeSearch({ nodes: [search.address], ca, username: "reader", password: wrongPassword });
  writeFileSync(eventsFile, JSON.stringify({ ...place, ca, ...reader }), { mode: 0o600 });
  const up = await ended(sluice(folder, "up", ...sources));
  expect(up.code, up.stderr).toBe(0);
  const stack = readRunning(folder);
  if (stack === undefined) throw new Error("up left nothing that runs");
  ({ logFolder } = stack);
  connection = await connect({ local: stack });
});

afterAll(async () => {
  const down = await sluice(folder, "down");
  await Promise.allSettled(servers.map((server) => server.stop()));
  for (const one of [folder, dataFolder]) rmSync(one, { recursive: true, force: true });
  expect(down.code, down.stderr).toBe(0);
});

function writeSearch(secret: Readonly<Record<string, unknown>>): void {
  writeFileSync(searchFile, JSON.stringify(secret), { mode: 0o600 });
}

/** Users that may read what the catalog names, and nothing else. */
async function addReaders(
  search: Server,
  admin: { username: string; password: string },
  ca: string,
  place: { contactPoints: string[]; port: number; localDataCenter: string },
): Promise<void> {
  const elasticsearch = new Elasticsearch({ node: search.address, auth: admin, tls: { ca } });
  const privileges = ["read", "view_index_metadata"] as const;
  await elasticsearch.security.putRole({
    ...{ name: "reader", indices: [{ names: searchTables, privileges: [...privileges] }] },
  });
  await elasticsearch.security.putUser({ username: "reader", password, roles: ["reader"] });
  await elasticsearch.close();
  const cassandra = new Cassandra({
    contactPoints: place.contactPoints,
    localDataCenter: place.localDataCenter,
    protocolOptions: { port: place.port },
    authProvider: new auth.PlainTextAuthProvider(cassandraAdmin.username, cassandraAdmin.password),
    sslOptions: { ca: [ca], rejectUnauthorized: true },
  });
  await cassandra.execute(`CREATE ROLE reader WITH LOGIN = true AND PASSWORD = '${password}'`);
  await cassandra.execute("GRANT SELECT ON KEYSPACE tracking TO reader");
  await cassandra.shutdown();
}

async function ended(running: Promise<Finished>): Promise<Finished> {
  const finished = await running;
  said += finished.stdout + finished.stderr;
  return finished;
}

async function run(...options: string[]): Promise<{ status: string; record: RunRecord }> {
  const finished = await ended(sluice(folder, "run", "--json", ...options));
  const last = finished.stdout.trim().split("\n").at(-1) ?? "";
  try {
    return resultSchema.parse(JSON.parse(last));
  } catch {
    throw new Error(`sluice run gave no result:\n${finished.stdout}\n${finished.stderr}`);
  }
}

async function expectEqualToTruth(names: readonly (typeof SAMPLE_TABLES)[number][]): Promise<void> {
  for (const name of names) {
    const table = catalog.tables.find((candidate) => candidate.name === name);
    if (table === undefined) throw new Error(`the example has no table ${name}`);
    const rows = await warehouseRows(connection, table);
    const actual = new Map(rows.map((row) => [keyText(name, row), rowHash(row)]));
    expect(rows.length, `${name}: no key stands twice`).toBe(actual.size);
    expect(actual, name).toEqual(new Map(liveHashes(history, name)));
  }
}

test("a wrong password stops the tables of its source, with what to do; the others are loaded", async () => {
  const { status, record } = await run(searchTable, eventTable);
  expect(status).toBe("FAILED");
  const rejected = record.failed.filter(({ error }) => error === "SourceAuthenticationError");
  expect(rejected.map(({ name }) => name).sort()).toEqual([searchTable]);
  for (const { message } of rejected) {
    expect(message).toMatch(/^Source "search" \(https:.*returned 401 /);
    expect(message).toContain(
      'Correct "username" and "password", or "apiKey", in the source\'s secret',
    );
  }
  expect(record.failed.filter(({ name }) => name === eventTable)).toEqual([]);
  await expectEqualToTruth([eventTable]);
});

test("after the password is corrected the next run brings everything, without a new deployment", async () => {
  const secret = z.looseObject({}).parse(JSON.parse(readFileSync(searchFile, "utf8")));
  writeSearch({ ...secret, password });
  const { status, record } = await run(...sources, searchTable, eventTable);
  expect(record.failed).toEqual([]);
  expect(status).toBe("SUCCEEDED");
  await expectEqualToTruth([searchTable, eventTable]);
});

test("no password is in the output or in a log", () => {
  const logs = readdirSync(logFolder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"));
  expect(logs.length).toBeGreaterThan(0);
  for (const text of [said, ...logs])
    for (const hidden of [password, wrongPassword]) expect(text.includes(hidden)).toBe(false);
});
