// The keys of the ledger's items, and their parsing into checked records.
import { createHash } from "node:crypto";
import type { z } from "zod";
import { ProtocolError } from "../../contract/errors.ts";

/** The primary key of an item. A type, not an interface, so that it passes as a record of attributes. */
// eslint-disable-next-line @typescript-eslint/consistent-type-definitions
export type ItemKey = { readonly pk: string; readonly sk: string };

// Ten digits sort as text in the order of their numbers.
const sortable = (number: number): string => String(number).padStart(10, "0");

const objectPrefix = (pass: string, split: string): string => `object#${pass}#${split}#`;

export const itemKeys = {
  lease: (table: string): ItemKey => ({ pk: `table#${table}`, sk: "lease" }),
  progress: (table: string): ItemKey => ({ pk: `table#${table}`, sk: "progress" }),
  split: (table: string, pass: string, split: string): ItemKey => ({
    pk: `table#${table}`,
    sk: `split#${pass}#${split}`,
  }),
  object: (table: string, pass: string, split: string, sequence: number): ItemKey => ({
    pk: `table#${table}`,
    sk: `${objectPrefix(pass, split)}${sortable(sequence)}`,
  }),
  /** A sort key after those of all objects of a split. */
  objectsEnd: (pass: string, split: string): string => `${objectPrefix(pass, split)}:`,
  manifest: (table: string, number: number): ItemKey => ({
    pk: `table#${table}`,
    sk: `manifest#${sortable(number)}`,
  }),
  /** The request for a table's whole copy. */
  replace: (table: string): ItemKey => ({ pk: `table#${table}`, sk: "replace" }),
  /** A load that failed. */
  load: (table: string): ItemKey => ({ pk: `table#${table}`, sk: "load" }),
  lane: (source: string, lane: number): ItemKey => ({
    pk: `source#${source}`,
    sk: `lane#${lane}`,
  }),
  resource: (source: string, resource: string): ItemKey => ({
    pk: `source#${source}`,
    sk: `pit#${createHash("sha256").update(resource).digest("hex")}`,
  }),
  reading: (source: string, lane: number): ItemKey => ({
    pk: `source#${source}`,
    sk: `reading#${lane}`,
  }),
  sourceRest: (source: string): ItemKey => ({ pk: `source#${source}`, sk: "rest" }),
  run: (startedAt: string, run: string): ItemKey => ({ pk: "run", sk: `${startedAt}#${run}` }),
} as const;

/**
 * Parses an item's attributes, its key left aside.
 * @throws ProtocolError naming the item and what is wrong with it
 */
export function parseItem<Schema extends z.ZodType>(
  schema: Schema,
  item: Record<string, unknown>,
): z.output<Schema> {
  const { pk, sk, ...attributes } = item;
  const parsed = schema.safeParse(attributes);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new ProtocolError(
    `ledger item ${String(pk)} / ${String(sk)} is not as this version expects (${issues.join("; ")}); ` +
      `was it written by another version of Sluice?`,
  );
}
