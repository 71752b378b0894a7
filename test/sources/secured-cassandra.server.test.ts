// Tests reading a Cassandra that speaks TLS and asks for passwords, and what is said when it rejects a request.
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import cassandra from "cassandra-driver";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SourceAuthenticationError, SourceConfigurationError } from "../../contract/errors.ts";
import {
  cassandraAdmin,
  CASSANDRA_DATA_CENTER,
  startCassandra,
} from "../../local/servers/cassandra.ts";
import type { Server } from "../../local/servers/launch.ts";
import { startMoto, type Moto } from "../functions/moto.ts";
import { column, tableDefinition } from "../functions/extract/fixtures.ts";
import { makeStores } from "../functions/extract/lane.ts";
import {
  type Ground,
  invokeWith,
  makeGround,
  planLane,
  readTable,
  readWith,
  rejection,
  startProxy,
  StoredSecret,
} from "./secured.ts";
import { patientSockets } from "../functions/extract/servers.ts";

const ids = Array.from({ length: 30 }, (_, index) => `id-${String(index).padStart(2, "0")}`);
const lookMillis = 2000;
const certificateName = "cassandra.test";

let ground: Ground;
let server: Server;
let moto: Moto;
let admin: cassandra.Client;

beforeAll(async () => {
  ground = await makeGround();
  moto = await startMoto();
  const keystore = await ground.authority.issue("cassandra", [
    "ip:127.0.0.1",
    `dns:${certificateName}`,
  ]);
  server = await startCassandra({
    dataFolder: join(ground.folder, "cassandra"),
    logFolder: join(ground.folder, "logs"),
    ...{ port: 0, report: console.log, heapMegabytes: 384 },
    security: { keystore, ca: ground.authority.pem },
  });
  admin = new cassandra.Client({
    contactPoints: [server.address],
    localDataCenter: CASSANDRA_DATA_CENTER,
    socketOptions: patientSockets,
    sslOptions: { ca: [ground.authority.pem], rejectUnauthorized: true },
    authProvider: new cassandra.auth.PlainTextAuthProvider(
      cassandraAdmin.username,
      cassandraAdmin.password,
    ),
  });
  for (const statement of [
    "CREATE KEYSPACE shop WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
    "CREATE TABLE shop.things (id text PRIMARY KEY)",
    "CREATE ROLE reader WITH LOGIN = true AND PASSWORD = 'reader-password'",
    "CREATE ROLE outsider WITH LOGIN = true AND PASSWORD = 'outsider-password'",
    "CREATE ROLE rotating WITH LOGIN = true AND PASSWORD = 'rotating-password'",
    "GRANT SELECT ON shop.things TO reader",
    "GRANT SELECT ON shop.things TO rotating",
    ...ids.map((id) => `INSERT INTO shop.things (id) VALUES ('${id}')`),
  ])
    await admin.execute(statement);
});

afterAll(async () => {
  await admin.shutdown();
  await server.stop();
  await moto.stop();
  ground.remove();
});

const things = (budget: { pageRows?: number; dutyCycle?: number } = {}) =>
  tableDefinition({
    ...{ name: "things", system: "cassandra", cursor: null, budget },
    columns: [column("id")],
    from: { keyspace: "shop", table: "things", splits: 2 },
  });

const address = (port = server.port) => ({
  ...{ contactPoints: ["127.0.0.1"], port, localDataCenter: CASSANDRA_DATA_CENTER },
  ca: ground.authority.pem,
});
const rotating = { username: "rotating", password: "rotating-password" };
const reader = { username: "reader", password: "reader-password" };

const idsOf = (lines: readonly { doc: Record<string, unknown> }[]): unknown[] =>
  lines.map(({ doc }) => doc.id).sort();

/** Cassandra rejects a second change within five seconds. */
async function changePassword(role: string, password: string): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    try {
      await admin.execute(`ALTER ROLE ${role} WITH PASSWORD = '${password}'`);
      return;
    } catch (error) {
      if (Date.now() > deadline || !String(error).includes("can only be changed every"))
        throw error;
      await delay(200);
    }
  }
}

test("a user with the privilege reads everything over TLS, by address or by the certificate's name", async () => {
  expect(idsOf(await readTable(things(), { ...address(), ...reader }))).toEqual(ids);
  const named = { ...address(), ...reader, serverName: certificateName };
  expect(idsOf(await readTable(things(), named))).toEqual(ids);
});

test("what the server rejects is reported with what to do, and without the secret", async () => {
  const wrong =
    /rejects the credentials: .*Correct "username" and "password" in the source's secret/;
  const cases: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{ ...reader, password: "not-the-password" }, wrong],
    [{}, wrong],
    [
      { username: "outsider", password: "outsider-password" },
      /table shop.things, does not allow reading: User outsider .*Grant the role .* SELECT on the table/,
    ],
  ];
  for (const [credentials, message] of cases) {
    const error = await rejection(things(), { ...address(), ...credentials });
    expect(error).toBeInstanceOf(SourceAuthenticationError);
    expect(error.message).toMatch(/^Source "shop" \(127\.0\.0\.1, port \d+\)/);
    expect(error.message).toMatch(message);
  }
});

test("a certificate that is not trusted, or has another name, says what to put where", async () => {
  const cases: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{ ca: ground.stranger.pem }, /connected to securely .*Put the certificates \(PEM\).*"ca"/],
    [{ serverName: "other.test" }, /connected to securely .*Cassandra: "serverName"/],
  ];
  for (const [changes, message] of cases) {
    const error = await rejection(things(), { ...address(), ...reader, ...changes });
    expect(error).toBeInstanceOf(SourceAuthenticationError);
    expect(error.message).toMatch(message);
  }
  const plain = await rejection(things(), { ...address(), ...reader, ca: undefined });
  expect(plain.message).toMatch(/could not be reached .*"ca" is there if the cluster requires TLS/);
  const half = await rejection(things(), { ...address(), password: "reader-password" });
  expect(half).toBeInstanceOf(SourceConfigurationError);
  expect(half.message).toContain('needs both of "username" and "password", or neither');
});

test("a wrong password is reported for each table of the source, not only for the first", async () => {
  const secret = new StoredSecret(moto.address);
  await secret.create({ ...address(), ...reader, password: "not-the-password" });
  const source = { ...things().source, secret: secret.name };
  const { connections } = secret.connections();
  for (let table = 0; table < 3; table += 1) {
    await expect(
      connections.get(source).then((client) => readWith(client, things())),
    ).rejects.toThrow(SourceAuthenticationError);
  }
  await connections.close();
});

test("a password that is changed while connections break is followed, also when the secret comes later", async () => {
  const proxy = await startProxy("127.0.0.1", server.port);
  const secret = new StoredSecret(moto.address);
  await secret.create({ ...address(proxy.port), ...rotating });
  const definition = { ...things({ pageRows: 7, dutyCycle: 0.5 }), name: "rotated" };
  const table = { ...definition, source: { ...definition.source, secret: secret.name } };
  const { connections, made } = secret.connections();
  const stores = await makeStores(moto.address);
  const lane = await planLane(stores, table, await connections.get(table.source));
  const looks: number[] = [];
  let pauses = 0;
  const rotate = async (password: string): Promise<void> => {
    await changePassword("rotating", password);
    // Connections that are there stay logged in.
    proxy.cut();
  };
  const state = await lane.invoke(
    await connections.get(table.source),
    invokeWith(connections, async (millis) => {
      if (millis === lookMillis) {
        looks.push(millis);
        if (looks.length === 2)
          await secret.put({ ...address(proxy.port), ...rotating, password: "changed-1" });
        return;
      }
      pauses += 1;
      // The driver, too, takes its time to find out that connections are lost.
      await delay(millis);
      if (pauses === 2) await rotate("changed-1");
    }),
  );
  expect(state.done).toBe(true);
  expect(looks).toHaveLength(2);
  expect(made()).toBe(2);
  expect(idsOf(await lane.rows("rotated"))).toEqual(ids);
  expect(await lane.stored("runs/run-1/problems/")).toEqual([]);

  // A warm process, whose next invocation finds yet another password.
  await rotate("changed-2");
  await secret.put({ ...address(proxy.port), ...rotating, password: "changed-2" });
  const next = { ...table, name: "next" };
  const planning = await secret.connections().connections.get(next.source);
  const nextLane = await planLane(stores, next, planning);
  await planning.close();
  await nextLane.invoke(await connections.get(next.source), invokeWith(connections));
  expect(made()).toBe(3);
  expect(idsOf(await nextLane.rows("next"))).toEqual(ids);
  await connections.close();
  proxy.stop();
});

test("one client and its connections serve all invocations of a process", async () => {
  const secret = new StoredSecret(moto.address);
  await secret.create({ ...address(), ...reader });
  const source = { ...things().source, secret: secret.name };
  const { connections, made } = secret.connections();
  const ports = async (): Promise<number[]> => {
    const rows = await admin.execute(
      "SELECT port FROM system_views.clients WHERE username = 'reader' ALLOW FILTERING",
    );
    return rows.rows.map((row) => Number(row.get("port"))).sort();
  };
  await readWith(await connections.get(source), things());
  const before = await ports();
  expect(before.length).toBeGreaterThan(0);
  for (let invocation = 0; invocation < 5; invocation += 1)
    expect(idsOf(await readWith(await connections.get(source), things()))).toEqual(ids);
  expect(made()).toBe(1);
  expect(await ports()).toEqual(before);
  await connections.close();
});
