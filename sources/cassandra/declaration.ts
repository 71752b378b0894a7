// How sources and tables of Cassandra are declared.
import { z } from "zod";
import { checkedNumber, checkedText, isText, wholeFrom } from "../../contract/checked-value.ts";
import type { Mistake } from "../../contract/mistake.ts";
import { declareSystem, type DeclaredColumn, notAColumn, sourceField } from "../declaration.ts";
import { cursorSchema } from "../table-fields.ts";
import { cassandraSecretSchema } from "./secret.ts";

const DEFAULT_SPLITS = 16;
const MAX_SPLITS = 4096;
const MAX_LATE_BUCKETS = 1000;
/** Partitions of one bucket, each of which is asked for in each reading of it. */
const MAX_PARTITIONS = 4096;

const name = checkedText({
  isSound: (text) => /^[A-Za-z]\w{0,47}$/.test(text),
  problem: "is not a name of a keyspace or table",
  wanted: "a letter, then letters, digits and underscores, at most 48",
});

/** A table, as `from` names it. */
const fromSchema = z.strictObject({ keyspace: name, table: name });

/** The same, in what is written and in what the Data Catalog holds. */
export const addressSchema = z.object(fromSchema.shape);

const unitSchema = z.enum(["hour", "day", "month"]);

/** The partition key holds a time; each reading asks for the newest partitions by their exact keys. */
const writtenBucketsSchema = z.strictObject({
  strategy: z.literal("buckets"),
  /** The column of the partition key that holds the bucket. */
  column: z.string(),
  /** How long a bucket lasts; UTC. */
  unit: unitSchema,
  /** How many buckets before the newest one that was read are read again, for rows that come late. At least 1. */
  lateBuckets: checkedNumber({
    ...wholeFrom(1, MAX_LATE_BUCKETS),
    wanted: `a whole number from 1 (a clock that is behind writes to the bucket before) to ${MAX_LATE_BUCKETS}`,
  }),
  /** All values of each other column of the partition key, such as the numbers of shards. */
  values: z.record(z.string(), z.array(z.union([z.string(), z.number()])).readonly()).default({}),
});

const changesSchema = z.discriminatedUnion("strategy", [
  /** Each pass reads the whole ring: no cheap request finds what changed. */
  z.strictObject({ strategy: z.literal("full-scan") }),
  /** By an SAI index on a column that grows with each change. */
  cursorSchema.extend({ strategy: z.literal("index") }),
  writtenBucketsSchema,
]);

/** Time buckets of a partition key; names are the source's own. */
export const bucketsSchema = z.strictObject({
  column: z.string(),
  unit: unitSchema,
  lateBuckets: z.int().min(1),
  values: z.record(z.string(), z.array(z.union([z.string(), z.number()])).min(1)),
});

/**
 * Where a table is read from. `splits` is how many token ranges a full scan is cut into at least. A table with a cursor
 * finds changes by an index, one with `buckets` by those, any other by full scans.
 */
export const placeSchema = fromSchema.extend({
  splits: z.int().positive(),
  buckets: bucketsSchema.optional(),
});

export const budgetFields = {
  /** The data center whose replicas respond, for one that serves analytics. Default: the secret's. */
  dataCenter: checkedText({
    isSound: isText,
    problem: "is not a name",
    wanted: "the data center as `nodetool status` shows it, or remove it",
  })
    .nullable()
    .default(null),
};

type Changes = z.output<typeof changesSchema>;
type Buckets = Extract<Changes, { strategy: "buckets" }>;

const TEXT = ["ascii", "text", "varchar", "uuid", "timeuuid", "inet"];
const INTEGERS = ["tinyint", "smallint", "int"];

export const cassandra = declareSystem({
  name: "cassandra",
  title: "Cassandra",

  from: fromSchema,
  placeWords: "a Cassandra keyspace and table",
  placeForm: "KEYSPACE.TABLE",
  parsePlace: (typed) => {
    const [keyspace = "", table = "", ...more] = typed.split(".");
    return keyspace !== "" && table !== "" && more.length === 0 ? { keyspace, table } : undefined;
  },
  showPlace: ({ keyspace, table }) => `${keyspace}.${table}`,
  nameOf: ({ table }) => table,

  fields: {
    /** Token ranges that one full scan is cut into at least; more where the table is large. Default 16. */
    splits: checkedNumber(wholeFrom(1, MAX_SPLITS), DEFAULT_SPLITS),
    /** How changed rows are found. Default: by full scans. */
    changes: changesSchema.default({ strategy: "full-scan" }),
  },
  cursorField: "changes",
  place: placeSchema,
  reading: ({ from, splits, changes, columns }) => ({
    from: {
      ...{ ...from, splits },
      ...(changes.strategy === "buckets" ? { buckets: storedBuckets(changes, columns) } : {}),
    },
    cursor: changes.strategy === "index" ? cursorOf(changes) : null,
    readsAllRows: changes.strategy === "full-scan",
  }),
  mistakes: function* ({ changes, columns }, entry) {
    const place = `${entry}, changes`;
    if (changes.strategy === "index") yield* mistakesInIndex(changes, columns, place);
    else if (changes.strategy === "buckets") yield* mistakesInBuckets(changes, columns, place);
  },

  budget: budgetFields,
  // It answers customers' requests in a third of Elasticsearch's time, so one who meets a page waits for relatively longer.
  dutyCycle: 0.02,

  // Without `frozen` and type parameters; `udt` is any user-defined type.
  types: {
    string: [
      ...[...TEXT, ...INTEGERS, "bigint", "counter", "varint", "decimal", "boolean"],
      ...["date", "time", "timestamp", "duration"],
    ],
    boolean: ["boolean"],
    int: INTEGERS,
    long: [...INTEGERS, "bigint", "counter", "time"],
    float: ["float"],
    double: ["float", "double", ...INTEGERS],
    decimal: [...INTEGERS, "bigint", "counter", "varint", "decimal"],
    date: ["date"],
    timestamp: ["timestamp"],
    epoch_seconds: ["int", "bigint"],
    binary: ["blob"],
    json: ["udt", "map", "set", "list", "tuple", "vector", "text", "custom"],
    list: ["list", "set", "vector"],
    map: ["map"],
    struct: ["udt"],
  },
  listTypes: ["list", "set", "vector"],
  versions: "pass",
  readsWithoutField: false,

  secret: cassandraSecretSchema,
  leastSecret: '{"contactPoints": ["…"], "port": 9042, "localDataCenter": "…"}',
  showAddress: ({ contactPoints, port }) => `${contactPoints.join(", ")}:${port}`,
  addressForm: {
    short: "HOST:PORT/DC",
    example: "127.0.0.1:9042/datacenter1",
    long: "HOST:PORT/DATACENTER like 127.0.0.1:9042/datacenter1, with user:password@ before it if needed (percent-encoded)",
  },
  parseAddress: (typed) => {
    const match =
      /^(?:(?<username>[^:@/]+):(?<password>[^@/]+)@)?(?<host>[^:@/]+):(?<port>\d+)\/(?<dc>[\w-]+)$/.exec(
        typed,
      );
    if (match === null) return undefined;
    const { username, password = "", host = "", port, dc = "" } = match.groups ?? {};
    return {
      contactPoints: [host],
      port: Number(port),
      localDataCenter: dc,
      ...(username === undefined
        ? {}
        : { username: decodeURIComponent(username), password: decodeURIComponent(password) }),
    };
  },
});

function cursorOf({
  column,
  lagSeconds,
  overlapSeconds,
  lateRows,
}: Extract<Changes, { strategy: "index" }>) {
  return { column, lagSeconds, overlapSeconds, lateRows };
}

function storedBuckets(
  { column, unit, lateBuckets, values }: Buckets,
  columns: readonly DeclaredColumn[],
): z.output<typeof bucketsSchema> {
  return {
    ...{ column: sourceField(columns, column), unit, lateBuckets },
    values: Object.fromEntries(
      Object.entries(values).map(([other, listed]) => [sourceField(columns, other), [...listed]]),
    ),
  };
}

function* mistakesInIndex(
  { column: name }: Extract<Changes, { strategy: "index" }>,
  columns: readonly DeclaredColumn[],
  place: string,
): Generator<Mistake> {
  const column = columns.find((candidate) => candidate.name === name);
  if (column === undefined || column.type === "timestamp") return;
  yield {
    place: `${place}, column ${name}`,
    problem: `it has the type ${JSON.stringify(column.type)}, whose greatest value Cassandra can't find`,
    fix: "name a column of type timestamp (in Cassandra a timestamp, or a bigint with milliseconds since 1970)",
  };
}

function* mistakesInBuckets(
  { column, values }: Buckets,
  columns: readonly DeclaredColumn[],
  place: string,
): Generator<Mistake> {
  for (const name of [column, ...Object.keys(values)])
    if (!columns.some((candidate) => candidate.name === name))
      yield notAColumn(columns, name, place);
  let partitions = 1;
  for (const [name, listed] of Object.entries(values)) {
    partitions *= listed.length;
    if (listed.length > 0 && new Set(listed).size === listed.length) continue;
    yield {
      place: `${place}.values.${name}`,
      problem: listed.length === 0 ? "the list is empty" : "a value stands in it twice",
      fix: "list each value that the column takes once",
    };
  }
  if (partitions > MAX_PARTITIONS) {
    yield {
      place: `${place}.values`,
      problem: `a bucket has ${partitions} partitions with them`,
      fix: `list at most ${MAX_PARTITIONS} combinations, or write changes: {strategy: "full-scan"}`,
    };
  }
}
