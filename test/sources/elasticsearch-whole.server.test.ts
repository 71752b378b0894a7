// Tests the reading of a whole Elasticsearch index for a table without a cursor: all of it, however it is interrupted.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TableDefinition } from "../../catalog/definition.ts";
import { ElasticsearchSource } from "../../sources/elasticsearch/elasticsearch.ts";
import { ProtocolError, SourceConfigurationError } from "../../contract/errors.ts";
import type { Bounds } from "../../contract/records.ts";
import {
  column,
  Held,
  type Line,
  readSplit,
  type ReadOptions,
  tableDefinition,
} from "../functions/extract/fixtures.ts";
import { runElasticsearch, type RunningServer } from "../functions/extract/servers.ts";
import { Cluster, type Document } from "./elasticsearch/cluster.ts";

let server: RunningServer;
let cluster: Cluster;
let client: ElasticsearchSource;

beforeAll(async () => {
  server = await runElasticsearch();
  cluster = new Cluster(server.address);
  client = new ElasticsearchSource("shop", { nodes: [server.address] });
});

afterAll(async () => {
  await client.close();
  await server.stop();
});

const whole: Bounds = { by: "whole" };
const mapping = { k: { type: "keyword" }, n: { type: "long" } };

type Key = "k" | "n" | "k, n" | "id";

/** A table without a cursor, with one of several keys. */
function table(index: string, key: Key = "k"): TableDefinition {
  return tableDefinition({
    ...{ name: `things by ${key}`, system: "elasticsearch", from: { index }, cursor: null },
    columns: [column("id", "string", ["_id"]), column("k"), column("n", "long")],
    key: key.split(", "),
  });
}

/** The order in which a whole index is read: by number, or by key once its indices have changed. */
type Order = "_seq_no" | "k" | "n" | "k, n";
const orders: Order[] = ["_seq_no", "k", "n", "k, n"];

/** A table, and the position at the beginning of its reading in an order. */
function readingBy(index: string, order: Order): { table: TableDefinition; position: string } {
  const start = { format: 1, order: order.split(", "), after: null, indices: null, pit: null };
  const key = order === "_seq_no" ? "id" : order;
  return { table: table(index, key), position: JSON.stringify(start) };
}

const documents = (count: number, from = 0): Document[] =>
  Array.from({ length: count }, (_, n) => n + from).map((n) => ({
    id: `d${String(n).padStart(4, "0")}`,
    json: `{"k":"k${(n * 7919) % 10_007}","n":${n},"unasked":1}`,
  }));

const distinctIds = (lines: readonly Line[]): string[] =>
  [...new Set(lines.map(({ id }) => id ?? ""))].sort();
const allIds = (all: readonly Document[]): string[] => all.map(({ id }) => id).sort();

/** Reads by many readers, each of which `batches` long, and calls `between` after each. */
async function readInParts(
  options: Omit<ReadOptions, "bounds" | "afterBatch">,
  batches: number,
  between: (part: number) => Promise<unknown> = () => Promise.resolve(),
): Promise<{ lines: Line[]; parts: number }> {
  const lines: Line[] = [];
  let position = options.position ?? null;
  for (let parts = 1; ; parts += 1) {
    expect(parts).toBeLessThan(200);
    const part: Awaited<ReturnType<typeof readSplit>> = await readSplit(client, {
      ...{ ...options, bounds: whole, position },
      afterBatch: (_, count) => Promise.resolve(count === batches),
    });
    lines.push(...part.lines);
    if (part.done) return { lines, parts };
    ({ position } = part);
    await between(parts);
  }
}

test("is planned as one split without a window, and an index that is not there is reported", async () => {
  const index = await cluster.makeIndex(mapping);
  expect(await client.planWindow(table(index), null, Date.now())).toBeNull();
  expect(await client.planRows(table(index), null)).toEqual([whole]);
  await expect(client.planRows(table("no-such-index"), null)).rejects.toThrow(
    SourceConfigurationError,
  );
  expect((await readSplit(client, { table: table(index), bounds: whole })).lines).toEqual([]);
});

test.each(orders)(
  "by %s: each row once, versioned by its observation, only what is declared",
  async (order) => {
    const index = await cluster.makeIndex(mapping);
    const all = documents(500);
    await cluster.index(index, all);
    const before = Date.now();
    const held = new Held();
    const { lines } = await readSplit(client, {
      ...{ ...readingBy(index, order), bounds: whole, held, pageRows: 40 },
    });
    expect(lines.map(({ id }) => id).sort()).toEqual(allIds(all));
    for (const line of lines) {
      expect(line.version).toEqual([line.observed_at, 0, 0]);
      expect(line.observed_at).toBeGreaterThanOrEqual(before);
      expect(Object.keys(line.doc)).toEqual(["k", "n"]);
    }
    expect(held.all).toHaveLength(1);
    expect(held.open.size).toBe(0);
  },
);

test.each(orders)(
  "by %s: many readers, a lost point in time after and in the middle of each, and still each row",
  async (order) => {
    const index = await cluster.makeIndex(mapping, { number_of_shards: 3 });
    const all = documents(300);
    await cluster.index(index, all);
    const held = new Held();
    const closeAll = async (): Promise<void> => {
      for (const id of held.open) await cluster.closePointInTime(id);
    };
    const options = { ...readingBy(index, order), held, pageRows: 20 };
    const { lines, parts } = await readInParts(options, 2, closeAll);
    expect(parts).toBeGreaterThan(7);
    expect(distinctIds(lines)).toEqual(allIds(all));
    // A new reader repeats the last key's row; by number those of each shard.
    expect(lines.length).toBeLessThanOrEqual(all.length + parts * 3);

    const lost = await readSplit(client, {
      ...{ ...options, bounds: whole },
      afterBatch: async () => {
        await closeAll();
        return false;
      },
    });
    expect(distinctIds(lost.lines)).toEqual(allIds(all));
    expect(lost.lines.length).toBeLessThan(all.length * 1.3);
    expect(held.open.size).toBe(0);
  },
);

test.each<Order>(["_seq_no", "k"])(
  "by %s: what is changed, deleted and made anew while it is read does not hide the others",
  async (order) => {
    const index = await cluster.makeIndex(mapping);
    const all = documents(300);
    await cluster.index(index, all);
    const gone = new Set<string>();
    const { lines } = await readInParts(
      { ...readingBy(index, order), pageRows: 25 },
      1,
      async (n) => {
        const changed = all.filter((_, at) => at % 37 === n % 37 && at % 5 !== 0);
        await cluster.index(
          index,
          changed.map(({ id, json }) => ({ id, json: json.replace('"unasked":1', '"unasked":2') })),
        );
        const victim = all[(n * 5) % all.length];
        if (victim === undefined || n > 20) return;
        gone.add(victim.id);
        await cluster.delete(index, victim.id);
      },
    );
    const kept = all.filter(({ id }) => !gone.has(id));
    expect(distinctIds(lines)).toEqual(expect.arrayContaining(allIds(kept)));
  },
);

test("documents whose key is missing or too long to be sorted by come too", async () => {
  const index = await cluster.makeIndex({ k: { type: "keyword", ignore_above: 5 } });
  const odd = [
    { id: "none", json: "{}" },
    { id: "null", json: '{"k":null}' },
    { id: "long", json: `{"k":"${"x".repeat(50)}"}` },
    { id: "empty", json: '{"k":""}' },
    { id: "several", json: '{"k":["b","a"]}' },
    { id: "letters", json: '{"k":"é\\"\\n"}' },
  ];
  await cluster.index(index, [...odd, ...documents(40)]);
  const { lines } = await readInParts({ ...readingBy(index, "k"), pageRows: 3 }, 2);
  expect(distinctIds(lines)).toEqual(allIds([...odd, ...documents(40)]));
});

test("many documents of one key are read to their end in one point in time, and reported if it is lost", async () => {
  const index = await cluster.makeIndex(mapping);
  const all = documents(100).map(({ id }) => ({ id, json: '{"k":"same"}' }));
  await cluster.index(index, all);
  const held = new Held();
  const { lines } = await readInParts({ ...readingBy(index, "k"), held, pageRows: 10 }, 1);
  expect(distinctIds(lines)).toEqual(allIds(all));
  expect(held.open.size).toBe(0);
  const warnings: Record<string, unknown>[] = [];
  let isLost = false;
  const options = {
    ...{ ...readingBy(index, "k"), held, pageRows: 10 },
    warn: (details: Record<string, unknown>) => warnings.push(details),
  };
  const again = await readInParts(options, 1, async (part) => {
    if (part !== 4 || isLost) return;
    isLost = true;
    for (const id of held.open) await cluster.closePointInTime(id);
  });
  expect(distinctIds(again.lines)).toEqual(allIds(all));
  expect(warnings).toMatchObject([{ index, values: ['"same"'] }]);
});

test("an alias that changes to another index in the middle is read from the beginning, by the key where it can be sorted by", async () => {
  const old = await cluster.makeIndex(mapping);
  const fresh = await cluster.makeIndex(mapping);
  const all = documents(200);
  await cluster.index(old, all);
  // In another order, so that what is behind the place that was reached in one is before it in the other.
  await cluster.index(fresh, [...all].reverse());
  const alias = `alias-${old}`;
  for (const key of ["k", "id"] as const) {
    const pointTo = (index: string): Promise<string> =>
      cluster.send("POST", "/_aliases", {
        actions: [
          { remove: { index: "t-*", alias, must_exist: false } },
          { add: { index, alias } },
        ],
      });
    await pointTo(old);
    const warnings: Record<string, unknown>[] = [];
    const options = {
      ...{ table: table(alias, key), pageRows: 30 },
      warn: (details: Record<string, unknown>) => warnings.push(details),
    };
    // Back and forth: by the key a second change costs nothing any more.
    const { lines } = await readInParts(options, 1, (part) =>
      part === 3 || part === 6 ? pointTo(part === 3 ? fresh : old) : Promise.resolve(),
    );
    expect(distinctIds(lines)).toEqual(allIds(all));
    expect(new Set(lines.slice(90).map(({ id }) => id)).size).toBe(200);
    expect(lines.length > 350).toBe(key === "id");
    expect(warnings).toHaveLength(key === "id" ? 2 : 0);
  }
});

test("an alias whose indices map the key differently is read by number", async () => {
  const names = [
    await cluster.makeIndex({ k: { type: "keyword" } }),
    await cluster.makeIndex({ k: { type: "long" } }),
    await cluster.makeIndex({}),
  ];
  const alias = `mixed-${names[0] ?? ""}`;
  for (const [n, index] of names.entries()) {
    await cluster.index(
      index,
      Array.from({ length: 20 }, (_, m) => ({ id: `${n}-${m}`, json: `{"k":${m}}` })),
    );
    await cluster.send("PUT", `/${index}/_alias/${alias}`);
  }
  const { lines } = await readInParts({ table: table(alias), pageRows: 7 }, 2);
  expect(distinctIds(lines)).toHaveLength(60);
});

test("a position in another order is begun again; one of another kind is rejected", async () => {
  const index = await cluster.makeIndex(mapping);
  const all = documents(60);
  await cluster.index(index, all);
  const first = await readSplit(client, {
    ...{ ...readingBy(index, "k"), bounds: whole, pageRows: 20 },
    afterBatch: () => Promise.resolve(true),
  });
  const rest = await readSplit(client, {
    ...{ table: table(index, "n"), bounds: whole, position: first.position },
  });
  expect(distinctIds(rest.lines)).toEqual(allIds(all));
  const cursor = JSON.stringify({ format: 1, cursor: "5", unit: "ms", pit: null, tie: null });
  await expect(
    readSplit(client, { table: table(index), bounds: whole, position: cursor }),
  ).rejects.toThrow(ProtocolError);
  await expect(
    readSplit(client, { table: table(index), bounds: { by: "cursor", from: null, to: "9" } }),
  ).rejects.toThrow(/the cursor was removed while a pass was open/);
});
