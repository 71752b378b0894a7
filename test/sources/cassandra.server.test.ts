// Tests scanning a real Cassandra: every type without loss, every row of the ring, page states that may not be used.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TableDefinition } from "../../catalog/definition.ts";
import { CassandraSource } from "../../sources/cassandra/cassandra.ts";
import { SourceConfigurationError, SourceUnavailableError } from "../../contract/errors.ts";
import { CASSANDRA_DATA_CENTER } from "../../local/servers/cassandra.ts";
import { type Line, readSplit } from "../functions/extract/fixtures.ts";
import { TestKeyspace } from "./cassandra/keyspace.ts";

let keyspace: TestKeyspace;

beforeAll(async () => {
  keyspace = await TestKeyspace.make();
});

afterAll(async () => {
  await keyspace.close();
});

function table(name: string, columns: readonly string[], splits = 4): TableDefinition {
  return keyspace.definition(name, { columns, splits });
}

const uuid = "5b6962dd-3f90-4c93-8f61-eabfa4a803e2";
const timeUuid = "5b6962dd-3f90-11e7-8f61-eabfa4a803e2";

/** Column, CQL type, CQL literal, and the JSON text that it must become. */
const types: readonly (readonly [string, string, string, string])[] = [
  ["c_ascii", "ascii", "'as\"ci'", String.raw`"as\"ci"`],
  ["c_text", "text", "'é€🙂\\'", String.raw`"é€🙂\\"`],
  ["c_bigint", "bigint", "9223372036854775807", "9223372036854775807"],
  ["c_bigint_low", "bigint", "-9223372036854775808", "-9223372036854775808"],
  ["c_varint", "varint", "-123456789012345678901234567890", "-123456789012345678901234567890"],
  ["c_int", "int", "-2147483648", "-2147483648"],
  ["c_smallint", "smallint", "-32768", "-32768"],
  ["c_tinyint", "tinyint", "-128", "-128"],
  ["c_boolean", "boolean", "false", "false"],
  ["c_decimal", "decimal", "-0.00012345678901234567890", "-0.00012345678901234567890"],
  ["c_decimal_whole", "decimal", "12345678901234567890.10", "12345678901234567890.10"],
  ["c_decimal_large", "decimal", "1E+40", "1E40"],
  ["c_double", "double", "0.1", "0.1"],
  ["c_double_nan", "double", "NaN", '"NaN"'],
  ["c_double_infinity", "double", "-Infinity", '"-Infinity"'],
  ["c_double_zero", "double", "-0.0", "-0.0"],
  ["c_float", "float", "0.1", "0.1"],
  ["c_float_large", "float", "3.4028235E38", "3.4028235e+38"],
  ["c_float_nan", "float", "NaN", '"NaN"'],
  ["c_timestamp", "timestamp", "'1960-01-01T00:00:00.001Z'", '"1960-01-01T00:00:00.001Z"'],
  ["c_timestamp_far", "timestamp", "253402300800000", '"+010000-01-01T00:00:00.000Z"'],
  ["c_date", "date", "'0099-02-03'", '"0099-02-03"'],
  ["c_date_before", "date", "'-0044-03-15'", '"-0044-03-15"'],
  ["c_time", "time", "'01:02:03.000000004'", '"01:02:03.000000004"'],
  ["c_duration", "duration", "14mo2d3h4ns", '"P14M2DT10800.000000004S"'],
  ["c_duration_back", "duration", "-1mo2d3s", '"P-1M-2DT-3S"'],
  ["c_uuid", "uuid", uuid, `"${uuid}"`],
  ["c_timeuuid", "timeuuid", timeUuid, `"${timeUuid}"`],
  ["c_inet", "inet", "'2001:db8::1'", '"2001:db8::1"'],
  ["c_blob", "blob", "0xdeadbeef", '"3q2+7w=="'],
  ["c_list", "list<bigint>", "[2, 9007199254740993]", "[2,9007199254740993]"],
  ["c_set", "set<text>", "{'b', 'a'}", '["a","b"]'],
  ["c_map", "map<int, text>", "{1: 'x', -2: 'y'}", '{"-2":"y","1":"x"}'],
  ["c_map_text", "map<text, frozen<list<decimal>>>", "{'k\"': [1.10]}", String.raw`{"k\"":[1.10]}`],
  ["c_map_uuid", `map<uuid, boolean>`, `{${uuid}: true}`, `{"${uuid}":true}`],
  ["c_tuple", "tuple<int, text, float>", "(1, null, 1.5)", "[1,null,1.5]"],
  ["c_udt", "frozen<address>", "{street: 's', \"No\": 7}", '{"street":"s","No":7,"since":null}'],
  ["c_nested", "frozen<map<text, set<int>>>", "{'a': {2, 1}}", '{"a":[1,2]}'],
  ["c_vector", "vector<float, 3>", "[1, 2.5, 0.1]", "[1,2.5,0.1]"],
  ["c_null", "text", "null", "null"],
];

test("every type becomes JSON without loss", async () => {
  await keyspace.execute(`CREATE TYPE {ks}.address (street text, "No" int, since date)`);
  const columns = types.map(([name, type]) => `${name} ${type}`).join(", ");
  await keyspace.execute(`CREATE TABLE {ks}.types (id text PRIMARY KEY, ${columns})`);
  const names = types.map(([name]) => name).join(", ");
  const literals = types.map(([, , literal]) => literal).join(", ");
  await keyspace.execute(`INSERT INTO {ks}.types (id, ${names}) VALUES ('1', ${literals})`);
  const definition = table("types", ["id", ...types.map(([name]) => name)]);
  const { lines, text } = await keyspace.read(definition, { pageRows: 100, pagesAReader: 100 });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({ op: "upsert", id: null, version: [4, 0, 0] });
  for (const [name, , , json] of types) expect(text).toContain(`,"${name}":${json}`);
});

test("counters and names in capitals are read", async () => {
  await keyspace.execute(`CREATE TABLE {ks}."Hits" ("Page" text PRIMARY KEY, n counter)`);
  await keyspace.execute(`UPDATE {ks}."Hits" SET n = n + 9007199254740993 WHERE "Page" = 'p'`);
  const { text } = await keyspace.read(table("Hits", ["Page", "n"]), {
    pageRows: 10,
    pagesAReader: 10,
  });
  expect(text).toContain('"doc":{"Page":"p","n":9007199254740993}}');
});

test("each row of the ring once, over splits, pages, readers and a wide partition", async () => {
  await keyspace.execute(`CREATE TABLE {ks}.rows (a int, b text, n int, PRIMARY KEY ((a, b), n))`);
  const keys: string[] = [];
  const insert = async (a: number, n: number): Promise<void> => {
    keys.push(`${a}/${n}`);
    await keyspace.execute(`INSERT INTO {ks}.rows (a, b, n) VALUES (${a}, 'x', ${n})`);
  };
  await Promise.all(Array.from({ length: 300 }, (_, a) => insert(a, 0)));
  await Promise.all(Array.from({ length: 400 }, (_, n) => insert(1000, n)));
  const definition = table("rows", ["a", "n"], 7);
  for (const options of [
    { pageRows: 1000, pagesAReader: 1000 },
    { pageRows: 13, pagesAReader: 1000 },
    { pageRows: 50, pagesAReader: 1 },
  ]) {
    const { lines } = await keyspace.read(definition, options);
    const seen = lines.map(({ doc }) => `${String(doc.a)}/${String(doc.n)}`);
    expect(seen.sort()).toEqual(keys.sort());
  }
});

test("a page state that cannot be used is left, and reading goes on from the last token", async () => {
  await keyspace.execute(`CREATE TABLE {ks}.resumed (id int PRIMARY KEY, v int)`);
  const all = Array.from({ length: 200 }, (_, id) => id);
  await Promise.all(
    all.map((id) => keyspace.execute(`INSERT INTO {ks}.resumed (id, v) VALUES (${id}, 1)`)),
  );
  const [bounds] = await keyspace.client.planRows(table("resumed", ["id"], 1), null);
  if (bounds === undefined) throw new Error("no split");
  const first = await readSplit(keyspace.client, {
    ...{ table: table("resumed", ["id"]), bounds, pageRows: 60 },
    afterBatch: () => Promise.resolve(true),
  });
  const idsOf = (lines: readonly Line[]): number[] => lines.map(({ doc }) => Number(doc.id));
  const readOn = async (position: string, columns: readonly string[]): Promise<number[]> => {
    const rest = await readSplit(keyspace.client, {
      ...{ table: table("resumed", columns), bounds, position, pageRows: 60 },
    });
    return idsOf(rest.lines);
  };
  const expected = (rest: number[], again: number): void => {
    const seen = [...idsOf(first.lines), ...rest];
    expect([...new Set(seen)].sort((a, b) => a - b)).toEqual(all);
    expect(seen).toHaveLength(all.length + again);
  };
  expected(await readOn(first.position, ["id"]), 0);
  // Another column: the page state belongs to another query.
  expected(await readOn(first.position, ["id", "v"]), 1);
  const rejected = first.position.replace(/"pageState":"[0-9a-f]+"/, '"pageState":"ffff"');
  expect(rejected).not.toBe(first.position);
  expected(await readOn(rejected, ["id"]), 1);
});

test("what the cluster does not have is rejected with the fix", async () => {
  await keyspace.execute(`CREATE TABLE {ks}.small (id int PRIMARY KEY, name text)`);
  const none = keyspace.client.planRows(table("nothing", ["id"]), null);
  await expect(none).rejects.toThrow(SourceConfigurationError);
  await expect(none).rejects.toThrow(
    /Source "shop" \(.*\) has no table .*\.nothing.*Correct "from"/,
  );
  const column = keyspace.client.planRows(table("small", ["id", "nome"]), null);
  await expect(column).rejects.toThrow(/has no column "nome". It has id, name. Correct/);
  await expect(keyspace.client.planKeys(table("small", ["id"]))).rejects.toThrow(
    SourceConfigurationError,
  );
});

test("a cluster that is not there is unavailable", async () => {
  const missing = new CassandraSource("shop", {
    ...{ contactPoints: ["127.0.0.1"], port: 1, localDataCenter: CASSANDRA_DATA_CENTER },
    ...{ username: "reader", password: "s3cret" },
  });
  const attempt = missing.planRows(table("small", ["id"]), null);
  await expect(attempt).rejects.toThrow(SourceUnavailableError);
  await expect(attempt).rejects.toThrow(/Source "shop" \(127.0.0.1, port 1\) could not be reached/);
  await expect(attempt).rejects.not.toThrow(/s3cret/);
  await missing.close();
});
