// The queries that a reader asks: a token range of a table, all of it or what an index finds, or one partition.
import { createHash } from "node:crypto";
import { RAW_TOKEN } from "./raw-rows.ts";
import { SMALLEST_TOKEN } from "./token-ranges.ts";

export interface PageQuery {
  readonly text: string;
  readonly parameters: readonly unknown[];
  /** Changes with all that a page state depends on. */
  readonly fingerprint: string;
}

/** What the query is made of; `schema` is any text that changes with the columns' types. */
export interface Target {
  readonly keyspace: string;
  readonly table: string;
  readonly columns: readonly string[];
  readonly partitionKey: readonly string[];
  readonly schema: string;
}

/** Rows whose column lies in `[from, to)`, which an index finds. */
export interface CursorRange {
  readonly column: string;
  readonly from: unknown;
  readonly to: unknown;
}

/**
 * Rows with a token in `(after, upTo]`, the row's token last, as bytes; the smallest token as `after` means from the
 * ring's beginning.
 */
export function rangeQuery(
  target: Target,
  after: bigint,
  upTo: bigint,
  cursor: CursorRange | null = null,
): PageQuery {
  const token = tokenOf(target);
  const isFromBeginning = after <= SMALLEST_TOKEN;
  const conditions = isFromBeginning ? [`${token} <= ?`] : [`${token} > ?`, `${token} <= ?`];
  const parameters: unknown[] = isFromBeginning ? [upTo] : [after, upTo];
  if (cursor !== null) {
    conditions.push(`${quoted(cursor.column)} >= ?`, `${quoted(cursor.column)} < ?`);
    parameters.push(cursor.from, cursor.to);
  }
  return query(target, selectedOf(target), conditions, parameters);
}

/** All rows of one partition, with their token last, as bytes. */
export function partitionQuery(
  target: Target,
  partition: readonly { readonly column: string; readonly value: unknown }[],
): PageQuery {
  return query(
    target,
    selectedOf(target),
    partition.map(({ column }) => `${quoted(column)} = ?`),
    partition.map(({ value }) => value),
  );
}

/** Some partition keys with a token of at least `from`. */
export function sampleQuery(target: Target, from: bigint, limit: number): PageQuery {
  const keys = target.partitionKey.map(quoted);
  const { text, ...rest } = query(
    target,
    ["DISTINCT " + keys.join(", ")],
    [`token(${keys.join(", ")}) >= ?`],
    [from],
  );
  return { ...rest, text: `${text} LIMIT ${limit}` };
}

function tokenOf({ partitionKey }: Target): string {
  return `token(${partitionKey.map(quoted).join(", ")})`;
}

function selectedOf(target: Target): string[] {
  return [...target.columns.map(quoted), `${tokenOf(target)} AS ${quoted(RAW_TOKEN)}`];
}

function query(
  target: Target,
  selected: readonly string[],
  conditions: readonly string[],
  parameters: readonly unknown[],
): PageQuery {
  const text =
    `SELECT ${selected.join(", ")} FROM ${quoted(target.keyspace)}.${quoted(target.table)} ` +
    `WHERE ${conditions.join(" AND ")}`;
  const fingerprint = createHash("sha256")
    .update(JSON.stringify([text, target.schema, ...parameters.map(asText)]))
    .digest("hex")
    .slice(0, 32);
  return { text, parameters, fingerprint };
}

function asText(parameter: unknown): string {
  return parameter instanceof Date ? parameter.toISOString() : String(parameter);
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
