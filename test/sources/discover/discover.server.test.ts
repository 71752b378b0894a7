// Discovers real indices and tables: the proposed entries pass validation, and drift is seen.
import { randomUUID } from "node:crypto";
import type cassandra from "cassandra-driver";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { resolveEntry } from "../../../catalog/resolve.ts";
import type { Table } from "../../../catalog/table.ts";
import type { TableDefinition } from "../../../catalog/definition.ts";
import { differencesNow, differencesSince } from "../../../sources/discover/differences.ts";
import { propose, type Proposal } from "../../../sources/discover/proposal.ts";
import type { CassandraSource } from "../../../sources/cassandra/cassandra.ts";
import { ElasticsearchSource } from "../../../sources/elasticsearch/elasticsearch.ts";
import { SourceConfigurationError } from "../../../contract/errors.ts";
import { TestKeyspace } from "../cassandra/keyspace.ts";
import { Cluster } from "../elasticsearch/cluster.ts";
import { runElasticsearch, type RunningServer } from "../../functions/extract/servers.ts";
import { importProposal } from "./entry-file.ts";

const documents = { documents: 200, dutyCycle: 1 };
function definitionOf(table: Table): TableDefinition {
  const definition = resolveEntry(table, { deployment: "d" });
  if (definition.kind !== "table") throw new Error(`${table.name} is not a table`);
  return definition;
}

describe("Elasticsearch", () => {
  let server: RunningServer;
  let cluster: Cluster;
  let source: ElasticsearchSource;

  beforeAll(async () => {
    server = await runElasticsearch();
    cluster = new Cluster(server.address);
    source = new ElasticsearchSource("search", { nodes: [server.address] });
  });
  afterAll(async () => {
    await source.close();
    await server.stop();
  });

  const everyType = {
    ...{ a: { type: "keyword" }, b: { type: "text", fields: { raw: { type: "keyword" } } } },
    ...{ c: { type: "wildcard" }, d: { type: "constant_keyword", value: "x" } },
    ...{ ip: { type: "ip" }, v: { type: "boolean" }, w: { type: "byte" }, x: { type: "short" } },
    ...{ y: { type: "integer" }, z: { type: "long" }, u: { type: "unsigned_long" } },
    ...{ f: { type: "float" }, g: { type: "half_float" }, h: { type: "double" } },
    ...{ day: { type: "date", format: "strict_date" }, changed: { type: "date_nanos" } },
    ...{
      seconds: { type: "date", format: "epoch_second" },
      odd: { type: "date", format: "dd/MM" },
    },
    ...{
      bytes: { type: "binary" },
      range: { type: "integer_range" },
      times: { type: "date_range" },
    },
    ...{ flat: { type: "flattened" }, off: { type: "object", enabled: false } },
    ...{
      point: { type: "geo_point" },
      done: { type: "completion" },
      al: { type: "alias", path: "a" },
    },
    ...{ many: { type: "nested", properties: { n: { type: "long" } } } },
    ...{ one: { properties: { deep: { properties: { n: { type: "long" } } } } } },
    "select-Me": { type: "keyword" },
  };

  test("every type of a mapping becomes a column that passes validation", async () => {
    const known: Record<string, unknown> = {};
    for (const [name, property] of Object.entries(everyType)) {
      // The server here comes without some modules.
      const index = `t-${randomUUID()}`;
      const properties = { a: { type: "keyword" }, [name]: property };
      const isKnown = await cluster.send("PUT", `/${index}`, { mappings: { properties } }).then(
        () => true,
        () => false,
      );
      if (!isKnown) continue;
      known[name] = property;
      await cluster.send("DELETE", `/${index}`);
    }
    expect(Object.keys(known).length).toBeGreaterThan(25);
    const index = await cluster.makeIndex(known);
    const empty = propose(await source.discover({ index }, documents), "search", "things");
    await importProposal(empty);
    const today = new Date().toISOString().slice(0, 10);
    await cluster.index(index, [
      {
        id: "1",
        json: `{"a":["x","y"],"z":9223372036854775807,"u":18446744073709551615,"changed":"${today}T00:00:00.000000001Z","many":{"n":[1,2]},"extra":1,"point":"1,2","off":{"any":[1]}}`,
      },
      { id: "2", json: `{"changed":"${today}T00:00:00.000000002Z"}` },
    ]);
    expect(empty.cursor).toBeNull();
    expect(empty.remarks.join()).toContain("not changed: there are no documents yet");
    const proposal = propose(await source.discover({ index }, documents), "search", "things");
    const { entry } = await importProposal(proposal);
    expect("cursor" in entry ? entry.cursor?.column : null).toBe("changed");
    const types = Object.fromEntries(entry.columns.map(({ name, type }) => [name, type]));
    expect(types).toMatchObject({
      ...{ a: { list: "string" }, day: "date", f: "double" },
      ...{
        seconds: { timestamp: "epoch_seconds" },
        odd: "string",
        off_value: "json",
        point: "json",
      },
      ...{ many: { list: { struct: [{ name: "n", type: { list: "long" } }] } } },
      ...{ select_me: "string", changed: "timestamp", flat: "json", bytes: "binary" },
    });
    expect(proposal.remarks.join()).toContain("extra");
    const shape = await source.describe({ index });
    expect(
      differencesNow(definitionOf(entry), shape).map(({ kind, field }) => [kind, field]),
    ).toEqual(
      // An alias looks like a field to the cluster, but no document holds it.
      [["new", "al"]],
    );
  });

  describe("a cursor is proposed only if the documents confirm it", () => {
    const now = Date.now();
    const hour = 3_600_000;
    const rowsOf = (count: number, json: (n: number) => unknown): { id: string; json: string }[] =>
      Array.from({ length: count }, (_, n) => ({ id: `d${n}`, json: JSON.stringify(json(n)) }));
    const proposalOf = async (index: string, sample = documents): Promise<Proposal> => {
      const proposal = propose(await source.discover({ index }, sample), "search", "things");
      await importProposal(proposal);
      return proposal;
    };
    const reasons = ({ remarks }: Proposal): string =>
      remarks.filter((remark) => remark.startsWith("Cursor: ")).join("\n");

    test("not a format's version, nor with it what is missing, text, in the future or of several values", async () => {
      const index = await cluster.makeIndex({
        ...{ version: { type: "long" }, updated_at: { type: "keyword" } },
        ...{
          modified: { type: "date" },
          changed_at: { type: "date" },
          last_update: { type: "date" },
        },
      });
      await cluster.index(
        index,
        rowsOf(200, (n) => ({
          ...{ version: 3, updated_at: new Date(now - n * hour).toISOString() },
          ...{ modified: n < 40 ? now : undefined, changed_at: now + (n + 1) * 24 * hour },
          last_update: [now, now - hour],
        })),
      );
      const proposal = await proposalOf(index);
      expect(proposal.cursor).toBeNull();
      expect(proposal.deletes).toEqual({ strategy: "full-scan" });
      const reported = reasons(proposal);
      expect(reported).toContain(
        "not version: it is 3 in all 200 documents, so later ones would never be found",
      );
      expect(reported).toContain("not updated_at: it is keyword, which is compared as text");
      expect(reported).toContain("not modified: 160 of 200 documents have no value");
      expect(reported).toMatch(/not changed_at: 200 of 200 documents have a time in the future/);
      expect(reported).toContain("not last_update: documents have several values of it");
    });

    test("a version that was raised once in the order of writing is none, and a sequence is one", async () => {
      const index = await cluster.makeIndex({
        ...{ version: { type: "long" }, sequence: { type: "long" } },
      });
      for (let part = 0; part < 4; part += 1)
        await cluster.index(
          index,
          rowsOf(50, (n) => ({ version: part < 2 ? 1 : 2, sequence: part * 50 + n })).map(
            ({ id, json }) => ({ id: `${part}-${id}`, json }),
          ),
        );
      const proposal = await proposalOf(index);
      expect(proposal.cursor).toMatchObject({ column: "sequence" });
      expect(reasons(proposal)).toMatch(
        /not version: .*so later ones (would never|may never) be found/,
      );
      expect(reasons(proposal)).toMatch(/sequence: in \d+ sampled documents it grows/);
    });

    test("a creation that changes do not set is none; the time that each change sets is one, over years and shards", async () => {
      const index = await cluster.makeIndex(
        { created_at: { type: "date" }, updated_at: { type: "date_nanos" } },
        { number_of_shards: 4 },
      );
      const write = (ids: readonly number[], from: number): Promise<void> =>
        cluster.index(
          index,
          ids.map((n, at) => ({
            id: `d${n}`,
            json: JSON.stringify({
              created_at: Date.UTC(2015, 0, 1) + n * hour,
              updated_at: new Date(from + at * 1000).toISOString(),
            }),
          })),
        );
      const all = Array.from({ length: 300 }, (_, n) => n);
      await write(all, Date.UTC(2015, 6, 1));
      // Changes of years ago, of the oldest documents among others.
      await write(all.filter((n) => n % 3 === 0).reverse(), Date.UTC(2016, 0, 1));
      const proposal = await proposalOf(index);
      expect(proposal.cursor).toMatchObject({ column: "updated_at" });
      expect(reasons(proposal)).toMatch(
        /not created_at: its latest value, 2015-.*documents written later have earlier values/,
      );
      expect(reasons(proposal)).toMatch(/updated_at: in \d+ .* grows .*its latest value is 2016-/);
    });

    test("nothing sampled, an index of one document, and one of none propose none", async () => {
      const index = await cluster.makeIndex({ updated_at: { type: "date" } });
      expect(reasons(await proposalOf(index))).toContain(
        "not updated_at: there are no documents yet",
      );
      await cluster.index(index, [{ id: "1", json: JSON.stringify({ updated_at: now }) }]);
      const one = await proposalOf(index);
      expect(one.cursor).toBeNull();
      expect(reasons(one)).toContain("not updated_at: one document cannot show whether it differs");
      await cluster.index(
        index,
        rowsOf(20, (n) => ({ updated_at: now - n * hour })),
      );
      expect((await proposalOf(index)).cursor).toMatchObject({ column: "updated_at" });
      const none = await proposalOf(index, { documents: 0, dutyCycle: 1 });
      expect(none.cursor).toBeNull();
      expect(reasons(none)).toContain("Discover it again with documents to sample");
    });

    test("an alias of indices with different shards is asked as one", async () => {
      const base = `t-${randomUUID()}`;
      for (const [number, shards] of [1, 3].entries()) {
        const name = `${base}-${number}`;
        await cluster.send("PUT", `/${name}`, {
          settings: { number_of_shards: shards, number_of_replicas: 0 },
          mappings: { properties: { revision: { type: "long" } } },
        });
        await cluster.index(
          name,
          rowsOf(60, (n) => ({ revision: number * 1000 + n })),
        );
      }
      const proposal = await proposalOf(`${base}-*`);
      expect(proposal.cursor).toMatchObject({ column: "revision" });
    });
  });

  test("a pattern is discovered as one, and its indices' differences are reported", async () => {
    const base = `t-${randomUUID()}`;
    const make = (name: string, properties: unknown) =>
      cluster.send("PUT", `/${base}-${name}`, { mappings: { properties } });
    await make("1", { n: { type: "integer" }, updated: { type: "date" } });
    await make("2", { n: { type: "long" }, updated: { type: "date" }, fresh: { type: "keyword" } });
    await cluster.index(`${base}-1`, [{ id: "a", json: '{"n":1,"updated":"2024-01-01"}' }]);
    await cluster.index(`${base}-2`, [{ id: "a", json: '{"n":2,"updated":"2024-01-02T00:00Z"}' }]);
    const discovery = await source.discover({ index: `${base}-*` }, documents);
    expect(discovery.sampledDocuments).toBe(2);
    const proposal = propose(discovery, "search", "things");
    const n = proposal.columns.find(({ name }) => name === "n");
    expect(n).toMatchObject({ type: "long" });
    expect(n?.remarks.join()).toContain("the indices disagree: integer in 1, long in 1");
    expect(proposal.remarks.join()).toContain("2 indices");
    await importProposal(proposal);
    const { fields } = await source.describe({ index: `${base}-*` });
    expect(fields.n).toEqual({ types: ["integer", "long"] });
  });

  test("2,000 fields and documents of a megabyte are sampled within bounds", async () => {
    const index = await cluster.makeIndex(
      {
        ...Object.fromEntries(Array.from({ length: 2000 }, (_, n) => [`f${n}`, { type: "long" }])),
        updated: { type: "date" },
      },
      { "mapping.total_fields.limit": 5000 },
    );
    const large = JSON.stringify({
      f1: 1,
      updated: 1_700_000_000_000,
      text: "x".repeat(1_000_000),
    });
    for (let n = 0; n < 60; n += 1) await cluster.index(index, [{ id: `d${n}`, json: large }]);
    const discovery = await source.discover({ index }, { documents: 200, dutyCycle: 1 });
    expect(discovery.sampledDocuments).toBeGreaterThan(10);
    expect(discovery.sampledDocuments).toBeLessThan(60);
    const { entry } = await importProposal(propose(discovery, "search", "things"));
    expect(entry.columns).toHaveLength(1599);
  });

  test("drift: a new field, one of another type, one that is gone", async () => {
    const base = `t-${randomUUID()}`;
    const put = (n: number, properties: unknown) =>
      cluster.send("PUT", `/${base}-${n}`, { mappings: { properties } });
    await put(1, { n: { type: "long" }, updated: { type: "date" }, left: { type: "keyword" } });
    const place = { index: `${base}-*` };
    const proposal = propose(await source.discover(place, documents), "search", "things");
    const table = definitionOf((await importProposal(proposal)).entry);
    const { fields: before } = await source.describe(place);
    expect(differencesSince(table, before, await source.describe(place))).toEqual([]);
    await put(2, { n: { type: "keyword" }, fresh: { properties: { x: { type: "long" } } } });
    const shape = await source.describe(place);
    expect(differencesSince(table, before, shape).map(({ field }) => field)).toEqual(["fresh"]);
    const [unfit] = differencesNow(table, shape);
    expect(unfit).toMatchObject({ kind: "unfit", column: "n" });
    expect(unfit?.message).toContain("keyword and long");
    await cluster.send("DELETE", `/${base}-1`);
    const rolled = differencesNow(table, await source.describe(place));
    expect(rolled.map(({ kind, field }) => `${kind} ${field}`)).toEqual([
      ...["lost left", "unfit n", "lost updated", "new fresh"],
    ]);
  });

  test("an index that does not exist is rejected with its name", async () => {
    const index = `t-${randomUUID()}`;
    await expect(source.discover({ index }, documents)).rejects.toThrow(SourceConfigurationError);
    await expect(source.describe({ index })).rejects.toThrow(index);
    await expect(source.describe({ keyspace: "k", table: "t" })).rejects.toThrow(
      '{"keyspace":"k","table":"t"} is not a place of Elasticsearch',
    );
  });
});

describe("Cassandra", () => {
  let made: TestKeyspace;
  let keyspace: string;
  let writer: cassandra.Client;
  let source: CassandraSource;

  beforeAll(async () => {
    made = await TestKeyspace.make();
    ({ name: keyspace, writer, client: source } = made);
  });
  afterAll(async () => {
    await made.close();
  });

  test("the indexed columns that the sampled rows do not confirm are reported", async () => {
    await writer.execute(
      `CREATE TABLE ${keyspace}.indexed (id int PRIMARY KEY, version bigint, changed timestamp, old timestamp)`,
    );
    for (const column of ["version", "changed", "old"])
      await writer.execute(`CREATE INDEX ON ${keyspace}.indexed (${column}) USING 'sai'`);
    for (let id = 0; id < 20; id += 1)
      await writer.execute(
        `INSERT INTO ${keyspace}.indexed (id, version, changed, old) VALUES (${id}, 3, ${Date.now() - id * 1000}, ${id * 1000})`,
      );
    const discovery = await source.discover({ keyspace, table: "indexed" }, documents);
    const reported = discovery.remarks.filter((remark) => remark.startsWith("Index on "));
    expect(reported).toHaveLength(2);
    expect(reported.join()).toMatch(/Index on version: not a time .*in all 20 rows, so later ones/);
    expect(reported.join()).toMatch(/Index on old: not a time .* its latest value, 1970-/);
    const empty = await source.discover({ keyspace, table: "indexed" }, { documents: 0 });
    expect(empty.remarks.join()).toContain("Index on changed: no row was sampled");
  });

  test("every CQL type becomes a column that passes validation", async () => {
    await writer.execute(`CREATE TYPE ${keyspace}.part (a text, "B" frozen<list<int>>)`);
    await writer.execute(`CREATE TYPE ${keyspace}.odd (t tuple<int, text>)`);
    const types: readonly (readonly [cql: string, value: string, proposed: unknown])[] = [
      ...([
        ["ascii", "'x'", "string"],
        ["bigint", "9223372036854775807", "long"],
        ["blob", "0x00", "binary"],
        ["boolean", "true", "boolean"],
        ["date", "'2024-01-01'", "date"],
        ["decimal", "1.25", { decimal: [38, 2] }],
        ["double", "NaN", "double"],
        ["duration", "1d", "string"],
        ["float", "1.5", "float"],
        ["inet", "'10.0.0.1'", "string"],
        ["int", "1", "int"],
        ["smallint", "1", "int"],
        ["text", "'x'", "string"],
        ["time", "'01:02:03'", "string"],
        ["timestamp", "0", "timestamp"],
        ["timeuuid", "now()", "string"],
        ["tinyint", "1", "int"],
        ["uuid", "uuid()", "string"],
        ["varint", "123456789012345678901234567890123456789", "string"],
        ["varint", "12", { decimal: [38, 0] }],
        ["list<bigint>", "[1]", { list: "long" }],
        ["set<text>", "{'a'}", { list: "string" }],
        ["map<int, text>", "{1: 'a'}", { map: "string" }],
        ["map<text, frozen<map<text, int>>>", "{'a': {'b': 1}}", { map: { map: "int" } }],
        ["tuple<int, text>", "(1, 'a')", "json"],
        ["list<frozen<tuple<int, text>>>", "[(1, 'a')]", "json"],
        [
          "frozen<part>",
          `{a: 'x', "B": [1]}`,
          {
            struct: [
              { name: "a", type: "string" },
              { name: "b", type: { list: "int" }, from: "B" },
            ],
          },
        ],
        ["frozen<odd>", "{t: (1, 'x')}", "json"],
        ["vector<float, 2>", "[1.5, 2]", { list: "float" }],
      ] as const),
    ];
    const columns = types.map(([cql], n) => `"c${n}" ${cql}`).join(", ");
    await writer.execute(
      `CREATE TABLE ${keyspace}.every ("Id" frozen<set<int>>, s text static, k double, ${columns}, PRIMARY KEY ("Id", k)) WITH comment = 'Every type.' AND default_time_to_live = 60`,
    );
    const names = types.map((_, n) => `c${n}`).join(", ");
    const values = types.map(([, value]) => value).join(", ");
    await writer.execute(
      `INSERT INTO ${keyspace}.every ("Id", k, ${names}) VALUES ({1}, 1.5, ${values})`,
    );
    const place = { keyspace, table: "every" };
    const proposal = propose(await source.discover(place, documents), "events");
    const { entry, text } = await importProposal(proposal);
    const proposed = new Map(entry.columns.map(({ name, type }) => [name, type]));
    for (const [n, [, , type]] of types.entries()) expect(proposed.get(`c${n}`)).toEqual(type);
    expect(entry).toMatchObject({ key: ["id", "k"], description: "Every type." });
    expect(text).toContain("static");
    expect(text).toContain("expire after 60 s");
    const differences = differencesNow(definitionOf(entry), await source.describe(place));
    // A key of a set is not what text takes, and the proposal says so.
    expect(differences.map(({ kind, field }) => [kind, field])).toEqual([
      ["unfit", "Id"],
      ["unfit", "k"],
    ]);
    const empty = propose(await source.discover(place, { documents: 0 }), "events", "none");
    await importProposal(empty);
  });

  test("a counter table, and a table of a key only", async () => {
    await writer.execute(`CREATE TABLE ${keyspace}.counts (id uuid PRIMARY KEY, n counter)`);
    await writer.execute(`CREATE TABLE ${keyspace}."Only Key" (id int PRIMARY KEY)`).catch(() => 0);
    await writer.execute(`CREATE TABLE ${keyspace}."OnlyKey" (id int PRIMARY KEY)`);
    const counts = propose(
      await source.discover({ keyspace, table: "counts" }, documents),
      "events",
    );
    expect(counts.columns.map(({ type }) => type)).toEqual(["string", "long"]);
    const only = propose(
      await source.discover({ keyspace, table: "OnlyKey" }, documents),
      "events",
    );
    expect(only).toMatchObject({ name: "only_key", from: { keyspace, table: "OnlyKey" } });
    await importProposal(only);
  });

  test("drift: a new column, a new field of a type inside, a dropped column", async () => {
    await writer.execute(`CREATE TYPE ${keyspace}.box (w int)`);
    await writer.execute(
      `CREATE TABLE ${keyspace}.drifting (id int PRIMARY KEY, boxes list<frozen<box>>, gone text)`,
    );
    const place = { keyspace, table: "drifting" };
    const proposal = propose(await source.discover(place, documents), "events");
    const table = definitionOf((await importProposal(proposal)).entry);
    const { fields: before } = await source.describe(place);
    expect(differencesNow(table, await source.describe(place))).toEqual([]);
    await writer.execute(`ALTER TYPE ${keyspace}.box ADD h int`);
    await writer.execute(`ALTER TABLE ${keyspace}.drifting ADD fresh map<text, int>`);
    await writer.execute(`ALTER TABLE ${keyspace}.drifting DROP gone`);
    const shape = await source.describe(place);
    const since = differencesSince(table, before, shape);
    expect(since.map(({ kind, field }) => `${kind} ${field}`).sort()).toEqual([
      ...["new boxes.h", "new fresh"],
    ]);
    expect(differencesNow(table, shape)[0]).toMatchObject({ kind: "lost", column: "gone" });
  });

  test("a table that does not exist is rejected with its name", async () => {
    for (const place of [
      { keyspace, table: "none" },
      { keyspace: "no_such_keyspace", table: "none" },
    ])
      await expect(source.describe(place)).rejects.toThrow(SourceConfigurationError);
    await expect(source.describe({ index: "x" })).rejects.toThrow(
      '{"index":"x"} is not a place of Cassandra',
    );
  });
});
