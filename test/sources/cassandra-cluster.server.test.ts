// Tests reading from a real cluster of three nodes: who is asked, and what is read while a node is killed.
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import cassandra from "cassandra-driver";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { TableDefinition } from "../../catalog/definition.ts";
import { CassandraSource } from "../../sources/cassandra/cassandra.ts";
import { translateError } from "../../sources/cassandra/errors.ts";
import { Pages } from "../../sources/cassandra/pages.ts";
import { RangeReader } from "../../sources/cassandra/range-reader.ts";
import { SourceConfigurationError, SourceUnavailableError } from "../../contract/errors.ts";
import { CASSANDRA_DATA_CENTER, startCassandraCluster } from "../../local/servers/cassandra.ts";
import type { Server } from "../../local/servers/launch.ts";
import { CassandraTable } from "../functions/extraction/cassandra-table.ts";
import { uniqueName } from "../functions/extraction/elasticsearch-table.ts";
import { expectNothingLost, killServer } from "../functions/extraction/lost-server.ts";
import { column, tableDefinition } from "../functions/extract/fixtures.ts";
import { patientSockets } from "../functions/extract/servers.ts";

const startDeadlineMillis = 600_000;
const partitions = 300;
const rowsAPartition = 20;

let folder: string;
let nodes: Server[] = [];
let writer: cassandra.Client;
let client: CassandraSource;
let port: number;
const contactPoints = ["127.0.0.1", "127.0.0.2", "127.0.0.3"];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-cluster-test-"));
  await chmod(folder, 0o755);
  const report = (line: string): void => {
    console.log(line);
  };
  nodes = await startCassandraCluster(3, {
    ...{ dataFolder: join(folder, "data"), logFolder: join(folder, "logs"), port: 0, report },
  });
  port = nodes[0]?.port ?? 0;
  writer = new cassandra.Client({
    ...{ contactPoints, localDataCenter: CASSANDRA_DATA_CENTER, protocolOptions: { port } },
    queryOptions: { consistency: cassandra.types.consistencies.all },
    socketOptions: patientSockets,
    encoding: { useBigIntAsLong: true },
  });
  client = new CassandraSource("shop", {
    ...{ contactPoints, port, localDataCenter: CASSANDRA_DATA_CENTER },
  });
  for (const [keyspace, replicas] of [
    ["three", 3],
    ["single", 1],
  ] as const) {
    await writer.execute(
      `CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'NetworkTopologyStrategy', '${CASSANDRA_DATA_CENTER}': ${replicas}}`,
    );
    await writer.execute(
      `CREATE TABLE ${keyspace}.rows (pk int, ck int, v text, PRIMARY KEY (pk, ck))`,
    );
    for (let pk = 0; pk < partitions; pk += 1) {
      const inserts = Array.from(
        { length: rowsAPartition },
        (_, ck) => `INSERT INTO ${keyspace}.rows (pk, ck, v) VALUES (${pk}, ${ck}, 'v ${pk * ck}')`,
      );
      await writer.execute(`BEGIN UNLOGGED BATCH ${inserts.join("; ")} APPLY BATCH`);
    }
  }
}, startDeadlineMillis);

afterAll(async () => {
  await client.close();
  await writer.shutdown();
  await Promise.all(nodes.map((node) => node.stop()));
  await rm(folder, { recursive: true, force: true });
}, startDeadlineMillis);

function definitionOf(keyspace: string): TableDefinition {
  return tableDefinition({
    ...{ name: "rows", system: "cassandra", cursor: null, key: ["pk", "ck"] },
    columns: [column("pk", "int"), column("ck", "int"), column("v")],
    from: { keyspace, table: "rows", splits: 12 },
  });
}

type Token = ReturnType<cassandra.metadata.Metadata["newToken"]>;

function isToken(value: unknown): value is Token {
  return typeof value === "object" && value !== null && "compare" in value && "getValue" in value;
}

test("a page is asked of a replica of the rows where it begins", async () => {
  await writer.connect();
  const routed: boolean[] = [];
  const execute = async (
    text: string,
    parameters: unknown[],
    options: cassandra.QueryOptions,
  ): Promise<cassandra.types.ResultSet> => {
    const result = await writer.execute(text, parameters, options);
    const key: unknown = options.routingKey;
    if (!isToken(key)) throw new Error("no token to route by");
    const replicas = writer.metadata.getReplicas("single", key).map(({ address }) => address);
    expect(replicas).toHaveLength(1);
    routed.push(replicas.includes(result.info.queriedHost));
    return result;
  };
  const watched = new Proxy(writer, {
    get: (target, name): unknown => (name === "execute" ? execute : Reflect.get(target, name)),
  });
  const columns = ["pk", "ck"];
  const pages = new Pages(watched, {
    explain: (where, error) => Promise.resolve(translateError(where, error)),
    ...{ where: "three nodes", op: "upsert", passNumber: 1, pageRows: 100, size: { value: null } },
    ...{ columns, countedColumn: null },
  });
  const target = {
    ...{ keyspace: "single", table: "rows", columns, partitionKey: ["pk"], schema: "" },
  };
  let rows = 0;
  for (const bounds of await client.planRows(definitionOf("single"), null)) {
    if (bounds.by !== "token") throw new Error("not a token range");
    const plan = {
      ...{ target, after: BigInt(bounds.after), upTo: BigInt(bounds.upTo) },
      cursor: null,
    };
    const reader = new RangeReader(pages, plan, null, () => undefined);
    for (let done = false; !done;) {
      const batch = await reader.next(100);
      rows += batch.rows;
      ({ done } = batch);
    }
  }
  expect(rows).toBe(partitions * rowsAPartition);
  expect(routed.length).toBeGreaterThan(60);
  expect(routed).not.toContain(false);
});

test("ranges end where nodes' ranges do, so far as one is near", async () => {
  const tokens = new Set(writer.hosts.values().flatMap((host) => host.tokens));
  const splits = await client.planRows(definitionOf("three"), null);
  const ends = splits.map((bounds) => (bounds.by === "token" ? bounds.upTo : ""));
  expect(ends.filter((end) => tokens.has(end)).length).toBeGreaterThan(3);
});

test("a data center that the cluster does not have is rejected with those that it has", async () => {
  const elsewhere = new CassandraSource(
    "shop",
    { contactPoints, port, localDataCenter: CASSANDRA_DATA_CENTER },
    "analytics",
  );
  const attempt = elsewhere.planRows(definitionOf("three"), null);
  await expect(attempt).rejects.toThrow(SourceConfigurationError);
  await expect(attempt).rejects.toThrow(
    /has no such data center: .*'analytics'.*datacenter1.*budget.dataCenter/,
  );
  await elsewhere.close();
});

test("each node knows the two others", async () => {
  const peers = await writer.execute("SELECT peer FROM system.peers");
  expect(peers.rows).toHaveLength(2);
});

test("a node killed in the middle of an extraction at LOCAL_QUORUM costs no row", async () => {
  const last = nodes.at(-1);
  if (last === undefined) throw new Error("The cluster has no node.");
  const addresses = nodes.map(({ address }) => address);
  const table = await CassandraTable.make(addresses, uniqueName("visits"), nodes.length);
  onTestFinished(() => table.disconnect());
  await table.reset();
  await expectNothingLost(table, { beforeBatch: 4, lose: () => killServer(last) });
});

test("with one of two replicas needed gone for good, the error says that too few replicas are up", async () => {
  await writer.execute(
    `CREATE KEYSPACE strict WITH replication = {'class': 'NetworkTopologyStrategy', '${CASSANDRA_DATA_CENTER}': 2}`,
    [],
    { consistency: cassandra.types.consistencies.one },
  );
  await writer.execute("CREATE TABLE strict.rows (pk int, ck int, v text, PRIMARY KEY (pk, ck))");
  const definition = definitionOf("strict");
  const read = async (): Promise<string> => {
    for (const bounds of await client.planRows(definition, null)) {
      const reader = await client.open({
        ...{ table: definition, kind: "rows", passNumber: 1, bounds, position: null },
        held: { opened: () => Promise.resolve(), closed: () => Promise.resolve() },
        warn: () => undefined,
      });
      try {
        await reader.next(10);
      } catch (error) {
        if (error instanceof SourceUnavailableError) return error.message;
        throw error;
      }
    }
    return "no error";
  };
  await expect
    .poll(read, { timeout: 60_000, interval: 500 })
    .toMatch(/0x1000 \(too few replicas are up for LOCAL_QUORUM\)|Not enough replicas available/);
});
