// Tests what a reader asks of a real Elasticsearch: who responds, how much at a time, and never a part for the whole.
import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import type { TableDefinition } from "../../catalog/definition.ts";
import { ElasticsearchSource } from "../../sources/elasticsearch/elasticsearch.ts";
import { MOST_RESPONSE_BYTES } from "../../sources/elasticsearch/page-size.ts";
import { SourceConfigurationError, SourceUnavailableError } from "../../contract/errors.ts";
import type { Bounds } from "../../contract/records.ts";
import { column, Held, readSplit, tableDefinition } from "../functions/extract/fixtures.ts";
import { runElasticsearch, type RunningServer } from "../functions/extract/servers.ts";
import { Cluster, type Document } from "./elasticsearch/cluster.ts";
import { RecordingProxy } from "./elasticsearch/recording-proxy.ts";

let server: RunningServer;
let cluster: Cluster;
let proxy: RecordingProxy;
let client: ElasticsearchSource;

beforeAll(async () => {
  server = await runElasticsearch();
  cluster = new Cluster(server.address);
});

beforeEach(async () => {
  proxy = new RecordingProxy(server.address);
  client = new ElasticsearchSource("shop", { nodes: [await proxy.start()] });
});

afterEach(async () => {
  await client.close();
  proxy.stop();
});

afterAll(async () => {
  await server.stop();
});

const everything: Bounds = { by: "cursor", from: null, to: String(2n ** 62n) };
const start = 1_700_000_000_000;

function table(
  index: string,
  budget: Partial<TableDefinition["source"]["budget"]> = {},
): TableDefinition {
  return tableDefinition({
    ...{ name: "things", system: "elasticsearch", from: { index }, budget },
    columns: [column("id", "string", ["_id"]), column("at", "timestamp"), column("text")],
    cursor: { column: "at", field: "at", lagSeconds: 2, overlapSeconds: 0, lateRows: null },
  });
}

function documents(count: number, text: (n: number) => string): Document[] {
  return Array.from({ length: count }, (_, n) => ({
    id: `d${String(n).padStart(5, "0")}`,
    json: `{"at":${start + n},"text":${JSON.stringify(text(n))},"unasked":"x"}`,
  }));
}

test("the budget says which copies respond and how many shards at once, on every kind of request", async () => {
  const index = await cluster.makeIndex({ at: { type: "date" } }, { number_of_shards: 3 });
  await cluster.index(
    index,
    documents(50, () => "t"),
  );
  const gentle = table(index, { own: { shardsAtOnce: 1, preference: "_local" } });
  const window = { from: null, to: String(start + 100) };
  await client.planRows(gentle, window);
  await client.countUnread(gentle);
  const numbers = { ...gentle, cursor: { ...gentle.cursor, field: "at" } as typeof gentle.cursor };
  await readSplit(client, { table: numbers, bounds: everything, pageRows: 20 });
  const opened = proxy.to("/_pit").filter(({ method }) => method === "POST");
  expect(opened).toHaveLength(1);
  expect(opened[0]?.query.get("preference")).toBe("_local");
  expect(opened[0]?.query.get("max_concurrent_shard_requests")).toBe("1");
  const pages = proxy.requests.filter(({ path }) => path === "/_search");
  expect(pages.length).toBeGreaterThan(2);
  for (const { query } of pages) {
    expect(query.get("max_concurrent_shard_requests")).toBe("1");
    expect(query.get("allow_partial_search_results")).toBe("false");
    // A point in time has chosen already, and rejects another preference.
    expect(query.has("preference")).toBe(false);
  }
  const counts = proxy.to("/_count");
  expect(counts).toHaveLength(2);
  for (const { query } of counts) expect(query.get("preference")).toBe("_local");
});

test("the edges of a window are looked for on the same copies", async () => {
  const index = await cluster.makeIndex({ at: { type: "long" } });
  await cluster.index(
    index,
    documents(5, () => "t"),
  );
  const gentle = table(index, { own: { shardsAtOnce: 2, preference: "_local" } });
  expect(await client.planWindow(gentle, null, 0)).toEqual({
    ...{ from: null, to: String(start + 5), unit: "ms" },
  });
  const [edge] = proxy.to(`/${index}/_search`);
  expect(Object.fromEntries(edge?.query ?? [])).toMatchObject({
    ...{ preference: "_local", max_concurrent_shard_requests: "2" },
    allow_partial_search_results: "false",
  });
});

test("a preference that no node fulfils is a mistake that is named, not an empty response", async () => {
  const index = await cluster.makeIndex({ at: { type: "date" } });
  const nowhere = table(index, {
    own: { shardsAtOnce: 1, preference: "_only_nodes:rack:reports" },
  });
  await expect(client.countUnread(nowhere)).rejects.toThrow(SourceConfigurationError);
  const read = readSplit(client, { table: nowhere, bounds: everything });
  await expect(read).rejects.toThrow(/no data nodes with criteria \[rack:reports\]/);
});

test("documents of very different sizes: each once, responses bounded, large ones not asked for again and again", async () => {
  const index = await cluster.makeIndex({ at: { type: "date" } });
  // As hex, so that the text's size is what comes.
  const large = randomBytes(250_000).toString("hex");
  const isLarge = (n: number): boolean => n >= 500 && n < 560;
  const all = documents(900, (n) => (isLarge(n) ? large : "small"));
  for (let at = 0; at < all.length; at += 30) await cluster.index(index, all.slice(at, at + 30));
  const { lines, batches } = await readSplit(client, { table: table(index), bounds: everything });
  expect(lines.map(({ id }) => id)).toEqual(all.map(({ id }) => id));
  expect(lines[530]?.doc.text).toBe(large);
  const sizes = proxy.to("/_search").map(({ responseBytes }) => responseBytes);
  const tooLarge = sizes.filter((bytes) => bytes > MOST_RESPONSE_BYTES);
  expect(tooLarge.length).toBeGreaterThanOrEqual(1);
  expect(tooLarge.length).toBeLessThanOrEqual(3);
  expect(Math.max(...batches.map(({ lines: bytes }) => bytes.length))).toBeLessThan(
    MOST_RESPONSE_BYTES,
  );
  expect(proxy.to("/_pit").filter(({ method }) => method === "POST")).toHaveLength(1);
});

test("what an earlier reader learnt of a table's documents is not learnt again", async () => {
  const index = await cluster.makeIndex({ at: { type: "date" } });
  await cluster.index(
    index,
    documents(3000, () => "t"),
  );
  const once = { table: table(index), bounds: everything };
  const first = await readSplit(client, once);
  const second = await readSplit(client, once);
  expect(first.batches.map(({ rows }) => rows)).toEqual([32, 256, 1000, 1000, 712, 0]);
  expect(second.batches.map(({ rows }) => rows)).toEqual([1000, 1000, 1000, 0, 0]);
});

test("a position means the same whatever the page size was", async () => {
  const index = await cluster.makeIndex({ at: { type: "date" } });
  await cluster.index(
    index,
    documents(300, () => "t"),
  );
  const ids: (string | null)[] = [];
  let position: string | null = null;
  for (const pageRows of [7, 1, 64, 3, 1000]) {
    const sized: TableDefinition = table(index, { pageRows });
    const part: Awaited<ReturnType<typeof readSplit>> = await readSplit(client, {
      ...{ table: sized, bounds: everything, position },
      afterBatch: () => Promise.resolve(pageRows !== 1000),
    });
    ({ position } = part);
    ids.push(...part.lines.map(({ id }) => id));
  }
  expect([...new Set(ids)]).toHaveLength(300);
});

test("a connection that breaks in the middle of a response loses nothing and repeats nothing", async () => {
  const index = await cluster.makeIndex({ at: { type: "date" } });
  await cluster.index(
    index,
    documents(400, (n) => "t".repeat(n)),
  );
  let searches = 0;
  proxy.interfere = ({ path }) => {
    if (path !== "/_search") return undefined;
    searches += 1;
    return searches % 3 === 0 ? { cutAfterBytes: 100 } : undefined;
  };
  const held = new Held();
  const reader = await client.open({
    ...{ table: table(index), kind: "rows", passNumber: 1, bounds: everything, position: null },
    ...{ held, warn: () => undefined },
  });
  const ids: string[] = [];
  let failures = 0;
  for (let done = false; !done;) {
    try {
      const batch = await reader.next(50);
      const text = Buffer.from(batch.lines).toString();
      ids.push(...[...text.matchAll(/"id":"(d\d+)"/g)].map(([, id]) => id ?? ""));
      ({ done } = batch);
    } catch (error) {
      expect(error).toBeInstanceOf(SourceUnavailableError);
      failures += 1;
    }
  }
  await reader.close();
  expect(failures).toBeGreaterThan(2);
  expect(ids).toEqual(documents(400, () => "").map(({ id }) => id));
  expect(held.open.size).toBe(0);
});

// As a real cluster sends them.
const rejected =
  '{"error":{"root_cause":[{"type":"es_rejected_execution_exception","reason":"rejected execution of TimedRunnable"}],' +
  '"type":"search_phase_execution_exception","reason":"all shards failed","phase":"query","grouped":true,' +
  '"failed_shards":[{"shard":0,"index":"i","node":"n","reason":{"type":"es_rejected_execution_exception","reason":"r"}}]},"status":429}';
const recovering =
  '{"error":{"root_cause":[{"type":"no_shard_available_action_exception","reason":"[node][127.0.0.1:9300]"}],' +
  '"type":"search_phase_execution_exception","reason":"all shards failed","phase":"query","grouped":true,"failed_shards":[]},"status":503}';

test.each([
  ["429", 429, rejected, /429 es_rejected_execution_exception/],
  ["503 while shards recover", 503, recovering, /503 no_shard_available_action_exception/],
])("%s in the middle: the same request made again goes on where it was", async (...given) => {
  const [, status, body, message] = given;
  const index = await cluster.makeIndex({ at: { type: "date" } });
  const all = documents(200, () => "t");
  await cluster.index(index, all);
  const reader = await client.open({
    ...{ table: table(index), kind: "rows", passNumber: 1, bounds: everything, position: null },
    ...{ held: new Held(), warn: () => undefined },
  });
  const first = await reader.next(50);
  proxy.interfere = ({ path }) => (path === "/_search" ? { status, body } : undefined);
  await expect(reader.next(50)).rejects.toThrow(SourceUnavailableError);
  await expect(reader.next(50)).rejects.toThrow(message);
  proxy.interfere = () => undefined;
  let rows = first.rows;
  for (let done = false; !done;) {
    const batch = await reader.next(50);
    rows += batch.rows;
    ({ done } = batch);
  }
  expect(rows).toBe(200);
  await reader.close();
});

test("an index that vanishes while it is read is a mistake that is named, and the point in time is given back", async () => {
  const index = await cluster.makeIndex({ at: { type: "date" } });
  await cluster.index(
    index,
    documents(100, () => "t"),
  );
  const held = new Held();
  const attempt = readSplit(client, {
    ...{ table: table(index), bounds: everything, held, pageRows: 10 },
    afterBatch: async (_, count) => {
      if (count === 2) await cluster.send("DELETE", `/${index}`);
      return false;
    },
  });
  // The point in time goes with its index; a new one cannot be opened.
  await expect(attempt).rejects.toThrow(SourceConfigurationError);
  await expect(attempt).rejects.toThrow(/404 index_not_found_exception.*Correct "from.index"/s);
  expect(held.open.size).toBe(0);
});

test("to give back what is gone already is a success, so that no plan tries it again", async () => {
  const index = await cluster.makeIndex({ at: { type: "date" } });
  const response = await cluster.send("POST", `/${index}/_pit?keep_alive=1m`);
  const { id } = z.object({ id: z.string() }).parse(JSON.parse(response));
  await client.release(id);
  await client.release(id);
  expect(proxy.to("/_pit")).toHaveLength(2);
});

test("one index of a pattern vanishes: its rows are gone, the others' are all read", async () => {
  const names = [1, 2].map((n) => `${crypto.randomUUID()}-${n}`);
  const pattern = `v-${names[0]?.slice(0, 8) ?? ""}`;
  for (const [n, name] of names.entries()) {
    const index = `${pattern}-${name}`;
    await cluster.send("PUT", `/${index}`, {
      ...{ settings: { number_of_replicas: 0 } },
      mappings: { dynamic: false, properties: { at: { type: "date" } } },
    });
    await cluster.index(
      index,
      documents(100, () => "t").map((one) => ({ ...one, id: `${n}${one.id}` })),
    );
  }
  const { lines } = await readSplit(client, {
    ...{ table: table(`${pattern}-*`), bounds: everything, pageRows: 10 },
    afterBatch: async (_, count) => {
      if (count === 2) await cluster.send("DELETE", `/${pattern}-${names[0] ?? ""}`);
      return false;
    },
  });
  const kept = new Set(lines.map(({ id }) => id).filter((id) => id?.startsWith("1")));
  expect(kept.size).toBe(100);
});

const capabilities = (type: string): string =>
  JSON.stringify({
    indices: ["i"],
    fields: { at: { [type]: { type, searchable: true, aggregatable: true } } },
  });

test("an index that no node holds makes no shorter response: not of a count, an edge or a page", async () => {
  const prefix = `w-${crypto.randomUUID()}`;
  const mappings = { dynamic: false, properties: { at: { type: "date" } } };
  await cluster.send("PUT", `/${prefix}-there`, { settings: { number_of_replicas: 0 }, mappings });
  await cluster.index(
    `${prefix}-there`,
    documents(20, () => "t"),
  );
  try {
    // A shard that may be on no node, as after the loss of one.
    await cluster.send("PUT", `/${prefix}-away?wait_for_active_shards=0`, {
      settings: {
        ...{ number_of_replicas: 0, "index.routing.allocation.require._name": "nobody" },
      },
      mappings,
    });
    const both = table(`${prefix}-*`);
    const window = { from: null, to: String(start + 100) };
    await expect(client.planRows(both, window)).rejects.toThrow(SourceUnavailableError);
    // The description of the fields notices it first; where an older cluster's does not, the count does.
    let type = "date";
    proxy.interfere = ({ path }) =>
      path.endsWith("/_field_caps") ? { status: 200, body: capabilities(type) } : undefined;
    await expect(client.planRows(both, window)).rejects.toThrow(/_count.*1 shards failed/);
    await expect(client.countUnread(both)).rejects.toThrow(SourceUnavailableError);
    type = "long";
    await expect(client.planWindow(both, null, 0)).rejects.toThrow(/_search, returned 503/);
    const read = readSplit(client, { table: both, bounds: everything });
    await expect(read).rejects.toThrow(SourceUnavailableError);
  } finally {
    await cluster.send("DELETE", `/${prefix}-away`);
  }
  const read = await readSplit(client, { table: table(`${prefix}-*`), bounds: everything });
  expect(read.lines).toHaveLength(20);
});

test("documents without the cursor are counted, and the way out is reported", async () => {
  const index = await cluster.makeIndex({ at: { type: "date" } });
  await cluster.index(index, [
    { id: "none", json: "{}" },
    { id: "null", json: '{"at":null}' },
    { id: "empty", json: '{"at":[]}' },
    { id: "one", json: '{"at":1}' },
    { id: "two", json: '{"at":[null,2]}' },
  ]);
  expect(await client.countUnread(table(index))).toMatchObject({
    rows: 3,
    reason: expect.stringMatching(
      /^3 documents of "t-.*" have no "at" and are never read. Set it in them, or remove "cursor"/,
    ) as string,
  });
  expect(await client.countUnread({ ...table(index), cursor: null })).toBeNull();
  await cluster.delete(index, "none");
  await cluster.delete(index, "null");
  await cluster.delete(index, "empty");
  expect(await client.countUnread(table(index))).toBeNull();
});
