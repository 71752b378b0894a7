// The one query that a sweep asks: a token range of a table, declared columns and the row's token.
import { createHash } from "node:crypto";
import { SMALLEST_TOKEN } from "./token-ranges.ts";

export interface SweepQuery {
  readonly text: string;
  readonly parameters: readonly bigint[];
  readonly fingerprint: string;
}

/** What the query is made of; `schema` is any text that changes with the columns' types. */
export interface SweepTarget {
  readonly keyspace: string;
  readonly table: string;
  readonly columns: readonly string[];
  readonly partitionKey: readonly string[];
  readonly schema: string;
}

/** Rows with a token in `(after, upTo]`; the smallest token as `after` means from the ring's beginning. */
export function sweepQuery(target: SweepTarget, after: bigint, upTo: bigint): SweepQuery {
  const token = `token(${target.partitionKey.map(quoted).join(", ")})`;
  const columns = [...target.columns.map(quoted), token].join(", ");
  const isFromBeginning = after <= SMALLEST_TOKEN;
  const bounds = isFromBeginning ? `${token} <= ?` : `${token} > ? AND ${token} <= ?`;
  const text = `SELECT ${columns} FROM ${quoted(target.keyspace)}.${quoted(target.table)} WHERE ${bounds}`;
  const fingerprint = createHash("sha256")
    .update(JSON.stringify([text, target.schema, String(after), String(upTo)]))
    .digest("hex")
    .slice(0, 32);
  return { text, parameters: isFromBeginning ? [upTo] : [after, upTo], fingerprint };
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
