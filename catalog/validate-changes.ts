// All mistakes in how changed rows of a Cassandra table are found.
import type { Mistake } from "./errors.ts";
import type { Buckets, Table } from "./table.ts";

const UNITS: readonly string[] = ["hour", "day", "month"];
const MOST_LATE_BUCKETS = 1000;
/** Partitions of one bucket, each of which is asked for in each reading of it. */
const MOST_PARTITIONS = 4096;

/** Mistakes in `changes`, but for those of an index's cursor. */
export function* mistakesInChanges(table: Table, entryPlace: string): Generator<Mistake> {
  const changes = "changes" in table ? table.changes : undefined;
  if (changes === undefined) return;
  const place = `${entryPlace}, changes`;
  if ("index" in table.from) {
    yield {
      place,
      problem: "they are for Cassandra, and this table reads an index of Elasticsearch",
      fix: "write cursor: {column, lagSeconds, overlapSeconds}, or remove changes to read all each time",
    };
    return;
  }
  // Widened: what is looked at was written by a person, and types do not hold at run time.
  const strategy: string = changes.strategy;
  if (changes.strategy === "index") {
    const column = table.columns.find(({ name }) => name === changes.column);
    if (column !== undefined && column.type !== "timestamp") {
      yield {
        place: `${place}, column ${column.name}`,
        problem: `it has the type ${JSON.stringify(column.type)}, whose greatest value Cassandra can't tell`,
        fix: "name a column of type timestamp (in Cassandra a timestamp, or a bigint with milliseconds since 1970)",
      };
    }
  } else if (changes.strategy === "buckets") yield* mistakesInBuckets(table, changes, place);
  else if (strategy !== "sweep") {
    yield {
      place,
      problem: `the strategy ${JSON.stringify(strategy)} is not known`,
      fix: 'write {strategy: "sweep"}, {strategy: "index", …} or {strategy: "buckets", …}',
    };
  }
}

function* mistakesInBuckets(table: Table, buckets: Buckets, place: string): Generator<Mistake> {
  const { column, unit, lateBuckets, values = {} } = buckets;
  for (const name of [column, ...Object.keys(values)]) {
    if (table.columns.some((candidate) => candidate.name === name)) continue;
    yield {
      place,
      problem: `${JSON.stringify(name)} is no column`,
      fix: `name one of ${table.columns.map((candidate) => candidate.name).join(", ")}`,
    };
  }
  if (!UNITS.includes(unit)) {
    yield {
      place: `${place}.unit`,
      problem: `${JSON.stringify(unit)} is no unit`,
      fix: `write one of ${UNITS.join(", ")}`,
    };
  }
  if (!(Number.isInteger(lateBuckets) && lateBuckets >= 1 && lateBuckets <= MOST_LATE_BUCKETS)) {
    yield {
      place: `${place}.lateBuckets`,
      problem: `${lateBuckets} is out of range`,
      fix: `write a whole number from 1 (a clock that is behind writes to the bucket before) to ${MOST_LATE_BUCKETS}`,
    };
  }
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
  if (partitions > MOST_PARTITIONS) {
    yield {
      place: `${place}.values`,
      problem: `a bucket has ${partitions} partitions with them`,
      fix: `list at most ${MOST_PARTITIONS} combinations, or write changes: {strategy: "sweep"}`,
    };
  }
}
