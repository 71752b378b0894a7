// Discovers a table: its columns, its key, what the schema says of it, and one small page of its rows.
import cassandra from "cassandra-driver";
import { z } from "zod";
import {
  CLOCKS_DIFFER_MILLIS,
  type CursorEvidence,
  decideCursor,
} from "../discover/cursor-evidence.ts";
import { ExactNumber, parseExact } from "../discover/exact-json.ts";
import { observe } from "../discover/observe.ts";
import type { Discovery, FoundField } from "../discover/discovery.ts";
import type { SourceShape } from "../discover/shape.ts";
import { SourceConfigurationError } from "../../contract/errors.ts";
import type { addressSchema } from "./declaration.ts";
import { cqlName, cqlText, readCqlType, shapeOfType } from "./discover-types.ts";
import { toJson } from "./to-json.ts";

type Metadata = cassandra.metadata.TableMetadata;

type CassandraTablePlace = z.output<typeof addressSchema>;

/** The columns as drift compares them: a few queries of system_schema. */
export async function readShape(
  client: cassandra.Client,
  where: string,
  place: CassandraTablePlace,
): Promise<SourceShape> {
  const found = await readTable(client, where, place);
  const columns = found.columns.map(({ name, type }) => [name, shapeOfType(type)] as const);
  return { fields: Object.fromEntries(columns), hidesFields: false };
}

/** @throws SourceConfigurationError if there is no such table */
export async function discoverTable(
  client: cassandra.Client,
  where: string,
  place: CassandraTablePlace,
  { documents: rows }: { readonly documents: number },
): Promise<Discovery> {
  const found = await readTable(client, where, place);
  const sample = await sampleRows(client, place, found, rows);
  const observed = observe(sample);
  const keys = [...found.partitionKeys, ...found.clusteringKeys].map(({ name }) => name);
  const statics = found.columns.filter(isStatic).map(({ name }) => name);
  const inOrder = [...keys, ...found.columns.map(({ name }) => name)];
  const fields = [...new Set(inOrder)].flatMap((name): FoundField[] => {
    const type = found.columnsByName[name]?.type;
    if (type === undefined) return [];
    const seen = observed.children.get(name) ?? null;
    const { type: columnType, remarks } = readCqlType(type, seen);
    return [
      {
        ...{ path: [name], type: columnType, sourceType: cqlText(type), observed: seen },
        ...{
          isSortable: false,
          isKey: keys.includes(name),
          description: null,
          cursorEvidence: null,
        },
        remarks: [
          ...remarks,
          ...(statics.includes(name) ? ["static: one value for all rows of a partition"] : []),
          ...(cqlName(type) === "counter"
            ? ["a counter: a count may be read twice or not at all"]
            : []),
        ],
      },
    ];
  });
  return {
    ...{ system: "cassandra", place, fields, sampledIds: [], refreshSeconds: null },
    description: found.comment === "" ? null : found.comment,
    sampledDocuments: sample.length,
    remarks: remarksOf(found, statics, sample),
  };
}

function remarksOf(
  found: Metadata,
  statics: readonly string[],
  sample: readonly unknown[],
): string[] {
  const remarks: string[] = [];
  if (statics.length > 0)
    remarks.push(
      `A partition that has static columns (${statics.join(", ")}) but no row comes with an empty clustering key, and goes to quarantine.`,
    );
  if (found.defaultTtl > 0)
    remarks.push(
      `Rows expire after ${found.defaultTtl} s by the table's default_time_to_live; with deletes by full scan they go from the warehouse too. {strategy: "none"} keeps them.`,
    );
  const indexes = found.indexes.map(({ name, target }) => `${name} on ${target}`);
  if (indexes.length > 0)
    remarks.push(
      `It has indexes (${indexes.join(", ")}): if one is SAI on a time that each write sets, changes: {strategy: "index"} finds changes by it instead of by full scans.`,
      ...remarksOnIndexed(found, sample),
    );
  const buckets = found.partitionKeys.filter(({ type }) =>
    ["date", "timestamp"].includes(cqlName(type)),
  );
  if (buckets.length > 0)
    remarks.push(
      `The partition key holds a time (${buckets.map(({ name }) => name).join(", ")}): if rows are written in their own time only, and the key's other columns have few values, changes: {strategy: "buckets"} finds them without full scans.`,
    );
  return remarks;
}

/** What the sampled rows say of the indexed columns that may hold the time of a change. */
function remarksOnIndexed(found: Metadata, sample: readonly unknown[]): string[] {
  return found.columns.flatMap(({ name, type }) => {
    const isIndexed = found.indexes.some(
      ({ target }) => target === name || target === quoted(name),
    );
    if (!isIndexed || !["timestamp", "bigint"].includes(cqlName(type))) return [];
    if (sample.length === 0)
      return [`Index on ${name}: no row was sampled, so nothing shows whether each write sets it.`];
    const verdict = decideCursor(evidenceOf(name, sample), "change");
    if (verdict.isBorneOut)
      return verdict.remarks.map((remark) => `Index on ${name}: ${ofRows(remark)}.`);
    return [
      `Index on ${name}: not a time that each write sets, by ${sample.length} sampled rows: ${ofRows(verdict.reason)}.`,
    ];
  });
}

/** A sample in the order of tokens, which says nothing of the order of writing. */
function evidenceOf(column: string, sample: readonly unknown[]): CursorEvidence {
  const values = sample
    .flatMap((row) => millisIn(rowSchema.parse(row)[column]) ?? [])
    .sort((a, b) => (a < b ? -1 : 1));
  const nowMillis = Date.now();
  const latest = BigInt(nowMillis + CLOCKS_DIFFER_MILLIS);
  return {
    ...{ unit: "ms", documents: sample.length, missing: sample.length - values.length, nowMillis },
    ...{ least: values[0] ?? null, greatest: values.at(-1) ?? null, written: [] },
    future: values.filter((value) => value > latest).length,
  };
}

const rowSchema = z.record(z.string(), z.unknown());

function millisIn(value: unknown): bigint | null {
  if (value instanceof ExactNumber) return BigInt(value.text);
  const millis = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(millis) ? null : BigInt(millis);
}

/** Cassandra's word for what the evidence calls documents. */
function ofRows(words: string): string {
  return words.replaceAll("document", "row");
}

async function readTable(
  client: cassandra.Client,
  where: string,
  { keyspace, table }: CassandraTablePlace,
): Promise<Metadata> {
  // What the driver remembers does not follow a changed user-defined type.
  await client.metadata.refreshKeyspace(keyspace);
  // Typed as always present, but null where there is no such table.
  const found: Metadata | null = nullable(await client.metadata.getTable(keyspace, table));
  if (found !== null) return found;
  throw new SourceConfigurationError(
    `${where} has no table ${keyspace}.${table}. Names are case-sensitive; views and indexes are not tables.`,
  );
}

/** The first page of the ring, from one replica, so that nothing is compared or repaired for it. */
async function sampleRows(
  client: cassandra.Client,
  { keyspace, table }: CassandraTablePlace,
  found: Metadata,
  rows: number,
): Promise<unknown[]> {
  if (rows === 0) return [];
  const names = found.columns.map(({ name }) => quoted(name)).join(", ");
  const response = await client.execute(
    `SELECT ${names} FROM ${quoted(keyspace)}.${quoted(table)} LIMIT ${rows}`,
    [],
    {
      ...{ prepare: true, fetchSize: rows, autoPage: false },
      consistency: cassandra.types.consistencies.localOne,
    },
  );
  const writers = found.columns.map(({ name, type }) => ({ name, write: toJson(type) }));
  return response.rows.map((row) =>
    Object.fromEntries(
      writers.map(({ name, write }) => [name, parseExact(write(row.get(name) as unknown))]),
    ),
  );
}

/** The driver says it, but its types do not. */
function isStatic(column: cassandra.metadata.ColumnInfo): boolean {
  return "isStatic" in column && column.isStatic === true;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function nullable<T>(value: T): T | null {
  return value;
}
