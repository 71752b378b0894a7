// Tests reading from a real Elasticsearch: nothing is lost at ties, page edges, lost points in time or odd cursors.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TableDefinition } from "../../catalog/definition.ts";
import { ElasticsearchSource } from "../../sources/elasticsearch/elasticsearch.ts";
import { SourceConfigurationError, SourceUnavailableError } from "../../contract/errors.ts";
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

const everything: Bounds = { by: "cursor", from: null, to: String(2n ** 62n) };

function table(index: string, more: Partial<TableDefinition> = {}): TableDefinition {
  return {
    ...tableDefinition({
      name: "things",
      system: "elasticsearch",
      columns: [column("id", "string", ["_id"]), column("at", "timestamp"), column("n", "long")],
      from: { index },
      cursor: { column: "at", field: "at", lagSeconds: 2, overlapSeconds: 0, lateRows: null },
    }),
    ...more,
  };
}

// Far from numbers of four digits, which the server would take for years.
const start = 1_700_000_000_000;
const byDate = { at: { type: "date" } };

/** Documents whose cursor is `milliseconds(n)`. */
function dated(count: number, milliseconds: (n: number) => number): Document[] {
  return Array.from({ length: count }, (_, n) => ({
    id: `d${n}`,
    json: JSON.stringify({ at: milliseconds(n), n }),
  }));
}

const ids = (lines: readonly Line[]): string[] => lines.map(({ id }) => id ?? "");
const distinctIds = (lines: readonly Line[]): string[] => [...new Set(ids(lines))].sort();
const allIds = (documents: readonly Document[]): string[] => documents.map(({ id }) => id).sort();

test("each row once and in order, over page edges in the middle of ties", async () => {
  const index = await cluster.makeIndex(byDate);
  const documents = dated(2000, (n) => start + Math.floor(n / 7) * 1000);
  await cluster.index(index, documents);
  const held = new Held();
  const { lines, batches } = await readSplit(client, {
    ...{ table: table(index), bounds: everything, held, pageRows: 10 },
  });
  // The last one finds nothing after a page that did not reach to the end.
  expect(batches).toHaveLength(202);
  expect(ids(lines).sort()).toEqual(allIds(documents));
  const cursors = lines.map(({ version }) => version?.[0] ?? 0);
  expect(cursors).toEqual([...cursors].sort((a, b) => a - b));
  for (const { doc, version } of lines) expect(version?.[0]).toBe(doc.at);
  expect(held.all).toHaveLength(1);
  expect(held.open.size).toBe(0);
  expect(await cluster.countOpenContexts(index)).toBe(0);
});

test("bounds are from inclusive and to exclusive; splits together are the whole", async () => {
  const index = await cluster.makeIndex(byDate);
  const documents = dated(100, (n) => n * 10);
  await cluster.index(index, documents);
  const read = async (from: string | null, to: string): Promise<string[]> =>
    ids(
      (await readSplit(client, { table: table(index), bounds: { by: "cursor", from, to } })).lines,
    );
  expect(await read("100", "120")).toEqual(["d10", "d11"]);
  const parts = [await read(null, "331"), await read("331", "332"), await read("332", "1000")];
  expect(parts.flat().sort()).toEqual(allIds(documents));
});

test("dates before 1970 come in order with their negative milliseconds", async () => {
  const index = await cluster.makeIndex(byDate);
  const documents = dated(50, (n) => -1_000_000_000_000 + n * 50_000_000_000);
  await cluster.index(index, documents);
  const bounds: Bounds = { by: "cursor", from: "-1000000000000", to: "2000000000000" };
  let position: string | null = null;
  const lines: Line[] = [];
  for (let done = false; !done;) {
    const part = await readSplit(client, {
      ...{ table: table(index), bounds, position, pageRows: 7 },
      afterBatch: () => Promise.resolve(true),
    });
    lines.push(...part.lines);
    ({ position, done } = part);
  }
  expect(distinctIds(lines)).toEqual(allIds(documents));
  expect(lines[0]?.version?.[0]).toBe(-1_000_000_000_000);
});

test("a long cursor and date_nanos keep every digit, over page edges and new readers", async () => {
  const index = await cluster.makeIndex({ at: { type: "long" }, nanos: { type: "date_nanos" } });
  const base = 9_007_199_254_740_992n;
  const nanos = 1_577_836_800_123_456_000n;
  const documents = Array.from({ length: 9 }, (_, n) => ({
    id: `d${n}`,
    json: `{"at":${base + BigInt(n)},"nanos":"2020-01-01T00:00:00.12345600${n}Z"}`,
  }));
  await cluster.index(index, documents);
  for (const [field, first] of [
    ["at", base],
    ["nanos", nanos],
  ] as const) {
    const cursor = { column: "at", field, lagSeconds: 2, overlapSeconds: 0, lateRows: null };
    const columns = [column("at", "long"), column("nanos", "timestamp")];
    const longs = table(index, { cursor, columns });
    const bounds: Bounds = { by: "cursor", from: String(first + 1n), to: String(first + 8n) };
    let position: string | null = null;
    let text = "";
    for (let done = false; !done;) {
      const part = await readSplit(client, {
        ...{ table: longs, bounds, position, pageRows: 2 },
        afterBatch: () => Promise.resolve(true),
      });
      text += part.text;
      ({ position, done } = part);
    }
    const versions = [...text.matchAll(/"version":\[(\d+),/g)].map(([, version]) => version);
    const expected = [1n, 2n, 3n, 4n, 5n, 6n, 7n].map((n) => String(first + n));
    expect([...new Set(versions)]).toEqual(expected);
    expect(text).toContain(`"at":${base + 7n}`);
  }
});

test("a long cursor that no change can come after is rejected", async () => {
  const index = await cluster.makeIndex({ at: { type: "long" } });
  const json = '{"at":9223372036854775807}';
  await cluster.send("PUT", `/${index}/_doc/1?refresh=true`, json);
  const longs = table(index, { columns: [column("at", "long")] });
  await expect(client.planWindow(longs, null, Date.now())).rejects.toThrow(
    `"at" of "${index}", holds 9223372036854775807`,
  );
  await cluster.send("PUT", `/${index}/_doc/1?refresh=true`, '{"at":9223372036854775806}');
  const window = await client.planWindow(longs, null, Date.now());
  expect(window).toEqual({ from: null, to: "9223372036854775807", unit: "value" });
});

test("numbers come as they were sent where a column could show it, and undeclared fields never", async () => {
  const index = await cluster.makeIndex(byDate);
  const json =
    '{"at":5, "price":12345678901234567890.10, "raw":{"a":0.12345678901234567890,\n"b":1e400}, "secret":"x"}';
  await cluster.send("PUT", `/${index}/_doc/1?refresh=true`, json);
  const columns = [column("price", { decimal: [38, 2] }), column("raw", "json")];
  const { text } = await readSplit(client, {
    ...{ table: table(index, { columns }), bounds: everything },
  });
  expect(text).toContain(
    '"doc":{"price":12345678901234567890.10, "raw":{"a":0.12345678901234567890, "b":1e400}}}',
  );
  const filtered = await readSplit(client, { table: table(index), bounds: everything });
  expect(filtered.text).toContain('"doc":{"at":5}}');
});

test("a point in time closed under the reader's feet loses nothing", async () => {
  const index = await cluster.makeIndex(byDate);
  const documents = dated(500, (n) => start + Math.floor(n / 30) * 1000);
  await cluster.index(index, documents);
  const held = new Held();
  const { lines } = await readSplit(client, {
    ...{ table: table(index), bounds: everything, held, pageRows: 20 },
    afterBatch: async (_, count) => {
      if (count % 4 === 0) await cluster.closePointInTime(held.all.at(-1) ?? "");
      return false;
    },
  });
  expect(held.all.length).toBeGreaterThan(3);
  expect(held.open.size).toBe(0);
  expect(distinctIds(lines)).toEqual(allIds(documents));
  // Only rows of the cursor value at which it broke come again.
  expect(lines.length).toBeLessThan(documents.length + held.all.length * 30);
});

test("a tie larger than a reader can read goes on in the same point in time, and is finished if that is lost", async () => {
  const index = await cluster.makeIndex(byDate);
  const documents = dated(100, () => 42);
  await cluster.index(index, documents);
  const held = new Held();
  let position: string | null = null;
  const lines: Line[] = [];
  for (let readers = 0, done = false; !done; readers += 1) {
    expect(readers).toBeLessThan(20);
    const part = await readSplit(client, {
      ...{ table: table(index), bounds: everything, held, position, pageRows: 10 },
      afterBatch: () => Promise.resolve(true),
    });
    lines.push(...part.lines);
    ({ position, done } = part);
  }
  expect(held.all).toHaveLength(1);
  expect(held.open.size).toBe(0);
  expect(ids(lines).sort()).toEqual(allIds(documents));

  const first = await readSplit(client, {
    ...{ table: table(index), bounds: everything, held, pageRows: 30 },
    afterBatch: () => Promise.resolve(true),
  });
  expect(held.open.size).toBe(1);
  await client.release([...held.open][0] ?? "");
  const rest = await readSplit(client, {
    ...{ table: table(index), bounds: everything, held, position: first.position, pageRows: 30 },
  });
  expect(distinctIds([...first.lines, ...rest.lines])).toEqual(allIds(documents));
  expect(await cluster.countOpenContexts(index)).toBe(0);
});

test("rows that change while they are read are seen before or after, never lost", async () => {
  const index = await cluster.makeIndex(byDate);
  const documents = dated(300, (n) => start + n * 1000);
  await cluster.index(index, documents);
  const bounds: Bounds = { by: "cursor", from: null, to: String(start + 1_000_000) };
  const { lines } = await readSplit(client, {
    ...{ table: table(index), bounds, pageRows: 25 },
    afterBatch: async (_, count) => {
      const moved = [`d${count * 20}`, `d${count * 20 + 90}`].map((id, n) => ({
        id,
        json: JSON.stringify({ at: start + 900_000 + count * 10 + n, n: -1 }),
      }));
      await cluster.index(index, moved);
      return false;
    },
  });
  expect(distinctIds(lines)).toEqual(expect.arrayContaining(allIds(documents)));
});

test("rows without a cursor are not rows of any window", async () => {
  const index = await cluster.makeIndex(byDate);
  await cluster.index(index, [
    { id: "none", json: "{}" },
    { id: "null", json: '{"at":null}' },
    { id: "one", json: '{"at":1}' },
  ]);
  const { lines } = await readSplit(client, { table: table(index), bounds: everything });
  expect(ids(lines)).toEqual(["one"]);
});

test("an alias over indices, one of them without the field, is read as one", async () => {
  const names = [
    await cluster.makeIndex(byDate),
    await cluster.makeIndex({ at: { type: "date_nanos" } }),
    await cluster.makeIndex({}),
  ];
  const alias = `all-${names[0] ?? ""}`;
  for (const [n, index] of names.entries()) {
    await cluster.index(index, [{ id: `i${n}`, json: `{"at":${start + n}}` }]);
    await cluster.send("PUT", `/${index}/_alias/${alias}`);
  }
  const window = await client.planWindow(table(alias), null, Date.now());
  expect(window?.to).toMatch(/^\d{19}$/);
  const splits = await client.planRows(table(alias), window);
  expect(splits).toHaveLength(1);
  const { lines } = await readSplit(client, {
    ...{ table: table(alias), bounds: splits[0] ?? everything },
  });
  expect(ids(lines)).toEqual(["i0", "i1"]);
  let position: string | null = null;
  const keyLines: Line[] = [];
  for (let done = false; !done;) {
    const part = await readSplit(client, {
      ...{ table: table(alias), kind: "keys", bounds: { by: "cursor", from: null, to: null } },
      ...{ position, pageRows: 2 },
      afterBatch: () => Promise.resolve(true),
    });
    keyLines.push(...part.lines);
    ({ position, done } = part);
  }
  expect(distinctIds(keyLines)).toEqual(["i0", "i1", "i2"]);
});

test("a full scan of keys sees each key, over readers and a lost point in time", async () => {
  const index = await cluster.makeIndex(byDate);
  const documents = dated(250, (n) => n);
  await cluster.index(index, [...documents, { id: "no cursor", json: '{"n":7}' }]);
  const expected = [...allIds(documents), "no cursor"].sort();
  const [bounds = everything] = await client.planKeys();
  const held = new Held();
  const keyed = table(index, { key: ["n"] });
  const scan = { table: keyed, bounds, kind: "keys", held, pageRows: 40 } as const;
  let position: string | null = null;
  const lines: Line[] = [];
  for (let done = false; !done;) {
    const part = await readSplit(client, {
      ...scan,
      position,
      afterBatch: (_, count) => Promise.resolve(count === 2),
    });
    lines.push(...part.lines);
    ({ position, done } = part);
  }
  expect(held.open.size).toBe(0);
  expect(distinctIds(lines)).toEqual(expected);
  expect(lines[0]).not.toHaveProperty("version");
  expect(Object.keys(lines[0]?.doc ?? {})).toEqual(["n"]);

  const lost = await readSplit(client, {
    ...scan,
    afterBatch: async (_, count) => {
      if (count === 3) await cluster.closePointInTime(held.all.at(-1) ?? "");
      return false;
    },
  });
  expect(distinctIds(lost.lines)).toEqual(expected);
  expect(held.open.size).toBe(0);
});

test("a full scan of keys whose point in time is lost after each reader comes to its end, in many runs", async () => {
  const units = [
    { at: { type: "date" } },
    { at: { type: "date_nanos" } },
    { at: { type: "long" } },
  ] as const;
  for (const mapping of units) {
    const index = await cluster.makeIndex({ ...mapping, n: { type: "long" } });
    const documents = dated(120, (n) => start + Math.floor(n / 5) * 1000);
    const without = Array.from({ length: 30 }, (_, n) => ({ id: `x${n}`, json: `{"n":${n}}` }));
    await cluster.index(index, [...documents, ...without]);
    const keyed = table(index, { key: ["n"] });
    const held = new Held();
    let position: string | null = null;
    const lines: Line[] = [];
    for (let runs = 0, done = false; !done; runs += 1) {
      expect(runs).toBeLessThan(40);
      const part = await readSplit(client, {
        ...{ table: keyed, kind: "keys", bounds: { by: "cursor", from: null, to: null } },
        ...{ held, position, pageRows: 12 },
        afterBatch: () => Promise.resolve(true),
      });
      for (const pointInTime of held.open) await cluster.closePointInTime(pointInTime);
      lines.push(...part.lines);
      ({ position, done } = part);
    }
    expect(distinctIds(lines)).toEqual(allIds([...documents, ...without]));
    expect(lines.length).toBeLessThan(300);
    expect(await cluster.countOpenContexts(index)).toBe(0);
  }
});

test.each([
  ["keyword", (n: number) => JSON.stringify(`é"${n % 40}`)],
  ["long", (n: number) => String(9_007_199_254_740_992n + BigInt(n))],
])(
  "a tie that no point in time outlives is finished by a unique %s, and reading goes on after it",
  async (type, value) => {
    const index = await cluster.makeIndex({ ...byDate, u: { type } });
    const at = (n: number): number => (n < 5 ? start : n < 95 ? start + 1 : start + 2);
    const documents = Array.from({ length: 100 }, (_, n) => ({
      id: `d${n}`,
      json: `{"at":${at(n)},"u":${value(n)},"n":${n}}`,
    }));
    await cluster.index(index, [...documents, { id: "no u", json: `{"at":${start + 1}}` }]);
    const columns = [column("u"), column("n", "long")];
    const tied = table(index, { columns, key: ["u"] });
    const held = new Held();
    const warnings: Record<string, unknown>[] = [];
    let position: string | null = null;
    const lines: Line[] = [];
    for (let runs = 0, done = false; !done; runs += 1) {
      expect(runs).toBeLessThan(30);
      const part = await readSplit(client, {
        ...{ table: tied, bounds: everything, held, position, pageRows: 10 },
        warn: (details) => warnings.push(details),
        afterBatch: (_, count) => Promise.resolve(count === 2),
      });
      for (const pointInTime of held.open) await cluster.closePointInTime(pointInTime);
      lines.push(...part.lines);
      ({ position, done } = part);
    }
    expect(distinctIds(lines)).toEqual(allIds([...documents, { id: "no u", json: "" }]));
    for (const { version, doc } of lines) expect(version?.[0]).toBe(at(Number(doc.n ?? 50)));
    expect(warnings).toEqual([]);
    expect(held.open.size).toBe(0);
  },
);

test("a tie that begins again for want of a unique field is reported with its value", async () => {
  const index = await cluster.makeIndex(byDate);
  await cluster.index(
    index,
    dated(50, () => start),
  );
  const held = new Held();
  const warnings: Record<string, unknown>[] = [];
  const options = {
    ...{ table: table(index), bounds: everything, held, pageRows: 10 },
    warn: (details: Record<string, unknown>) => warnings.push(details),
  };
  const first = await readSplit(client, { ...options, afterBatch: () => Promise.resolve(true) });
  for (const pointInTime of held.open) await cluster.closePointInTime(pointInTime);
  const rest = await readSplit(client, { ...options, position: first.position });
  expect(distinctIds([...first.lines, ...rest.lines])).toHaveLength(50);
  expect(warnings).toMatchObject([{ index, field: "at", value: String(start) }]);
});

test("observed_at is not after the point in time that was read", async () => {
  const index = await cluster.makeIndex(byDate);
  await cluster.index(
    index,
    dated(30, (n) => n),
  );
  const before = Date.now();
  let firstBatchAt = 0;
  const { lines } = await readSplit(client, {
    ...{ table: table(index), bounds: everything, pageRows: 10 },
    afterBatch: () => {
      firstBatchAt ||= Date.now();
      return Promise.resolve(false);
    },
  });
  for (const line of lines) {
    expect(line.observed_at).toBeGreaterThanOrEqual(before);
    expect(line.observed_at).toBeLessThanOrEqual(firstBatchAt);
  }
});

test("windows: by date up to now less the lag, by integer up to the greatest value", async () => {
  const index = await cluster.makeIndex({ at: { type: "date" }, n: { type: "integer" } });
  const now = 1_800_000_000_000;
  const dates = table(index, {
    cursor: { column: "at", field: "at", lagSeconds: 5, overlapSeconds: 60, lateRows: null },
  });
  expect(await client.planWindow(dates, null, now)).toEqual({
    ...{ from: null, to: "1799999995000", unit: "ms" },
  });
  expect(await client.planWindow(dates, "1799999000000", now)).toEqual({
    ...{ from: "1799998940000", to: "1799999995000", unit: "ms" },
  });
  const numbers = table(index, {
    cursor: { column: "n", field: "n", lagSeconds: 0, overlapSeconds: 10, lateRows: null },
  });
  expect(await client.planWindow(numbers, null, now)).toEqual({
    ...{ from: null, to: "-9223372036854775808", unit: "value" },
  });
  await cluster.index(index, [{ id: "1", json: '{"n":41}' }]);
  expect(await client.planWindow(numbers, null, now)).toEqual({
    from: null,
    to: "42",
    unit: "value",
  });
  const times = { ...numbers, columns: [column("n", "timestamp")] };
  expect(await client.planWindow(times, null, now)).toMatchObject({ to: "42", unit: "ms" });
  expect(await client.planWindow(numbers, "20", now)).toEqual({
    ...{ from: "10", to: "42", unit: "value" },
  });
});

test("what cannot be planned is rejected with the value and the fix", async () => {
  const slow = await cluster.makeIndex(byDate, { refresh_interval: "30s" });
  await expect(client.planWindow(table(slow), null, Date.now())).rejects.toThrow(
    /lagSeconds is 2, but the index "t-.*" makes rows searchable only every 30 s .*Set lagSeconds above 30/,
  );
  const never = await cluster.makeIndex(byDate, { refresh_interval: "-1" });
  await expect(client.planWindow(table(never), null, Date.now())).rejects.toThrow(
    SourceConfigurationError,
  );
  const other = await cluster.makeIndex({ at: { type: "keyword" } });
  await expect(client.planWindow(table(other), null, Date.now())).rejects.toThrow(
    /cursor field "at" of index "t-.*" has the type keyword/,
  );
  const missing = await cluster.makeIndex({});
  await expect(client.planWindow(table(missing), null, Date.now())).rejects.toThrow(
    /does not exist in the mapping/,
  );
  for (const index of ["no-such-index", "no-such-*"])
    await expect(client.planWindow(table(index), null, Date.now())).rejects.toThrow(
      /Source "shop" \(http:\/\/127.*index_not_found_exception.*Correct "from.index"/,
    );
});

test("a cluster that is not there is unavailable, reported without its password", async () => {
  const missing = new ElasticsearchSource("shop", {
    nodes: ["http://reader:s3cret@127.0.0.1:1/"],
    ...{ username: "reader", password: "s3cret" },
  });
  const attempt = missing.planWindow(table("things"), null, Date.now());
  await expect(attempt).rejects.toThrow(SourceUnavailableError);
  await expect(attempt).rejects.toThrow(/Source "shop" \(http:\/\/127.0.0.1:1\), GET/);
  await expect(attempt).rejects.not.toThrow(/s3cret/);
  await missing.close();
});

test("what is written with a cursor that does not grow is counted, and nothing else is", async () => {
  const index = await cluster.makeIndex({ n: { type: "long" }, at: { type: "date" } });
  const write = (ids: readonly number[], json: string): Promise<void> =>
    cluster.index(
      index,
      ids.map((id) => ({ id: `${json}-${id}`, json })),
    );
  const many = Array.from({ length: 40 }, (_, n) => n);
  const numbers = table(index, {
    cursor: { column: "n", field: "n", lagSeconds: 0, overlapSeconds: 0, lateRows: null },
  });
  expect(await client.countBehind(numbers, await client.markWrites(numbers), "5")).toBeNull();
  await write(many, '{"n":3,"at":1000000}');
  const mark = await client.markWrites(numbers);
  expect(await client.countBehind(numbers, mark, "4")).toBeNull();
  // A format's version: the same again. Many, for only those above the greatest number of both shards are reported.
  await write(
    many.map((n) => n + 100),
    '{"n":3,"at":1000000}',
  );
  await write(many, '{"n":4}');
  await write(many, '{"n":[3,4]}');
  await write(many, "{}");
  const behind = await client.countBehind(numbers, mark, "4");
  expect(behind?.rows).toBeGreaterThan(20);
  expect(behind?.rows).toBeLessThanOrEqual(40);
  expect(behind?.reason).toMatch(/with a "n" before 4, where the next one begins: no later run/);
  const reaching = { ...numbers, cursor: { ...cursorOf(numbers), overlapSeconds: 1 } };
  expect(await client.countBehind(reaching, mark, "4")).toBeNull();
  const times = table(index, {
    cursor: {
      ...{ column: "at", field: "at", lagSeconds: 2, overlapSeconds: 60 },
      lateRows: { everyHours: 168, reachHours: 192 },
    },
  });
  expect((await client.countBehind(times, mark, "2000000"))?.reason).toMatch(
    /before 1970-01-01T00:32:20.000Z.*only the reading of past rows each 168 hours/,
  );
  expect(await client.countBehind(times, await client.markWrites(times), "2000000")).toBeNull();
  // The numbers of another index say nothing of this one.
  const other = table(await cluster.makeIndex({ n: { type: "long" } }));
  const foreign = await client.markWrites(other);
  expect(await client.countBehind(numbers, foreign, "4")).toBeNull();
});

function cursorOf({ cursor }: TableDefinition): NonNullable<TableDefinition["cursor"]> {
  if (cursor === null) throw new Error("no cursor");
  return cursor;
}
