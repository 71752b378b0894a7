// Tests odd values on a real Elasticsearch: several cursors in one document, arrays for scalars, deep nesting, long numbers.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TableDefinition } from "../../catalog/definition.ts";
import { ElasticsearchSource } from "../../sources/elasticsearch/elasticsearch.ts";
import type { Bounds } from "../../contract/records.ts";
import {
  column,
  Held,
  type Line,
  readSplit,
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

const start = 1_700_000_000_000;
const everything: Bounds = { by: "cursor", from: null, to: String(2n ** 62n) };

function table(index: string, more: Partial<TableDefinition> = {}): TableDefinition {
  return {
    ...tableDefinition({
      name: "things",
      system: "elasticsearch",
      columns: [column("u"), column("at", "timestamp")],
      from: { index },
      cursor: { column: "at", field: "at", lagSeconds: 2, overlapSeconds: 0, lateRows: null },
    }),
    ...{ key: ["u"], ...more },
  };
}

const distinctIds = (lines: readonly Line[]): string[] =>
  [...new Set(lines.map(({ id }) => id ?? ""))].sort();

const units = [
  ["date", (n: number) => String(start + n)],
  ["long", (n: number) => String(9_007_199_254_740_992n + BigInt(n))],
  ["date_nanos", (n: number) => `"2020-01-01T00:00:00.${String(123_456_000 + n)}Z"`],
] as const;
const base = {
  date: BigInt(start),
  long: 9_007_199_254_740_992n,
  date_nanos: 1_577_836_800_123_456_000n,
};

test.each(units)(
  "a %s of several values: its document has one version, is in a window of each, and nothing is lost or turned round",
  async (type, value) => {
    const index = await cluster.makeIndex({ at: { type }, u: { type: "keyword" } });
    // Each has its own value and, every third, ones far before and far after it.
    const own = (n: number): number => 100 + n;
    const documents: Document[] = Array.from({ length: 60 }, (_, n) => {
      const values = n % 3 === 0 ? [own(n), n, own(n) + 200] : [own(n)];
      return { id: `d${n}`, json: `{"u":"u${n}","at":[${values.map(value).join(",")}]}` };
    });
    await cluster.index(index, documents);
    const bound = (n: number): string => String(base[type] + BigInt(n));
    const held = new Held();
    const windows = [
      [null, bound(50)],
      [bound(50), bound(130)],
      [bound(130), bound(400)],
    ] as const;
    const seen: Line[] = [];
    const versions = new Map<string, Set<string>>();
    for (const [from, to] of windows) {
      const bounds: Bounds = { by: "cursor", from, to };
      const inWindow = documents.filter(({ id }) => {
        const n = Number(id.slice(1));
        const values = n % 3 === 0 ? [own(n), n, own(n) + 200] : [own(n)];
        const least = from === null ? 0 : Number(BigInt(from) - base[type]);
        const most = Number(BigInt(to) - base[type]);
        return values.some((one) => one >= least && one < most);
      });
      let position: string | null = null;
      const lines: Line[] = [];
      for (let readers = 0, done = false; !done; readers += 1) {
        expect(readers).toBeLessThan(100);
        const part: Awaited<ReturnType<typeof readSplit>> = await readSplit(client, {
          ...{ table: table(index), bounds, held, position, pageRows: 4 },
          afterBatch: (_, count) => Promise.resolve(count === 2),
        });
        // Also the points in time that are handed on are lost.
        for (const id of held.open) await cluster.closePointInTime(id);
        lines.push(...part.lines);
        for (const [, id = "", c = "", s = ""] of part.text.matchAll(
          /"id":"(d\d+)","version":\[(\d+),(\d+),/g,
        ))
          versions.set(id, (versions.get(id) ?? new Set()).add(`${c},${s}`));
        ({ position, done } = part);
      }
      expect(distinctIds(lines)).toEqual(inWindow.map(({ id }) => id).sort());
      seen.push(...lines);
    }
    expect(distinctIds(seen)).toHaveLength(60);
    // The smallest of the values, in every window and on every reading.
    for (const [id, its] of versions) {
      expect([...its]).toHaveLength(1);
      const n = Number(id.slice(1));
      expect([...its][0]).toMatch(new RegExp(`^${bound(n % 3 === 0 ? n : own(n))},`));
    }
  },
);

test("a tie among documents of several values is finished by the key, also where smaller values sort before it", async () => {
  const index = await cluster.makeIndex({ at: { type: "date" }, u: { type: "keyword" } });
  const tied = Array.from({ length: 40 }, (_, n) => ({
    id: `t${n}`,
    json: `{"u":"a${n}","at":[${start + 10},${start + 20}]}`,
  }));
  // Found by the tie's value as well, sorted before it, with keys after all of the tie's.
  const earlier = Array.from({ length: 40 }, (_, n) => ({
    id: `e${n}`,
    json: `{"u":"z${n}","at":[${start + 10},${start + 1}]}`,
  }));
  await cluster.index(index, [...tied, ...earlier]);
  const held = new Held();
  const lines: Line[] = [];
  let position: string | null = null;
  for (let readers = 0, done = false; !done; readers += 1) {
    expect(readers).toBeLessThan(60);
    const part: Awaited<ReturnType<typeof readSplit>> = await readSplit(client, {
      ...{ table: table(index), bounds: everything, held, position, pageRows: 6 },
      afterBatch: (_, count) => Promise.resolve(count === 2),
    });
    for (const id of held.open) await cluster.closePointInTime(id);
    lines.push(...part.lines);
    ({ position, done } = part);
  }
  expect(distinctIds(lines)).toEqual([...tied, ...earlier].map(({ id }) => id).sort());
});

test("values come as they are, whatever the column is declared as: arrays, scalars, depth, null and long numbers", async () => {
  const index = await cluster.makeIndex({ at: { type: "date" } });
  const deep = `${'{"a":'.repeat(19)}[1,[2,[{"b":null}]]]${"}".repeat(19)}`;
  const odd = {
    scalar: '{"at":1,"u":["x","y"],"list":[1,2],"n":12345678901234567890}',
    list: '{"at":2,"u":"x","list":3,"n":-9223372036854775808}',
    nulls: '{"at":3,"u":null,"list":[null],"n":null}',
    nothing: '{"at":4}',
    objects: '{"at":5,"u":{"x":1},"list":[[1],[2,[3]]],"n":0.1}',
    deep: `{"at":6,"list":${deep}}`,
    words: '{"at":7,"u":"\\u0000\\ud83d\\ude00\\"\\\\\\n","n":1e3}',
  };
  await cluster.index(
    index,
    Object.entries(odd).map(([id, json]) => ({ id, json })),
  );
  const columns = [column("u"), column("list", { list: "long" }), column("n", "long")];
  const { text, lines } = await readSplit(client, {
    ...{ table: table(index, { columns }), bounds: everything },
  });
  expect(lines.map(({ id }) => id)).toEqual(Object.keys(odd));
  const docOf = (id: string): string =>
    new RegExp(`"id":"${id}".*?"doc":(.*)}\\n`).exec(text)?.[1] ?? "";
  expect(docOf("scalar")).toBe('{"u":["x","y"],"list":[1,2],"n":12345678901234567890}');
  expect(docOf("list")).toBe('{"u":"x","list":3,"n":-9223372036854775808}');
  expect(docOf("nulls")).toBe('{"u":null,"list":[null],"n":null}');
  expect(docOf("nothing")).toBe("{}");
  expect(docOf("objects")).toBe('{"u":{"x":1},"list":[[1],[2,[3]]],"n":0.1}');
  expect(docOf("deep")).toBe(`{"list":${deep}}`);
  expect(JSON.parse(docOf("words"))).toEqual({ u: '\u0000😀"\\\n', n: 1000 });
});

test("a pattern over rolled-over indices: a field that one lacks, another type's number and a null cursor", async () => {
  const prefix = `roll-${crypto.randomUUID()}`;
  const mappings = [
    { at: { type: "date" }, u: { type: "keyword" } },
    { u: { type: "keyword" } },
    { at: { type: "date", format: "epoch_second" }, u: { type: "keyword" } },
  ];
  for (const [n, properties] of mappings.entries()) {
    const index = `${prefix}-00000${n}`;
    await cluster.send("PUT", `/${index}`, {
      ...{ settings: { number_of_replicas: 0, number_of_shards: 2 } },
      mappings: { dynamic: false, properties },
    });
    const at = (m: number): number => (n === 2 ? start / 1000 + m : start + m);
    await cluster.index(
      index,
      Array.from({ length: 30 }, (_, m) => ({
        id: `${n}-${m}`,
        json: `{"u":"${n}-${m}","at":${m === 7 ? "null" : at(m)}}`,
      })),
    );
  }
  const rolled = table(`${prefix}-*`);
  const window = await client.planWindow(rolled, null, Date.now());
  const [bounds = everything] = await client.planRows(rolled, window);
  const { lines } = await readSplit(client, { table: rolled, bounds, pageRows: 8 });
  expect(distinctIds(lines)).toHaveLength(58);
  expect(lines.every(({ id }) => !(id ?? "").startsWith("1-"))).toBe(true);
  const cursors = lines.map(({ version }) => version?.[0] ?? 0);
  expect(cursors).toEqual([...cursors].sort((a, b) => a - b));
  // The index without the field, and a null in each of the others.
  expect(await client.countUnread(rolled)).toMatchObject({ rows: 32 });
  const all = await readSplit(client, {
    ...{ table: { ...rolled, cursor: null }, bounds: { by: "whole" }, pageRows: 8 },
  });
  expect(distinctIds(all.lines)).toHaveLength(90);
});
