// Tests reading an Elasticsearch that speaks TLS and asks for passwords or API keys, and what is said when it rejects a request.
import { join } from "node:path";
import { Client } from "@elastic/elasticsearch";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SourceAuthenticationError, SourceConfigurationError } from "../../contract/errors.ts";
import { startElasticsearch } from "../../local/servers/elasticsearch.ts";
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
  StoredSecret,
} from "./secured.ts";

const ids = Array.from({ length: 30 }, (_, index) => `id-${String(index).padStart(2, "0")}`);
const lookMillis = 2000;

let ground: Ground;
let server: Server;
let moto: Moto;
let admin: Client;

beforeAll(async () => {
  ground = await makeGround();
  moto = await startMoto();
  const keystore = await ground.authority.issue("elasticsearch", ["ip:127.0.0.1"]);
  const user = { username: "admin", password: "admin-password" };
  server = await startElasticsearch({
    dataFolder: join(ground.folder, "elasticsearch"),
    logFolder: join(ground.folder, "logs"),
    ...{ port: 0, report: console.log, heapMegabytes: 384 },
    security: { keystore, ca: ground.authority.pem, admin: user },
  });
  admin = new Client({ node: server.address, auth: user, tls: { ca: ground.authority.pem } });
  await admin.indices.create({
    index: "things",
    mappings: { properties: { id: { type: "keyword" }, changed: { type: "date" } } },
  });
  const changed = Date.now() - 3_600_000;
  await admin.bulk({
    refresh: true,
    operations: ids.flatMap((id, index) => [
      { index: { _index: "things", _id: id } },
      { id, changed: changed + index },
    ]),
  });
  await admin.security.putRole({
    name: "reader",
    indices: [{ names: ["things"], privileges: ["read", "view_index_metadata"] }],
  });
  for (const [username, roles] of [
    ["reader", ["reader"]],
    ["rotating", ["reader"]],
    ["outsider", []],
  ] as const)
    await admin.security.putUser({ username, password: `${username}-password`, roles: [...roles] });
});

afterAll(async () => {
  await admin.close();
  await server.stop();
  await moto.stop();
  ground.remove();
});

const things = (budget: { pageRows?: number; dutyCycle?: number } = {}) =>
  tableDefinition({
    ...{ name: "things", system: "elasticsearch", budget },
    columns: [column("id"), column("changed", "timestamp")],
    from: { index: "things" },
    cursor: {
      ...{ column: "changed", field: "changed", lagSeconds: 60, overlapSeconds: 0 },
      lateRows: null,
    },
  });

const address = () => ({ nodes: [server.address], ca: ground.authority.pem });
const rotating = { username: "rotating", password: "rotating-password" };
const reader = { username: "reader", password: "reader-password" };

// A row at the edge of what an ended point in time gave comes twice, which the build sorts out.
const idsOf = (lines: readonly { doc: Record<string, unknown> }[]): unknown[] =>
  [...new Set(lines.map(({ doc }) => doc.id))].sort();

test("a user and an API key with the privileges read everything over TLS", async () => {
  expect(idsOf(await readTable(things(), { ...address(), ...reader }))).toEqual(ids);
  const key = await admin.security.createApiKey({
    name: "sluice",
    role_descriptors: {
      reader: { index: [{ names: ["things"], privileges: ["read", "view_index_metadata"] }] },
    },
  });
  expect(idsOf(await readTable(things(), { ...address(), apiKey: key.encoded }))).toEqual(ids);
});

test("what the server rejects is reported with what to do, and without the secret", async () => {
  const revoked = await admin.security.createApiKey({ name: "revoked" });
  await admin.security.invalidateApiKey({ ids: [revoked.id] });
  const expired = await admin.security.createApiKey({ name: "expired", expiration: "1ms" });
  const lacking = await admin.security.createApiKey({
    name: "lacking",
    role_descriptors: { none: { index: [{ names: ["others"], privileges: ["read"] }] } },
  });
  const wrong =
    /returned 401 .*Correct "username" and "password", or "apiKey".*expired or been revoked/;
  const short = /returned 403 .*Give the user or API key .*"read" and "view_index_metadata"/;
  const cases: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{ ...reader, password: "not-the-password" }, wrong],
    [{}, wrong],
    [{ apiKey: revoked.encoded }, wrong],
    [{ apiKey: expired.encoded }, wrong],
    [{ username: "outsider", password: "outsider-password" }, short],
    [{ apiKey: lacking.encoded }, short],
  ];
  for (const [credentials, message] of cases) {
    const error = await rejection(things(), { ...address(), ...credentials });
    expect(error).toBeInstanceOf(SourceAuthenticationError);
    expect(error.message).toMatch(/^Source "shop" \(https:/);
    expect(error.message).toMatch(message);
  }
});

test("a certificate that is not trusted, and an address that is not meant, say what to put where", async () => {
  const other = `https://localhost:${server.port}`;
  const cases: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{ ca: ground.stranger.pem }, /connected to securely .*Put the certificates \(PEM\).*"ca"/],
    [{ ca: undefined }, /connected to securely .*Put the certificates \(PEM\).*"ca"/],
    [{ nodes: [other] }, /connected to securely .*Give the server a certificate for this address/],
  ];
  for (const [changes, message] of cases) {
    const error = await rejection(things(), { ...address(), ...reader, ...changes });
    expect(error).toBeInstanceOf(SourceAuthenticationError);
    expect(error.message).toMatch(message);
  }
  const plain = { nodes: [server.address.replace("https", "http")], ...reader };
  expect((await rejection(things(), plain)).message).toMatch(/gave no response .*http or https/);
  const garbage = await rejection(things(), { ...address(), ...reader, ca: "no certificate" });
  expect(garbage).toBeInstanceOf(SourceConfigurationError);
  expect(garbage.message).toContain("ca: must be certificates in PEM");
});

test("a password that is changed in the middle of an invocation is followed, also when the secret comes later", async () => {
  const secret = new StoredSecret(moto.address);
  await secret.create({ ...address(), ...rotating });
  const definition = { ...things({ pageRows: 7, dutyCycle: 0.5 }), name: "rotated" };
  const table = { ...definition, source: { ...definition.source, secret: secret.name } };
  const { connections, made } = secret.connections();
  const stores = await makeStores(moto.address);
  const lane = await planLane(stores, table, await connections.get(table.source));
  const looks: number[] = [];
  let pauses = 0;
  const state = await lane.invoke(
    await connections.get(table.source),
    invokeWith(connections, async (millis) => {
      if (millis === lookMillis) {
        looks.push(millis);
        // The second half of a rotation, after the reader has noticed the first.
        if (looks.length === 2)
          await secret.put({ ...address(), ...rotating, password: "changed-1" });
        return;
      }
      pauses += 1;
      if (pauses === 2)
        await admin.security.changePassword({ username: "rotating", password: "changed-1" });
    }),
  );
  expect(state.done).toBe(true);
  expect(looks).toHaveLength(2);
  expect(made()).toBe(2);
  expect(idsOf(await lane.rows("rotated"))).toEqual(ids);
  expect(await lane.stored("runs/run-1/problems/")).toEqual([]);

  // A warm process, whose next invocation finds yet another password.
  await admin.security.changePassword({ username: "rotating", password: "changed-2" });
  await secret.put({ ...address(), ...rotating, password: "changed-2" });
  const next = { ...table, name: "next" };
  const nextLane = await planLane(
    stores,
    next,
    await secret.connections().connections.get(next.source),
  );
  await nextLane.invoke(await connections.get(next.source), invokeWith(connections));
  expect(made()).toBe(3);
  expect(idsOf(await nextLane.rows("next"))).toEqual(ids);
  await connections.close();
});

test("one client serves all invocations of a process, and connects anew at most once a point in time", async () => {
  const secret = new StoredSecret(moto.address);
  await secret.create({ ...address(), ...reader });
  const source = { ...things().source, secret: secret.name };
  const { connections, made } = secret.connections();
  const opened = async (): Promise<number> => {
    const { nodes } = await admin.nodes.stats({ metric: "http" });
    return Object.values(nodes)[0]?.http?.total_opened ?? -1;
  };
  await readWith(await connections.get(source), things());
  const before = await opened();
  const invocations = 5;
  for (let invocation = 0; invocation < invocations; invocation += 1)
    expect(idsOf(await readWith(await connections.get(source), things()))).toEqual(ids);
  expect(made()).toBe(1);
  // Closing a point in time is a DELETE with a body, after which the HTTP client ends the connection.
  expect((await opened()) - before).toBeLessThanOrEqual(invocations);
  await connections.close();
});
