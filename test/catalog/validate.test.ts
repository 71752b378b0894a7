// Tests that valid entries are let through and that each mistake is found, named and given a fix.
import fc from "fast-check";
import { expect, test } from "vitest";
import { defineCatalog, defineModel, defineSource, defineTable } from "../../catalog/define.ts";
import { CatalogError } from "../../catalog/errors.ts";
import { resolveEntry, resolveSource } from "../../catalog/resolve.ts";
import type { Catalog, Column, Model, Source, Table } from "../../catalog/table.ts";
import type { CassandraTable, ElasticsearchTable, WholeElasticsearchTable } from "./table-types.ts";
import { mistakesInCatalog, mistakesInEntry, mistakesInSource } from "../../catalog/validate.ts";
import {
  cassandraTableArbitrary,
  elasticsearchTableArbitrary,
  modelArbitrary,
  tableArbitrary,
  wholeTableArbitrary,
} from "./arbitrary-entries.ts";

const always = (): boolean => true;
const problemsIn = (entry: Table | Model, exists = always): string[] =>
  [...mistakesInEntry(entry, exists)].map(({ place, problem, fix }) => {
    expect(fix).not.toBe("");
    return `${place}: ${problem}`;
  });

test("valid tables and models have no mistakes", () => {
  fc.assert(
    fc.property(fc.oneof(tableArbitrary, modelArbitrary), (entry) => {
      expect(problemsIn(entry)).toEqual([]);
    }),
  );
});

/** A value that the types reject, for people who run a file before they check its types. */
const untyped = (value: unknown): never => value as never;

const withColumn = <Entry extends Table | Model>(
  entry: Entry,
  name: string,
  change: Partial<Column>,
): Entry => ({
  ...entry,
  columns: entry.columns.map((column) =>
    column.name === name ? { ...column, ...change } : column,
  ),
});

const added = <Entry extends Table | Model>(entry: Entry, column: Partial<Column>): Entry => ({
  ...entry,
  columns: [...entry.columns, { name: "extra_x", type: "string", description: "more", ...column }],
});

type Injection<Entry> = [mistake: string, words: string, inject: (entry: Entry) => Entry];

const inAny: Injection<Table | Model>[] = [
  ["a name in capitals", 'the name "Companies"', (e) => ({ ...e, name: "Companies" })],
  ["a name with an underscore first", 'the name "_x"', (e) => ({ ...e, name: "_x" })],
  ["a reserved name", "reserved word of Redshift", (e) => ({ ...e, name: "user" })],
  ["a long name", "has 64 characters", (e) => ({ ...e, name: "a".repeat(64) })],
  ["no owner", "the owner is empty", (e) => ({ ...e, owner: " " })],
  ["no description", "the description is empty", (e) => ({ ...e, description: "" })],
  ["a long description", "Glue allows 2048", (e) => ({ ...e, description: "é".repeat(1025) })],
  ["control characters", "control characters", (e) => ({ ...e, description: "a\u0000b" })],
  ["no columns", "it has 0 columns", (e) => ({ ...e, columns: [] })],
  ["no key", "the key is empty", (e) => ({ ...e, key: [] })],
  ["an unknown key", '"nothing" is not a column', (e) => ({ ...e, key: ["nothing"] })],
  ["a key twice", "stands in the key twice", (e) => ({ ...e, key: ["key_0", "key_0"] })],
  ["a nullable key", "may be null", (e) => withColumn(e, "key_0", { nullable: true })],
  ["a key of a fraction", 'the type "double"', (e) => withColumn(e, "key_0", { type: "double" })],
  ["a key of a list", '{"list":"int"}', (e) => withColumn(e, "key_0", { type: { list: "int" } })],
  ["a column twice", "two columns are called", (e) => added(e, { name: "key_0" })],
  ["a column twice in capitals", "two columns are called", (e) => added(e, { name: "Key_0" })],
  ["a reserved column", '"order" is a reserved word', (e) => added(e, { name: "order" })],
  ["a column without words", "the description is empty", (e) => added(e, { description: "" })],
  ["an unknown type", '"strng" is not a type', (e) => added(e, { type: untyped("strng") })],
  ["an inherited name as type", "is not a type", (e) => added(e, { type: untyped("toString") })],
  ["no type", "undefined is not a type", (e) => added(e, { type: untyped(undefined) })],
  [
    "a type of two forms",
    "is not a type",
    (e) => added(e, { type: untyped({ list: "int", map: "int" }) }),
  ],
  [
    "an unknown timestamp",
    "is not a type",
    (e) => added(e, { type: untyped({ timestamp: "days" }) }),
  ],
  [
    "an unknown type inside",
    '"foo" is not a type',
    (e) => added(e, { type: { list: untyped("foo") } }),
  ],
  ["json inside a list", "json stands inside", (e) => added(e, { type: { list: "json" } })],
  [
    "json inside a struct",
    "in its struct field a",
    (e) => added(e, { type: { struct: [{ name: "a", type: "json" }] } }),
  ],
  ["a wide decimal", "is not a decimal", (e) => added(e, { type: { decimal: [39, 2] } })],
  ["a scale beyond precision", "is not a decimal", (e) => added(e, { type: { decimal: [4, 5] } })],
  ["an empty struct", "has no fields", (e) => added(e, { type: { struct: [] } })],
  [
    "a field in capitals",
    'the name "zipCode"',
    (e) => added(e, { type: { struct: [{ name: "zipCode", type: "string" }] } }),
  ],
  [
    "a field twice",
    "two fields are called",
    (e) =>
      added(e, {
        type: {
          struct: [
            { name: "a", type: "int" },
            { name: "a", type: "int" },
          ],
        },
      }),
  ],
  [
    "a field without a type",
    "no name or no type",
    (e) => added(e, { type: { struct: [untyped({ name: "a" })] } }),
  ],
  [
    "a partition of nothing",
    '"nothing" is not a column',
    (e) => ({
      ...e,
      partitioning: [{ column: "nothing", transform: "identity" }],
    }),
  ],
  [
    "a partition twice",
    "partitions by key_0 twice",
    (e) => ({
      ...e,
      partitioning: [
        { column: "key_0", transform: "identity" },
        { column: "key_0", transform: { bucket: 2 } },
      ],
    }),
  ],
  [
    "days of a text",
    'partitioning: the column extra_x has the type "string"',
    (e) => ({
      ...added(e, {}),
      partitioning: [{ column: "extra_x", transform: "day" }],
    }),
  ],
  [
    "a partition for each moment",
    'the type "timestamp"',
    (e) => ({
      ...e,
      partitioning: [{ column: "changed_0", transform: "identity" }],
    }),
  ],
  [
    "no buckets",
    "partitioning[0].transform.bucket: 0 is out of range",
    (e) => ({
      ...e,
      partitioning: [{ column: "key_0", transform: { bucket: 0 } }],
    }),
  ],
  [
    "an unknown transform",
    'partitioning[0].transform: "year" is not allowed here',
    (e) => ({
      ...e,
      partitioning: [{ column: "key_0", transform: untyped("year") }],
    }),
  ],
  [
    "a check twice",
    "two checks",
    (e) => ({
      ...e,
      checks: [
        { name: "c", badRows: "true", severity: "warn" },
        { name: "c", badRows: "true", severity: "warn" },
      ],
    }),
  ],
  [
    "an empty check",
    'check c.badRows: "" is not a predicate',
    (e) => ({
      ...e,
      checks: [{ name: "c", badRows: "", severity: "warn" }],
    }),
  ],
  [
    "two statements in a check",
    "is not a predicate",
    (e) => ({
      ...e,
      checks: [{ name: "c", badRows: "true; drop table x", severity: "warn" }],
    }),
  ],
  [
    "an unknown severity",
    'check c.severity: "fatal" is not allowed here',
    (e) => ({
      ...e,
      checks: [{ name: "c", badRows: "true", severity: untyped("fatal") }],
    }),
  ],
  [
    "a distribution by nothing",
    '"nothing" is not a column',
    (e) => ({
      ...e,
      publish: { distribution: { style: "key", column: "nothing" } },
    }),
  ],
  [
    "a distribution by SUPER",
    "publish.distribution: the column extra_x",
    (e) => ({
      ...added(e, { type: { list: "int" } }),
      publish: { distribution: { style: "key", column: "extra_x" } },
    }),
  ],
  [
    "a sort key of json",
    "publish.sortKeys: the column extra_x",
    (e) => ({
      ...added(e, { type: "json" }),
      publish: { sortKeys: ["extra_x"] },
    }),
  ],
  [
    "a sort key twice",
    "sorts by key_0 twice",
    (e) => ({
      ...e,
      publish: { sortKeys: ["key_0", "key_0"] },
    }),
  ],
];

const inTables: Injection<Table>[] = [
  ["an empty path", "the path []", (e) => added(e, { path: [] })],
  ["an empty segment", 'the path ["a",""]', (e) => added(e, { path: ["a", ""] })],
  ["a field below _id", 'the path ["_id","x"]', (e) => added(e, { path: ["_id", "x"] })],
  [
    "a soft delete by nothing",
    '"nothing" is not a column',
    (e) => ({ ...e, deletes: { strategy: "soft-delete", column: "nothing" } }),
  ],
  [
    "a soft delete by text",
    'column extra_x has the type "string"',
    (e) => ({ ...added(e, {}), deletes: { strategy: "soft-delete", column: "extra_x" } }),
  ],
  [
    "a soft delete that is always set",
    "is never null",
    (e) => ({ ...e, deletes: { strategy: "soft-delete", column: "changed_0" } }),
  ],
];

const inElasticsearch: Injection<ElasticsearchTable>[] = [
  ["_id as a number", "_id is text", (e) => added(e, { path: ["_id"], type: "int" })],
  [
    "an index in capitals",
    '"Companies" is not a name of an index',
    (e) => ({ ...e, from: { index: "Companies" } }),
  ],
  ["two indices", "is not a name of an index", (e) => ({ ...e, from: { index: "a,b" } })],
  ["every index", "is not a name of an index", (e) => ({ ...e, from: { index: "*" } })],
  [
    "a Cassandra table from Elasticsearch",
    "which is elasticsearch",
    (e) => ({ ...e, from: untyped({ keyspace: "a", table: "b" }) }),
  ],
  [
    "an unknown cursor",
    '"nothing" is not a column',
    (e) => ({ ...e, cursor: { ...e.cursor, column: "nothing" } }),
  ],
  [
    "a cursor of text",
    'column changed_0 has the type "string"',
    (e) => withColumn(e, "changed_0", { type: "string" }),
  ],
  [
    "a nullable cursor",
    "it is the cursor and may be null",
    (e) => withColumn(e, "changed_0", { nullable: true }),
  ],
  ["no lag", "cursor.lagSeconds: 0", (e) => ({ ...e, cursor: { ...e.cursor, lagSeconds: 0 } })],
  [
    "a lag that is not a number",
    "lagSeconds: NaN",
    (e) => ({ ...e, cursor: { ...e.cursor, lagSeconds: NaN } }),
  ],
  [
    "a negative overlap",
    "overlapSeconds: -1",
    (e) => ({ ...e, cursor: { ...e.cursor, overlapSeconds: -1 } }),
  ],
  [
    "late rows looked for nowhere",
    "lateRows.reachHours: 0",
    (e) => ({ ...e, cursor: { ...e.cursor, lateRows: { everyHours: 1, reachHours: 0 } } }),
  ],
  [
    "late rows looked for after a negative time",
    "lateRows.everyHours: -1",
    (e) => ({ ...e, cursor: { ...e.cursor, lateRows: { everyHours: -1, reachHours: 1 } } }),
  ],
  [
    "full-scan",
    "full-scan is not for a table of which only what changed is read",
    (e) => ({ ...e, deletes: untyped({ strategy: "full-scan" }) }),
  ],
  [
    "negative hours",
    "everyHours: -1",
    (e) => ({ ...e, deletes: { strategy: "key-scan", everyHours: -1 } }),
  ],
  [
    "a share above one",
    "maxShare: 2",
    (e) => ({ ...e, deletes: { strategy: "key-scan", everyHours: 0, maxShare: 2 } }),
  ],
];

const withoutCursor: Injection<WholeElasticsearchTable>[] = [
  [
    "an index in capitals",
    '"Companies" is not a name of an index',
    (e) => ({ ...e, from: { index: "Companies" } }),
  ],
  [
    "a key scan",
    "key-scan is not for a table without a cursor",
    (e) => ({ ...e, deletes: untyped({ strategy: "key-scan", everyHours: 0 }) }),
  ],
];

const inCassandra: Injection<CassandraTable>[] = [
  ["_id", "which this source does not have", (e) => added(e, { path: ["_id"] })],
  [
    "an index from Cassandra",
    "which is cassandra",
    (e) => ({ ...e, from: untyped({ index: "a" }) }),
  ],
  [
    "a keyspace with a dot",
    '"a.b" is not a name',
    (e) => ({ ...e, from: { keyspace: "a.b", table: "c" } }),
  ],
  ["no splits", "splits: 0 is out of range", (e) => ({ ...e, splits: 0 })],
  [
    "a key scan beside full scans",
    "key-scan is not for a table without a cursor",
    (e) => ({
      ...e,
      changes: { strategy: "full-scan" },
      deletes: { strategy: "key-scan", everyHours: 0 },
    }),
  ],
  [
    "a full scan in windows",
    "full-scan is not for a table of which only what changed is read",
    (e) => ({ ...e, changes: buckets({}), deletes: { strategy: "full-scan" } }),
  ],
  [
    "an unknown strategy",
    'the strategy "cdc" is not known',
    (e) => changed(e, { strategy: "cdc" }),
  ],
  [
    "an index on no column",
    'changes: "nothing" is not a column',
    (e) => changed(e, { strategy: "index", column: "nothing", lagSeconds: 1, overlapSeconds: 0 }),
  ],
  [
    "an index without a lag",
    "changes.lagSeconds: 0 is out of range",
    (e) => changed(e, { strategy: "index", column: "changed_0", lagSeconds: 0, overlapSeconds: 0 }),
  ],
  [
    "an index on a long",
    "whose greatest value Cassandra can't find",
    (e) => ({
      ...changed(e, { strategy: "index", column: "count_9", lagSeconds: 1, overlapSeconds: 0 }),
      columns: [
        ...e.columns,
        { name: "count_9", type: "long", description: "a count", nullable: false },
      ],
    }),
  ],
  [
    "a bucket of no column",
    '"nothing" is not a column',
    (e) => changed(e, buckets({ column: "nothing" })),
  ],
  [
    "a bucket of no unit",
    'changes.unit: "week" is not allowed here',
    (e) => changed(e, buckets({ unit: "week" })),
  ],
  [
    "no late bucket",
    "lateBuckets: 0 is out of range",
    (e) => changed(e, buckets({ lateBuckets: 0 })),
  ],
  [
    "an empty list",
    "values.gone_0: the list is empty",
    (e) => changed(e, buckets({ values: { gone_0: [] } })),
  ],
  [
    "a value twice",
    "a value stands in it twice",
    (e) => changed(e, buckets({ values: { gone_0: [1, 1] } })),
  ],
  [
    "too many partitions",
    "a bucket has 5000 partitions",
    (e) => changed(e, buckets({ values: { gone_0: Array.from({ length: 5000 }, (_, n) => n) } })),
  ],
];

function changed(entry: CassandraTable, changes: object): CassandraTable {
  return { ...entry, changes: untyped(changes) };
}

function buckets(buckets: object): NonNullable<CassandraTable["changes"]> {
  return untyped({ strategy: "buckets", column: "key_0", unit: "day", lateBuckets: 1, ...buckets });
}

const inModels: Injection<Model>[] = [
  ["a path", "the column of a model has the path", (e) => added(e, { path: ["x"] })],
  [
    "a script of another ending",
    "neither .sql nor .py",
    (e) => ({ ...e, script: new URL("file:///a.txt") }),
  ],
];

function expectEachFound<Entry extends Table | Model>(
  arbitrary: fc.Arbitrary<Entry>,
  [, words, inject]: Injection<Entry>,
): void {
  fc.assert(
    fc.property(arbitrary, (entry) => {
      expect(problemsIn(inject(entry)).join("\n")).toContain(words);
    }),
    { numRuns: 5 },
  );
}

test.each(inAny)("any entry: %s is found", (...injection) => {
  expectEachFound<Table | Model>(fc.oneof(tableArbitrary, modelArbitrary), injection);
});
test.each(inTables)("table: %s is found", (...injection) => {
  expectEachFound(tableArbitrary, injection);
});
test.each(inElasticsearch)("Elasticsearch: %s is found", (...injection) => {
  expectEachFound(elasticsearchTableArbitrary, injection);
});
test.each(withoutCursor)("Elasticsearch without a cursor: %s is found", (...injection) => {
  expectEachFound(wholeTableArbitrary, injection);
});
test.each(inCassandra)("Cassandra: %s is found", (...injection) => {
  expectEachFound(cassandraTableArbitrary, injection);
});
test.each(inModels)("model: %s is found", (...injection) => {
  expectEachFound(modelArbitrary, injection);
});

test("a script that is not there is found", () => {
  fc.assert(
    fc.property(modelArbitrary, (model) => {
      expect(problemsIn(model, () => false).join()).toContain(
        `there is no file ${model.script.href}`,
      );
    }),
    { numRuns: 5 },
  );
});

const search = {
  name: "search_1",
  system: "elasticsearch",
  owner: "team",
  description: "a source",
} as const satisfies Source;

test.each<[string, Source]>([
  ["budget.lanes: 0 is out of range", { ...search, budget: { lanes: 0 } }],
  ["budget.lanes: 1.5 is out of range", { ...search, budget: { lanes: 1.5 } }],
  ["budget.dutyCycle: 0 is out of range", { ...search, budget: { dutyCycle: 0 } }],
  ["budget.dutyCycle: 1.1 is out of range", { ...search, budget: { dutyCycle: 1.1 } }],
  ["budget.maxRowsPerSecond: -5 is out of range", { ...search, budget: { maxRowsPerSecond: -5 } }],
  ["budget.pageRows: 10001 is out of range", { ...search, budget: { pageRows: 10_001 } }],
  [
    "budget.maxSecondsPerRun: NaN is out of range",
    { ...search, budget: { maxSecondsPerRun: NaN } },
  ],
  ["budget.maxBytesPerSecond: 0 is out of range", { ...search, budget: { maxBytesPerSecond: 0 } }],
  ["budget.shardsAtOnce: 0 is out of range", { ...search, budget: { shardsAtOnce: 0 } }],
  ['budget.pageRows: "many" is out of range', { ...search, budget: { pageRows: untyped("many") } }],
  [
    "budget.shardsAtOnce: 2 is for elasticsearch, and this source is cassandra",
    untyped({ ...search, system: "cassandra", budget: { shardsAtOnce: 2 } }),
  ],
  [
    'budget.preference: "_local" is for elasticsearch, and this source is cassandra',
    untyped({ ...search, system: "cassandra", budget: { preference: "_local" } }),
  ],
  [
    'budget.dataCenter: "dc2" is for cassandra, and this source is elasticsearch',
    untyped({ ...search, budget: { dataCenter: "dc2" } }),
  ],
  [
    'budget.dataCenter: " " is not a name',
    { ...search, system: "cassandra", budget: { dataCenter: " " } },
  ],
  [
    'budget.hours: "at night" is not allowed here',
    { ...search, budget: { hours: untyped("at night") } },
  ],
  [
    'budget.hours.timeZone: "Europe/Atlantis" is not a time zone',
    { ...search, budget: { hours: { timeZone: "Europe/Atlantis", from: "22:00", to: "05:00" } } },
  ],
  [
    'budget.hours.from: "24:00" is not a time of day',
    { ...search, budget: { hours: { timeZone: "UTC", from: "24:00", to: "05:00" } } },
  ],
  [
    'budget.hours.to: "5:00" is not a time of day',
    { ...search, budget: { hours: { timeZone: "UTC", from: "22:00", to: "5:00" } } },
  ],
  [
    "budget.hours.to: it is missing",
    { ...search, budget: { hours: untyped({ timeZone: "UTC", from: "22:00" }) } },
  ],
  [
    'budget.hours: they open and close at "05:00"',
    { ...search, budget: { hours: { timeZone: "UTC", from: "05:00", to: "05:00" } } },
  ],
  ['budget.preference: "" is not a search', { ...search, budget: { preference: "" } }],
  [
    'budget.preference: "_shards:1,2|_local" leaves out all other shards',
    { ...search, budget: { preference: "_shards:1,2|_local" } },
  ],
  [
    'budget.preference: "_primary" is not one that Elasticsearch knows',
    { ...search, budget: { preference: "_primary" } },
  ],
  ['the system "oracle" is not known', { ...search, system: untyped("oracle") }],
  [
    "budget.lanes: 0 is out of range",
    { ...search, system: untyped("oracle"), budget: { lanes: 0 } },
  ],
  ["the owner is empty", { ...search, owner: "" }],
  ['the name "Search"', { ...search, name: "Search" }],
])("source: %s", (words, source) => {
  expect([...mistakesInSource(search)]).toEqual([]);
  const found = [...mistakesInSource(source)].map(({ place, problem }) => `${place}: ${problem}`);
  expect(found.join("\n")).toContain(words);
});

const table: ElasticsearchTable = {
  name: "things",
  owner: "team",
  description: "things",
  source: search,
  from: { index: "things" },
  key: ["thing_id"],
  cursor: { column: "changed_at", lagSeconds: 5, overlapSeconds: 0 },
  deletes: { strategy: "none" },
  columns: [
    { name: "thing_id", type: "string", description: "id", nullable: false },
    { name: "changed_at", type: "timestamp", description: "when", nullable: false },
  ],
};

const modelOf = (name: string, inputs: (Table | Model)[]): Model => ({
  name,
  owner: "team",
  description: "a model",
  inputs,
  script: new URL("file:///model.sql"),
  key: ["thing_id"],
  columns: [{ name: "thing_id", type: "string", description: "id", nullable: false }],
});

const problemsInCatalog = (catalog: Catalog): string =>
  [...mistakesInCatalog(catalog, always)]
    .map(({ place, problem }) => `${place}: ${problem}`)
    .join("\n");

test("entries that fit together have no mistakes", () => {
  const first = modelOf("first_model", [table]);
  const second = modelOf("second_model", [table, first]);
  expect(problemsInCatalog({ sources: [search], tables: [table], models: [first, second] })).toBe(
    "",
  );
});

test.each<[string, Catalog]>([
  ["the source search_1 is not in the catalog", { sources: [], tables: [table], models: [] }],
  ["two sources have this name", { sources: [search, { ...search }], tables: [table], models: [] }],
  [
    "two entries have this name",
    { sources: [search], tables: [table], models: [modelOf("things", [table])] },
  ],
  [
    "model m, inputs: things is not in the catalog",
    { sources: [search], tables: [], models: [modelOf("m", [table])] },
  ],
  [
    "model m, inputs: things stands there twice",
    { sources: [search], tables: [table], models: [modelOf("m", [table, table])] },
  ],
  ["there are none", { sources: [search], tables: [table], models: [modelOf("m", [])] }],
])("catalog: %s", (words, catalog) => {
  expect(problemsInCatalog(catalog)).toContain(words);
});

test("models that read each other in a circle are found, with the way", () => {
  const inputsOfFirst: (Table | Model)[] = [table];
  const first = modelOf("first_model", inputsOfFirst);
  const second = modelOf("second_model", [first]);
  inputsOfFirst.push(second);
  expect(
    problemsInCatalog({ sources: [search], tables: [table], models: [first, second] }),
  ).toContain("it reads itself: first_model reads second_model reads first_model");
});

test("the mistakes of all entries are reported at once, each with its place and a fix", () => {
  const define = (): unknown => {
    const source = defineSource({ ...search, owner: " " });
    const things = defineTable({
      ...{ ...table, source, owner: "", key: ["nothing"] },
      from: { index: "A" },
    });
    const others = defineTable({ ...table, source, name: "others", columns: untyped(undefined) });
    const model = defineModel(modelOf("m", [things]));
    return defineCatalog({ sources: [source], tables: [things, others], models: [model, model] });
  };
  expect(define).toThrow(CatalogError);
  try {
    define();
  } catch (error) {
    expect(error).toBeInstanceOf(CatalogError);
    if (!(error instanceof CatalogError)) return;
    expect(error.message.split("\n")).toHaveLength(error.mistakes.length);
    for (const words of [
      "source search_1: the owner is empty",
      "table things: the owner is empty",
      'table things, key: "nothing" is not a column. Fix: name one of thing_id',
      'table things, from.index: "A" is not a name of an index',
      "table others, columns: it is missing",
      "there is no file file:///model.sql",
      "table or model m: two entries have this name",
    ])
      expect(error.message).toContain(words);
  }
});

test("an entry with mistakes can't be used without a catalog either", () => {
  const context = { deployment: "d", bucket: "b" };
  const mistaken = defineTable({ ...table, owner: "" });
  expect(() => resolveEntry(mistaken, context)).toThrow("table things: the owner is empty");
  const source = defineSource({ ...search, description: "" });
  expect(() => resolveSource(source, "d")).toThrow("source search_1: the description is empty");
  const child = defineTable({ ...table, source });
  expect(() => resolveEntry(child, context)).toThrow("the description is empty");
  expect(resolveEntry(defineTable(table), context).name).toBe("things");
});

test("what is right comes back as it was", () => {
  expect(defineSource(search)).toBe(search);
  expect(defineTable(table)).toBe(table);
  const catalog = { sources: [search], tables: [table], models: [] };
  expect(defineCatalog(catalog)).toBe(catalog);
});

test("a model's script is looked for on the disk", () => {
  const model = defineModel(modelOf("m", [table]));
  expect(() => defineCatalog({ sources: [search], tables: [table], models: [model] })).toThrow(
    "there is no file file:///model.sql",
  );
});
