// Tests finding changed rows of a real Cassandra by an SAI index and by time buckets, window after window.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TableDefinition } from "../../catalog/definition.ts";
import { checkTiling } from "../../functions/plan/tiling.ts";
import { SourceConfigurationError } from "../../contract/errors.ts";
import type { Bounds } from "../../contract/records.ts";
import { type ScanOptions, TestKeyspace } from "./cassandra/keyspace.ts";

let keyspace: TestKeyspace;

beforeAll(async () => {
  keyspace = await TestKeyspace.make();
});

afterAll(async () => {
  await keyspace.close();
});

const second = 1000;
const day = 86_400_000;
/** 2026-03-10T12:00:00Z */
const noon = Date.UTC(2026, 2, 10, 12);

/** Plans and reads the next window as a run would. */
async function readWindow(
  definition: TableDefinition,
  watermark: string | null,
  now: number,
  options: ScanOptions = {},
): Promise<{ ids: string[]; window: { from: string | null; to: string }; splits: Bounds[] }> {
  const window = await keyspace.client.planWindow(definition, watermark, now);
  if (window === null) throw new Error("no window");
  const splits = await keyspace.client.planRows(definition, window);
  checkTiling(definition.name, window, splits);
  const { docs } = await keyspace.read(definition, options, splits);
  return { ids: docs.map(({ id }) => String(id)).sort(), window, splits };
}

function indexed(name: string, column = "changed"): TableDefinition {
  return keyspace.definition(name, {
    columns: ["id", "n", column],
    changes: {
      cursor: {
        ...{ column, field: column, lagSeconds: 10, overlapSeconds: 60, lateRows: null },
      },
    },
    deletes: { strategy: "key-scan", everyHours: 0, maxShare: 1 },
  });
}

test("by an index: all first, then what has a cursor in the window, late rows inside the overlap too", async () => {
  await keyspace.execute(
    `CREATE TABLE {ks}.leads (id int, n int, changed timestamp, PRIMARY KEY (id, n))`,
    `CREATE INDEX ON {ks}.leads (changed) USING 'sai'`,
  );
  const write = (id: number, millis: number | null): Promise<void> =>
    keyspace.execute(`INSERT INTO {ks}.leads (id, n, changed) VALUES (${id}, 0, ${millis})`);
  for (let id = 0; id < 40; id += 1) await write(id, noon - (40 - id) * 60 * second);
  await write(40, null);
  const definition = indexed("leads");
  const first = await readWindow(definition, null, noon);
  expect(first.window).toEqual({
    ...{ from: null, to: String(noon - 10 * second), unit: "ms" },
  });
  // The first reading is a full scan, which also finds the row without a cursor.
  expect(first.ids).toHaveLength(41);

  const later = noon + 3600 * second;
  await write(0, noon - 10 * second);
  await write(1, later - 11 * second);
  await write(2, later - 10 * second);
  await write(41, noon - 70 * second);
  await write(42, noon - 71 * second);
  const next = await readWindow(definition, first.window.to, later, {
    pagesAReader: 1,
    pageRows: 1,
  });
  expect(next.window).toEqual({
    from: String(noon - 70 * second),
    ...{ to: String(later - 10 * second), unit: "ms" },
  });
  // 39 and 41 are within the overlap, 42 just before it, and 2 belongs to the next window.
  expect(next.ids).toEqual(["0", "1", "39", "41"]);
  const after = await readWindow(definition, next.window.to, later + 30 * second);
  expect(after.ids).toEqual(["1", "2"]);
});

test("by an index: a lost page state repeats one partition and loses none", async () => {
  await keyspace.execute(
    `CREATE TABLE {ks}.lost (id int, n int, changed bigint, PRIMARY KEY (id, n))`,
    `CREATE INDEX ON {ks}.lost (changed) USING 'sai'`,
  );
  for (let id = 0; id < 60; id += 1)
    await keyspace.execute(
      `INSERT INTO {ks}.lost (id, n, changed) VALUES (${id % 20}, ${id}, ${noon + id})`,
    );
  const { ids } = await readWindow(indexed("lost"), String(noon), noon + day, {
    ...{ pagesAReader: 1, pageRows: 4 },
    between: (position) => position.replace(/"pageState":"[0-9a-f]+"/, '"pageState":"ffff"'),
  });
  expect(new Set(ids)).toHaveProperty("size", 20);
  expect(ids.length).toBeGreaterThanOrEqual(60);
});

test("by an index: a full scan of the keys sees each row and names only its key", async () => {
  const definition = { ...indexed("leads"), key: ["id", "n"] };
  const splits = await keyspace.client.planKeys(definition);
  const warned: unknown[] = [];
  const warn = (details: Record<string, unknown>): number => warned.push(details);
  const { lines } = await keyspace.read(definition, { kind: "keys", warn }, splits);
  // Row 40, which no window finds.
  expect(warned).toEqual([{ rows: 1 }]);
  expect(lines).toHaveLength(43);
  expect(new Set(lines.map(({ op }) => op))).toEqual(new Set(["key"]));
  expect(lines[0]?.version).toBeUndefined();
  expect(Object.keys(lines[0]?.doc ?? {})).toEqual(["id", "n"]);
});

test.each([
  ["none", "", /no SAI index on it; .*CREATE INDEX ON ".*"\."none" \("changed"\) USING 'sai'/],
  ["other", `CREATE INDEX other_plain ON {ks}.other (changed)`, /"other_plain" is not SAI/],
  ["texts", "", /"changed" of .*, which holds no time.*timestamp/],
])("an index that cannot serve is rejected in planning: %s", async (name, index, message) => {
  const type = name === "texts" ? "text" : "timestamp";
  await keyspace.execute(`CREATE TABLE {ks}.${name} (id int PRIMARY KEY, n int, changed ${type})`);
  if (index !== "") await keyspace.execute(index);
  const attempt = keyspace.client.planWindow(indexed(name), null, noon);
  await expect(attempt).rejects.toThrow(SourceConfigurationError);
  await expect(attempt).rejects.toThrow(message);
});

test("an index that is dropped while a pass is open is an error that names it, never a filtering scan", async () => {
  await keyspace.execute(
    `CREATE TABLE {ks}.dropped (id int PRIMARY KEY, n int, changed timestamp)`,
    `CREATE INDEX dropped_changed ON {ks}.dropped (changed) USING 'sai'`,
  );
  const definition = indexed("dropped");
  const splits = await keyspace.client.planRows(definition, { from: "0", to: String(noon) });
  await keyspace.execute(`DROP INDEX {ks}.dropped_changed`);
  const attempt = keyspace.read(definition, {}, splits);
  await expect(attempt).rejects.toThrow(SourceConfigurationError);
  await expect(attempt).rejects.toThrow(/Create the SAI index on the cursor's column again/);
});

function bucketed(
  name: string,
  buckets: { column: string; unit: "hour" | "day" | "month"; values?: Record<string, number[]> },
): TableDefinition {
  return keyspace.definition(name, {
    columns: ["id", buckets.column],
    changes: { buckets: { lateBuckets: 1, values: {}, ...buckets } },
    deletes: { strategy: "none" },
  });
}

const days = ["2026-03-07", "2026-03-08", "2026-03-09", "2026-03-10", "2026-03-11"];

test.each([
  ["date", "by_date", (text: string) => `'${text}'`],
  ["timestamp", "by_timestamp", (text: string) => `'${text}T00:00:00Z'`],
  ["text", "by_text", (text: string) => `'${text}'`],
  ["int", "by_int", (text: string) => text.replaceAll("-", "")],
  ["bigint", "by_bigint", (text: string) => text.replaceAll("-", "")],
])("by buckets of a day in a %s: those from the late one to now", async (type, name, literal) => {
  await keyspace.execute(`CREATE TABLE {ks}.${name} (day ${type}, id int, PRIMARY KEY (day, id))`);
  for (const [index, text] of days.entries())
    for (const id of [1, 2, 3])
      await keyspace.execute(
        `INSERT INTO {ks}.${name} (day, id) VALUES (${literal(text)}, ${index * 10 + id})`,
      );
  const definition = bucketed(name, { column: "day", unit: "day" });
  const first = await readWindow(definition, null, noon);
  expect(first.ids).toHaveLength(15);
  expect(first.window).toEqual({ from: null, to: String(noon), unit: "ms" });
  // The next morning: the bucket before the watermark's, the watermark's, and the new one.
  const next = await readWindow(definition, String(noon), noon + day, {
    ...{ pagesAReader: 1, pageRows: 2 },
  });
  expect(next.window.from).toBe(String(Date.UTC(2026, 2, 9)));
  expect(next.ids).toEqual(["21", "22", "23", "31", "32", "33", "41", "42", "43"]);
});

test("by buckets with shards: each combination of the listed values, also after a lost page state", async () => {
  await keyspace.execute(
    `CREATE TABLE {ks}.sharded (shard int, hour timestamp, id int, PRIMARY KEY ((hour, shard), id))`,
  );
  const ids: string[] = [];
  for (const hour of [10, 11, 12])
    for (const shard of [0, 1, 2])
      for (let n = 0; n < 5; n += 1) {
        const id = hour * 100 + shard * 10 + n;
        if (hour > 10) ids.push(String(id));
        await keyspace.execute(
          `INSERT INTO {ks}.sharded (shard, hour, id) VALUES (${shard}, '2026-03-10T${hour}:00:00Z', ${id})`,
        );
      }
  const definition = bucketed("sharded", {
    ...{ column: "hour", unit: "hour", values: { shard: [0, 1, 2] } },
  });
  const options = { pagesAReader: 1, pageRows: 3 };
  const { ids: read, splits } = await readWindow(definition, String(noon), noon + 1, options);
  expect(splits).toHaveLength(2);
  expect(read).toEqual(ids);
  // Each loss costs the partition's first page once more.
  let losses = 0;
  const lossy = await readWindow(definition, String(noon), noon + 1, {
    ...options,
    between: (position) => {
      losses += 1;
      if (losses % 3 !== 1) return position;
      return position.replace(/"pageState":"[0-9a-f]+"/, '"pageState":"ffff"');
    },
  });
  expect([...new Set(lossy.ids)]).toEqual(ids);
  expect(lossy.ids.length).toBeGreaterThan(ids.length);
  // Another list of values than the one that the position was made with: the bucket is read from its first partition.
  const fewer = bucketed("sharded", {
    ...{ column: "hour", unit: "hour", values: { shard: [2, 1, 0] } },
  });
  const [bounds] = splits;
  if (bounds === undefined) throw new Error("no split");
  const before = await keyspace.read(definition, options, [bounds]);
  const position = before.positions[1] ?? null;
  const reader = await keyspace.client.open({
    ...{ table: fewer, kind: "rows", passNumber: 1, bounds, position },
    held: { opened: () => Promise.resolve(), closed: () => Promise.resolve() },
    warn: () => undefined,
  });
  const again = await reader.next(100);
  expect(Buffer.from(again.lines).toString()).toContain('"id":1120');
});

test.each([
  ["day", {}, /nothing says which values "account" has.*List all of them in "values"/],
  ["id", {}, /"id" is not a column of the partition key.*partition key is \(day, account\)/],
  ["day", { account: [1], id: [2] }, /"id" is not another column of the partition key/],
  [
    "day",
    { account: [1, 2] },
    /has a partition that its buckets leave out: day = 2026-03-07, account = 3.*Complete "values"/,
  ],
])("partitions that cannot be listed are rejected: %s %o", async (column, values, message) => {
  await keyspace.execute(
    `CREATE TABLE IF NOT EXISTS {ks}.unlisted (day date, account bigint, id int, PRIMARY KEY ((day, account), id))`,
    `INSERT INTO {ks}.unlisted (day, account, id) VALUES ('2026-03-07', 3, 1)`,
  );
  const definition = bucketed("unlisted", { column, unit: "day", values });
  const attempt = keyspace.client.planWindow(definition, null, noon);
  await expect(attempt).rejects.toThrow(SourceConfigurationError);
  await expect(attempt).rejects.toThrow(message);
});

test("buckets written in another way than the unit says are rejected", async () => {
  await keyspace.execute(
    `CREATE TABLE {ks}.epoch (day int, id int, PRIMARY KEY (day, id))`,
    `INSERT INTO {ks}.epoch (day, id) VALUES (20522, 1)`,
  );
  const definition = bucketed("epoch", { column: "day", unit: "day" });
  const attempt = keyspace.client.planWindow(definition, null, noon);
  await expect(attempt).rejects.toThrow(/leave out: day = 20522\. A bucket is written as 20260101/);
});
