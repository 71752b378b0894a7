// Whether a table's partitions can be listed by time buckets, and whether those that it has are among the listed.
import type cassandra from "cassandra-driver";
import type { TableDefinition } from "../../catalog/definition.ts";
import { SourceConfigurationError } from "../../contract/errors.ts";
import { type BucketForm, bucketForm, combinations, keyValue } from "./buckets.ts";
import type { CassandraPlace, Described } from "./describe.ts";
import { sampleQuery } from "./query.ts";
import { RING_SIZE, SMALLEST_TOKEN } from "./token-ranges.ts";

type Buckets = NonNullable<CassandraPlace["buckets"]>;

export interface BucketTable {
  /** The partition key's column that holds the bucket. */
  readonly column: string;
  readonly form: BucketForm;
  /** What the partition key's other columns hold, one entry for each partition of a bucket. */
  readonly others: readonly (readonly { readonly column: string; readonly value: unknown }[])[];
}

/** @throws SourceConfigurationError if the partition key has a column that is neither the bucket nor listed */
export function describeBuckets(
  described: Described,
  table: TableDefinition,
  buckets: Buckets,
): BucketTable {
  const { partitionKey, types } = described;
  const problem = (what: string, fix: string): SourceConfigurationError =>
    new SourceConfigurationError(
      `Table "${table.name}" finds changes by buckets, but ${what} in ${described.keyspace}.${described.table}, whose ` +
        `partition key is (${partitionKey.join(", ")}). ${fix}, or write changes: {strategy: "full-scan"} in the table's file.`,
    );
  const { column, unit, values } = buckets;
  const type = types.get(column);
  if (type === undefined || !partitionKey.includes(column))
    throw problem(
      `"${column}" is not a column of the partition key`,
      "Name the one that holds the bucket",
    );
  const form = bucketForm(type, unit);
  if (form === null)
    throw problem(
      `the type of "${column}" holds no bucket of one ${unit}`,
      "Use a timestamp, text such as 2026-01-31, a number such as 20260131, or for days and months a date",
    );
  const unknown = Object.keys(values).find(
    (name) => name === column || !partitionKey.includes(name),
  );
  if (unknown !== undefined)
    throw problem(
      `"${unknown}" is not another column of the partition key`,
      'Take it out of "values"',
    );
  const others = partitionKey
    .filter((name) => name !== column)
    .map((name) => {
      const listed = values[name];
      if (listed === undefined)
        throw problem(
          `nothing says which values "${name}" has, so that its partitions can't be listed`,
          `List all of them in "values" if they are few and fixed, such as the numbers of shards`,
        );
      const otherType = types.get(name);
      const written = listed.map((value) =>
        otherType === undefined ? null : keyValue(otherType, value),
      );
      const wrong = written.indexOf(null);
      if (wrong !== -1)
        throw problem(
          `${JSON.stringify(listed[wrong])} is not a value of "${name}"`,
          "Write whole numbers for a column of int, bigint, smallint or tinyint, and text for text",
        );
      return { column: name, values: written };
    });
  return { column, form, others: combinations(others) };
}

const SAMPLED = 20;

/**
 * Looks at some of the table's partitions, others at each time: a bucket written in another way, or a value that is not
 * listed, would never be read and nobody would notice.
 * @throws SourceConfigurationError that shows a partition which no reading would find
 */
export async function checkSample(
  client: cassandra.Client,
  described: Described,
  table: TableDefinition,
  { column, form, others }: BucketTable,
  nowMillis: number,
): Promise<void> {
  const { keyspace, table: name, partitionKey } = described;
  const target = { keyspace, table: name, partitionKey, columns: partitionKey, schema: "" };
  // A step through the ring that comes to another place each millisecond.
  const start = SMALLEST_TOKEN + ((BigInt(nowMillis) * 0x9e3779b97f4a7c15n) % RING_SIZE);
  const listed = new Set(others.map((values) => keyOf(values)));
  for (const from of [SMALLEST_TOKEN, start]) {
    const { text, parameters } = sampleQuery(target, from, SAMPLED);
    const { rows } = await client.execute(text, [...parameters], { prepare: true });
    for (const row of rows) {
      const values = partitionKey.map((key) => ({ column: key, value: row.get(key) as unknown }));
      const bucket = values.find((value) => value.column === column)?.value;
      const isListed = listed.has(keyOf(values.filter((value) => value.column !== column)));
      if (isListed && form.read(bucket) !== null) continue;
      const shown = values.map((value) => `${value.column} = ${textOf(value.value)}`).join(", ");
      throw new SourceConfigurationError(
        `Table "${table.name}" finds changes by buckets, but ${keyspace}.${name} has a partition that its buckets leave out: ` +
          `${shown}. ${
            isListed
              ? `A bucket is written as ${form.example} would be; correct "unit" in "changes"`
              : 'Complete "values" in "changes"'
          }, or write changes: {strategy: "full-scan"} in the table's file.`,
      );
    }
  }
}

function keyOf(values: readonly { readonly column: string; readonly value: unknown }[]): string {
  return JSON.stringify(values.map(({ column, value }) => [column, String(value)]));
}

function textOf(value: unknown): string {
  return value instanceof Date ? value.toISOString() : String(value);
}
