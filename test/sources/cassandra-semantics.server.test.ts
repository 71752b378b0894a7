// Tests what a full scan sees of everything that Cassandra distinguishes: nulls, expiry, collections, statics, counters, sizes.
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestKeyspace } from "./cassandra/keyspace.ts";

let keyspace: TestKeyspace;

beforeAll(async () => {
  keyspace = await TestKeyspace.make();
});

afterAll(async () => {
  await keyspace.close();
});

const byId = (a: { id?: unknown }, b: { id?: unknown }): number =>
  String(a.id) < String(b.id) ? -1 : 1;

test("unset and null are null, empty is empty where Cassandra keeps it so", async () => {
  await keyspace.execute(
    `CREATE TABLE {ks}.nothing (id text PRIMARY KEY, t text, b blob, n int, l list<int>, f frozen<list<int>>, m map<text, int>)`,
    `INSERT INTO {ks}.nothing (id) VALUES ('unset')`,
    `INSERT INTO {ks}.nothing (id, t, b, n, l, f, m) VALUES ('null', null, null, null, null, null, null)`,
    // An empty collection that is not frozen is none; a number of no bytes is the empty value of old times.
    `INSERT INTO {ks}.nothing (id, t, b, n, l, f, m) VALUES ('empty', '', 0x, blobAsInt(0x), [], [], {})`,
    // Known by its key only: no cell was ever written.
    `UPDATE {ks}.nothing SET t = 'x' WHERE id = 'updated'`,
    `UPDATE {ks}.nothing SET t = null WHERE id = 'updated'`,
  );
  const definition = keyspace.definition("nothing", {
    columns: ["id", "t", "b", "n", "l", "f", "m"],
  });
  const { docs } = await keyspace.read(definition);
  const none = { t: null, b: null, n: null, l: null, f: null, m: null };
  // The row without any cell and without an insert is not a row, as Cassandra has it.
  expect(docs.sort(byId)).toEqual([
    { ...none, id: "empty", t: "", b: "", f: [] },
    { ...none, id: "null" },
    { ...none, id: "unset" },
  ]);
});

test("what a later full scan sees: nulled columns, an expired cell, removed elements, back-dated writes", async () => {
  await keyspace.execute(
    `CREATE TYPE {ks}.place (city text, zip text)`,
    `CREATE TABLE {ks}.changing (id int PRIMARY KEY, a text, ttl text, s set<text>, m map<text, text>, l list<text>, u place)`,
  );
  const old = "USING TIMESTAMP 1000";
  for (const id of [1, 2])
    await keyspace.execute(
      `INSERT INTO {ks}.changing (id, a, s, m, l, u) VALUES (${id}, 'a', {'x', 'y'}, {'k': '1', 'j': '2'}, ['p', 'q'], {city: 'c', zip: 'z'}) ${old}`,
      `UPDATE {ks}.changing USING TTL 2 SET ttl = 'soon' WHERE id = ${id}`,
    );
  const definition = keyspace.definition("changing", {
    columns: ["id", "a", "ttl", "s", "m", "l", "u"],
  });
  const first = await keyspace.read(definition, { passNumber: 1 });
  expect(first.docs.sort(byId)[0]).toMatchObject({ id: 1, a: "a", ttl: "soon", s: ["x", "y"] });
  await keyspace.execute(
    `UPDATE {ks}.changing SET a = null WHERE id = 1`,
    `UPDATE {ks}.changing SET s = s - {'x'}, m = m - {'k'}, l = l - ['q'] WHERE id = 1`,
    `UPDATE {ks}.changing SET u.zip = null WHERE id = 1`,
    // Older than now, newer than the row.
    `UPDATE {ks}.changing USING TIMESTAMP 2000 SET a = 'back-dated' WHERE id = 2`,
    // Older than the row: it changes nothing at the source, and so nothing here.
    `UPDATE {ks}.changing USING TIMESTAMP 500 SET a = 'too old' WHERE id = 2`,
    `INSERT INTO {ks}.changing (id, a) VALUES (3, 'older than all') USING TIMESTAMP 1`,
  );
  await expect
    .poll(async () => (await keyspace.read(definition)).docs.map(({ ttl }) => ttl), {
      timeout: 20_000,
      interval: 300,
    })
    .toEqual([null, null, null]);
  const second = await keyspace.read(definition, { passNumber: 2 });
  expect(second.docs.sort(byId)).toEqual([
    { id: 1, a: null, ttl: null, s: ["y"], m: { j: "2" }, l: ["p"], u: { city: "c", zip: null } },
    {
      ...{ id: 2, a: "back-dated", ttl: null, s: ["x", "y"], m: { j: "2", k: "1" } },
      ...{ l: ["p", "q"], u: { city: "c", zip: "z" } },
    },
    { id: 3, a: "older than all", ttl: null, s: null, m: null, l: null, u: null },
  ]);
  // The observation is the version, whatever the cells' write times.
  expect(new Set(second.lines.map(({ version }) => String(version)))).toEqual(new Set(["2,0,0"]));
});

test("a changed static column changes all rows of its partition; a partition without rows comes with a null key", async () => {
  await keyspace.execute(
    `CREATE TABLE {ks}.statics (id int, n int, note text static, PRIMARY KEY (id, n))`,
    `INSERT INTO {ks}.statics (id, n, note) VALUES (1, 1, 'old')`,
    `INSERT INTO {ks}.statics (id, n) VALUES (1, 2)`,
    `UPDATE {ks}.statics SET note = 'new' WHERE id = 1`,
    `UPDATE {ks}.statics SET note = 'alone' WHERE id = 2`,
    `INSERT INTO {ks}.statics (id, n) VALUES (3, 1)`,
  );
  const definition = keyspace.definition("statics", {
    columns: ["id", "n", "note"],
    key: ["id", "n"],
  });
  const { docs } = await keyspace.read(definition, { pageRows: 1, pagesAReader: 1 });
  const rows = docs.sort((a, b) =>
    `${String(a.id)}/${String(a.n)}` < `${String(b.id)}/${String(b.n)}` ? -1 : 1,
  );
  expect(rows).toEqual([
    { id: 1, n: 1, note: "new" },
    { id: 1, n: 2, note: "new" },
    // Its key is not whole, so that the build puts it into quarantine and counts it: it is not lost, and no row either.
    { id: 2, n: null, note: "alone" },
    { id: 3, n: 1, note: null },
  ]);
});

test("rows that are nothing but a key, and counters that were counted down", async () => {
  await keyspace.execute(
    `CREATE TABLE {ks}.pairs (a text, b uuid, PRIMARY KEY (a, b))`,
    `INSERT INTO {ks}.pairs (a, b) VALUES ('k', 5b6962dd-3f90-4c93-8f61-eabfa4a803e2)`,
    `CREATE TABLE {ks}.counts (id int PRIMARY KEY, up counter, down counter)`,
    `UPDATE {ks}.counts SET up = up + 3, down = down - 9007199254740993 WHERE id = 1`,
    `UPDATE {ks}.counts SET up = up + 4 WHERE id = 1`,
    `UPDATE {ks}.counts SET up = up + 1 WHERE id = 2`,
  );
  const pairs = keyspace.definition("pairs", { columns: ["a", "b"], key: ["a", "b"] });
  expect((await keyspace.read(pairs)).docs).toEqual([
    { a: "k", b: "5b6962dd-3f90-4c93-8f61-eabfa4a803e2" },
  ]);
  const counts = keyspace.definition("counts", { columns: ["id", "up", "down"] });
  const { text, docs } = await keyspace.read(counts);
  expect(text).toContain('{"id":1,"up":7,"down":-9007199254740993}');
  expect(text).toContain('{"id":2,"up":1,"down":null}');
  expect(docs).toHaveLength(2);
});

test("types that lose something elsewhere: early timestamps, addresses, durations, nested and frozen values", async () => {
  await keyspace.execute(
    `CREATE TYPE {ks}.point (x double, y decimal)`,
    `CREATE TYPE {ks}.shape (name text, points frozen<list<frozen<point>>>)`,
    `CREATE TABLE {ks}.rich (id timestamp, ip inet, ip6 inet, d duration, t tuple<int, frozen<list<text>>>, ` +
      `loose shape, frozen_shape frozen<shape>, deep map<text, frozen<map<text, frozen<list<frozen<tuple<bigint, text>>>>>>>, ` +
      `PRIMARY KEY (id))`,
    `INSERT INTO {ks}.rich (id, ip, ip6, d, t, loose, frozen_shape, deep) VALUES ('0001-01-01T00:00:00.007Z', '10.0.0.1', ` +
      `'::ffff:1.2.3.4', -1y2mo, (null, ['a', 'b']), {name: 'loose', points: [{x: -0.5, y: 1.10}]}, ` +
      `{name: null, points: []}, {'k': {'i': [(9223372036854775807, null)]}})`,
  );
  const { text, docs } = await keyspace.read(
    keyspace.definition("rich", {
      columns: ["id", "ip", "ip6", "d", "t", "loose", "frozen_shape", "deep"],
    }),
  );
  expect(docs).toHaveLength(1);
  for (const part of [
    '"id":"0001-01-01T00:00:00.007Z"',
    '"ip":"10.0.0.1"',
    '"d":"P-14M"',
    '"t":[null,["a","b"]]',
    '"loose":{"name":"loose","points":[{"x":-0.5,"y":1.10}]}',
    '"frozen_shape":{"name":null,"points":[]}',
    '"deep":{"k":{"i":[[9223372036854775807,null]]}}',
  ])
    expect(text).toContain(part);
  // An IPv4 address in the form of IPv6 is the same address.
  expect(text).toMatch(/"ip6":"(1\.2\.3\.4|::ffff:(1\.2\.3\.4|102:304))"/);
});

test("a column added to a user-defined type while it is read, and one dropped", async () => {
  await keyspace.execute(
    `CREATE TYPE {ks}.grows (a int)`,
    `CREATE TABLE {ks}.growing (id int PRIMARY KEY, u frozen<grows>, gone text)`,
  );
  for (let id = 0; id < 20; id += 1)
    await keyspace.execute(`INSERT INTO {ks}.growing (id, u) VALUES (${id}, {a: ${id}})`);
  const definition = keyspace.definition("growing", { columns: ["id", "u"], splits: 1 });
  let readers = 0;
  const { docs } = await keyspace.read(definition, {
    ...{ pageRows: 5, pagesAReader: 1 },
    between: async (position) => {
      readers += 1;
      if (readers === 2)
        await keyspace.execute(
          `ALTER TYPE {ks}.grows ADD b text`,
          `ALTER TABLE {ks}.growing DROP gone`,
          `INSERT INTO {ks}.growing (id, u) VALUES (20, {a: 20, b: 'new'})`,
        );
      return position;
    },
  });
  // The schema changed, so the page state was not used any more and reading went on from the last token.
  const ids = new Set(docs.map(({ id }) => id));
  for (let id = 0; id < 20; id += 1) expect(ids).toContain(id);
});

test("a partition of 50,000 rows is paged, and resumed by page state and without it", async () => {
  const rows = 50_000;
  await keyspace.execute(
    `CREATE TABLE {ks}.huge (id int, n int, v text, PRIMARY KEY (id, n))`,
    `INSERT INTO {ks}.huge (id, n, v) VALUES (2, 1, 'small')`,
  );
  for (let from = 0; from < rows; from += 500) {
    const inserts = Array.from(
      { length: 500 },
      (_, n) => `INSERT INTO {ks}.huge (id, n, v) VALUES (1, ${from + n}, 'row ${from + n}')`,
    );
    await keyspace.execute(`BEGIN UNLOGGED BATCH ${inserts.join("; ")} APPLY BATCH`);
  }
  const definition = keyspace.definition("huge", {
    ...{ columns: ["id", "n", "v"], key: ["id", "n"], splits: 1 },
  });
  const whole = await keyspace.read(definition, { pageRows: 2000, pagesAReader: 3 });
  expect(whole.docs).toHaveLength(rows + 1);
  expect(new Set(whole.docs.map(({ id, n }) => `${String(id)}/${String(n)}`)).size).toBe(rows + 1);
  let readers = 0;
  const resumed = await keyspace.read(definition, {
    ...{ pageRows: 10_000, pagesAReader: 3 },
    between: (position) => {
      readers += 1;
      return readers === 1
        ? position.replace(/"pageState":"[0-9a-f]+"/, '"pageState":"ffff"')
        : position;
    },
  });
  expect(new Set(resumed.docs.map(({ id, n }) => `${String(id)}/${String(n)}`)).size).toBe(
    rows + 1,
  );
  expect(resumed.docs.length).toBeGreaterThan(rows + 1);
});

test("large rows are asked for in small pages, and small ones in large pages again", async () => {
  await keyspace.execute(`CREATE TABLE {ks}.sizes (id int, n int, v text, PRIMARY KEY (id, n))`);
  const large = "x".repeat(300_000);
  for (let n = 0; n < 40; n += 1)
    await keyspace.execute(`INSERT INTO {ks}.sizes (id, n, v) VALUES (1, ${n}, '${large}')`);
  for (let from = 0; from < 4000; from += 500) {
    const inserts = Array.from(
      { length: 500 },
      (_, n) => `INSERT INTO {ks}.sizes (id, n, v) VALUES (1, ${1000 + from + n}, 'small')`,
    );
    await keyspace.execute(`BEGIN UNLOGGED BATCH ${inserts.join("; ")} APPLY BATCH`);
  }
  const definition = keyspace.definition("sizes", {
    ...{ columns: ["id", "n", "v"], key: ["id", "n"], splits: 1 },
  });
  const [bounds] = await keyspace.client.planRows(definition, null);
  if (bounds === undefined) throw new Error("no split");
  const reader = await keyspace.client.open({
    ...{ table: definition, kind: "rows", passNumber: 1, bounds, position: null },
    held: { opened: () => Promise.resolve(), closed: () => Promise.resolve() },
    warn: () => undefined,
  });
  const pages: { rows: number; bytes: number }[] = [];
  let done = false;
  while (!done) {
    const batch = await reader.next(2000);
    pages.push({ rows: batch.rows, bytes: batch.lines.length });
    done = batch.done;
  }
  expect(pages.reduce((sum, { rows }) => sum + rows, 0)).toBe(4040);
  // Nothing was known at the first page; after it a response has two megabytes at most.
  expect(pages[0]).toMatchObject({ rows: 32 });
  for (const { bytes } of pages.slice(1)) expect(bytes).toBeLessThan(2.5 * 1024 * 1024);
  expect(Math.max(...pages.map(({ rows }) => rows))).toBeGreaterThan(500);
});
