// Makes any valid type, source, table and model, for tests that say what holds for all of them.
import fc from "fast-check";
import type {
  Check,
  Column,
  LoadBudget,
  Model,
  Partition,
  Publish,
  SourceOf,
  Table,
} from "../../catalog/table.ts";
import type { CassandraTable, ElasticsearchTable, WholeElasticsearchTable } from "./table-types.ts";
import { SCALAR_TYPES, type ColumnType } from "../../contract/column-types.ts";
import { isPlain } from "../../catalog/validate-columns.ts";

/** Ends in a digit, so that it is not a reserved word. */
const nameArbitrary = fc
  .tuple(fc.stringMatching(/^[a-z][a-z0-9_]{0,10}$/), fc.integer({ min: 0, max: 99 }))
  .map(([word, number]) => `${word}_${number}`);

const wordsArbitrary = fc.string({ minLength: 1, maxLength: 400, unit: "grapheme" }).map((text) => {
  const printable = text.replaceAll(/\p{Cc}/gu, " ");
  return `about ${printable}`;
});

const scalarArbitrary = fc.constantFrom(...SCALAR_TYPES.filter((type) => type !== "json"));

const decimalArbitrary = fc
  .integer({ min: 1, max: 38 })
  .chain((precision) =>
    fc
      .integer({ min: 0, max: precision })
      .map((scale): ColumnType => ({ decimal: [precision, scale] })),
  );

const insideArbitrary = fc.letrec<{ type: ColumnType }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    scalarArbitrary,
    decimalArbitrary,
    fc.constant<ColumnType>({ timestamp: "epoch_seconds" }),
    tie("type").map((list): ColumnType => ({ list })),
    tie("type").map((map): ColumnType => ({ map })),
    fc
      .uniqueArray(
        fc
          .tuple(nameArbitrary, tie("type"), fc.option(fc.string({ minLength: 1 })))
          .map(([name, type, from]) => (from === null ? { name, type } : { name, type, from })),
        { minLength: 1, maxLength: 4, selector: (field) => field.name },
      )
      .map((struct): ColumnType => ({ struct })),
  ),
})).type;

export const typeArbitrary: fc.Arbitrary<ColumnType> = fc.oneof(
  { weight: 9, arbitrary: insideArbitrary },
  { weight: 1, arbitrary: fc.constant<ColumnType>("json") },
);

const timeArbitrary = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
  .map((parts) => parts.map((part) => String(part).padStart(2, "0")).join(":"));

const hoursArbitrary = fc
  .record({
    timeZone: fc.constantFrom("UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Chatham"),
    from: timeArbitrary,
    to: timeArbitrary,
  })
  .filter(({ from, to }) => from !== to);

const budgetArbitrary: fc.Arbitrary<LoadBudget> = fc.record(
  {
    lanes: fc.integer({ min: 1, max: 40 }),
    dutyCycle: fc.double({ min: 0.01, max: 1, noNaN: true }),
    maxRowsPerSecond: fc.integer({ min: 1, max: 1_000_000 }),
    maxBytesPerSecond: fc.integer({ min: 1, max: 1_000_000_000 }),
    pageRows: fc.integer({ min: 1, max: 10_000 }),
    maxSecondsPerRun: fc.integer({ min: 1, max: 604_800 }),
    hours: hoursArbitrary,
  },
  { requiredKeys: [] },
);

const sourceWords = { name: nameArbitrary, owner: wordsArbitrary, description: wordsArbitrary };

const elasticsearchArbitrary: fc.Arbitrary<SourceOf<"elasticsearch">> = fc.record(
  {
    ...sourceWords,
    system: fc.constant("elasticsearch"),
    budget: fc
      .tuple(
        budgetArbitrary,
        fc.record(
          {
            shardsAtOnce: fc.integer({ min: 1, max: 100 }),
            preference: fc.constantFrom("_local", "_prefer_nodes:a,b", "reports"),
          },
          { requiredKeys: [] },
        ),
      )
      .map(([common, own]) => ({ ...common, ...own })),
  },
  { requiredKeys: ["name", "system", "owner", "description"] },
);

const cassandraArbitrary: fc.Arbitrary<SourceOf<"cassandra">> = fc.record(
  {
    ...sourceWords,
    system: fc.constant("cassandra"),
    budget: fc
      .tuple(
        budgetArbitrary,
        fc.record({ dataCenter: fc.constantFrom("analytics", "dc1") }, { requiredKeys: [] }),
      )
      .map(([common, own]) => ({ ...common, ...own })),
  },
  { requiredKeys: ["name", "system", "owner", "description"] },
);

const pathArbitrary = fc.array(
  fc.string({ minLength: 1 }).filter((segment) => segment !== "_id"),
  { minLength: 1, maxLength: 3 },
);

function columnArbitrary(withPath: boolean): fc.Arbitrary<Column> {
  const shared = {
    name: nameArbitrary,
    type: typeArbitrary,
    description: wordsArbitrary,
    nullable: fc.boolean(),
    personal: fc.boolean(),
  };
  const requiredKeys: ["name", "type", "description"] = ["name", "type", "description"];
  return withPath
    ? fc.record({ ...shared, path: pathArbitrary }, { requiredKeys })
    : fc.record(shared, { requiredKeys });
}

interface Shared {
  readonly name: string;
  readonly owner: string;
  readonly description: string;
  readonly key: string[];
  readonly columns: Column[];
  readonly partitioning: Partition[];
  readonly checks: Check[];
  readonly publish: Publish | false;
}

/** `key_0` is the key, `changed_0` a timestamp, `gone_0` a mark of deletion; the others are anything. */
function sharedArbitrary(withPath: boolean): fc.Arbitrary<Shared> {
  return fc
    .record({
      name: nameArbitrary,
      owner: wordsArbitrary,
      description: wordsArbitrary,
      others: fc.uniqueArray(columnArbitrary(withPath), {
        maxLength: 6,
        selector: (column) => column.name,
      }),
      keyType: fc.constantFrom<ColumnType>("string", "int", "long", "date", { decimal: [38, 0] }),
      goneType: fc.constantFrom<ColumnType>("boolean", "timestamp", { timestamp: "epoch_seconds" }),
      partition: fc.constantFrom<Partition[]>(
        [],
        [{ column: "changed_0", transform: "day" }],
        [{ column: "changed_0", transform: "month" }],
        [{ column: "key_0", transform: "identity" }],
        [{ column: "key_0", transform: { bucket: 16 } }],
      ),
      severity: fc.constantFrom("error" as const, "warn" as const),
      style: fc.constantFrom("even" as const, "all" as const, "key" as const, "none" as const),
    })
    .map(({ others, keyType, goneType, partition, severity, style, ...shared }) => {
      const taken = new Set(["key_0", "changed_0", "gone_0"]);
      const columns: Column[] = [
        { name: "key_0", type: keyType, description: "the key", nullable: false },
        { name: "changed_0", type: "timestamp", description: "the cursor", nullable: false },
        { name: "gone_0", type: goneType, description: "set when it was deleted" },
        ...others.filter(({ name }) => !taken.has(name)),
      ];
      const sortKeys = columns.filter(({ type }) => isPlain(type)).map(({ name }) => name);
      return {
        ...shared,
        key: ["key_0"],
        columns,
        partitioning: partition,
        checks: [{ name: "check_0", badRows: "key_0 is null", severity }],
        publish:
          style === "none"
            ? (false as const)
            : {
                distribution: style === "key" ? { style, column: "key_0" } : { style },
                sortKeys,
              },
      };
    });
}

export const elasticsearchTableArbitrary: fc.Arbitrary<ElasticsearchTable> = fc
  .record({
    shared: sharedArbitrary(true),
    source: elasticsearchArbitrary,
    index: fc.stringMatching(/^[a-z][a-z0-9.-]{0,20}\*?$/),
    lagSeconds: fc.integer({ min: 1, max: 600 }),
    overlapSeconds: fc.integer({ min: 0, max: 3600 }),
    lateRows: fc.option(
      fc.oneof(
        fc.constant(false as const),
        fc.record({
          everyHours: fc.integer({ min: 0, max: 8760 }),
          reachHours: fc.integer({ min: 1, max: 8760 }),
        }),
      ),
      { nil: undefined },
    ),
    deletes: fc.constantFrom<ElasticsearchTable["deletes"]>(
      { strategy: "none" },
      { strategy: "soft-delete", column: "gone_0" },
      { strategy: "key-scan", everyHours: 24 },
      { strategy: "key-scan", everyHours: 0, maxShare: 0.5 },
    ),
  })
  .map(({ shared, source, index, lagSeconds, overlapSeconds, lateRows, deletes }) => ({
    ...shared,
    source,
    from: { index },
    cursor: {
      ...{ column: "changed_0", lagSeconds, overlapSeconds },
      ...(lateRows === undefined ? {} : { lateRows }),
    },
    deletes,
  }));

export const wholeTableArbitrary: fc.Arbitrary<WholeElasticsearchTable> = fc
  .record({
    shared: sharedArbitrary(true),
    source: elasticsearchArbitrary,
    index: fc.stringMatching(/^[a-z][a-z0-9.-]{0,20}\*?$/),
    deletes: fc.constantFrom<WholeElasticsearchTable["deletes"]>(
      { strategy: "none" },
      { strategy: "soft-delete", column: "gone_0" },
      { strategy: "full-scan", maxShare: 0.5 },
    ),
  })
  .map(({ shared, source, index, deletes }) => ({ ...shared, source, from: { index }, deletes }));

export const cassandraTableArbitrary: fc.Arbitrary<CassandraTable> = fc
  .record({
    shared: sharedArbitrary(true),
    source: cassandraArbitrary,
    table: nameArbitrary,
    splits: fc.option(fc.integer({ min: 1, max: 4096 })),
    reading: fc.constantFrom<Pick<CassandraTable, "changes" | "deletes">>(
      { deletes: { strategy: "none" } },
      { deletes: { strategy: "soft-delete", column: "gone_0" } },
      { deletes: { strategy: "full-scan" } },
      { changes: { strategy: "full-scan" }, deletes: { strategy: "full-scan", maxShare: 0 } },
      {
        changes: { strategy: "index", column: "changed_0", lagSeconds: 5, overlapSeconds: 60 },
        deletes: { strategy: "key-scan", everyHours: 24 },
      },
      {
        changes: { strategy: "buckets", column: "key_0", unit: "day", lateBuckets: 2 },
        deletes: { strategy: "soft-delete", column: "gone_0" },
      },
      {
        changes: {
          ...{ strategy: "buckets", column: "changed_0", unit: "hour", lateBuckets: 1 },
          values: { key_0: ["a", "b"], gone_0: [0, 1] },
        },
        deletes: { strategy: "key-scan", everyHours: 0, maxShare: 0.5 },
      },
    ),
  })
  .map(({ shared, source, table, splits, reading }) => ({
    ...shared,
    source,
    from: { keyspace: "events", table },
    ...(splits === null ? {} : { splits }),
    ...reading,
  }));

export const tableArbitrary: fc.Arbitrary<Table> = fc.oneof(
  elasticsearchTableArbitrary,
  wholeTableArbitrary,
  cassandraTableArbitrary,
);

export const modelArbitrary: fc.Arbitrary<Model> = fc
  .record({
    shared: sharedArbitrary(false),
    input: tableArbitrary,
    script: fc.constantFrom("file:///catalog/models/a.sql", "file:///catalog/models/a.py"),
  })
  .map(({ shared, input, script }) => ({ ...shared, inputs: [input], script: new URL(script) }));
