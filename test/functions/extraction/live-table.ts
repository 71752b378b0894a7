// A table of a live source that tests change while it is extracted.
import { createHash } from "node:crypto";
import type { LoadBudgetDefinition, TableDefinition } from "../../../catalog/definition.ts";
import type { Table } from "../../../catalog/table.ts";
import type { SourceClient } from "../../../sources/source.ts";

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };
export type Doc = Record<string, Json>;

/** What a source or a warehouse holds: a document by its key, both as text. */
export type Rows = Map<string, string>;

export interface LiveTable {
  readonly name: string;
  definition(budget: Partial<LoadBudgetDefinition>): TableDefinition;
  /** The same as an engineer writes it. */
  entry(): Table;
  /** What the source's secret holds. */
  readonly secret: unknown;
  /** One client for all processes of a test. */
  readonly client: SourceClient;
  /** Brings the table to its first state, whatever was there. */
  reset(): Promise<void>;
  /** Changes, adds and removes rows: all that the scripted scenario does after its run of this number. */
  change(stage: number): Promise<void>;
  /** What the source holds now, read without the code under test. */
  rows(): Promise<Rows>;
  close(): Promise<void>;
}

/** JSON with members in one order, so that equal documents are equal texts. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, one]) => `${JSON.stringify(name)}:${canonical(one)}`);
  return `{${members.join(",")}}`;
}

export function contentHash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** In what `found` differs from `expected`: nothing may be missing and nothing extra. */
export function differences(expected: Rows, found: Rows): string[] {
  const missing = [...expected.keys()].filter((key) => !found.has(key));
  const extra = [...found.keys()].filter((key) => !expected.has(key));
  const changed = [...expected].filter(([key, doc]) => {
    const other = found.get(key);
    return other !== undefined && contentHash(other) !== contentHash(doc);
  });
  return [
    ...missing.map((key) => `missing: ${key}, which is ${expected.get(key) ?? ""} at the source`),
    ...extra.map((key) => `extra: ${key}, which is ${found.get(key) ?? ""}`),
    ...changed.map(([key, doc]) => `different: ${key} is ${found.get(key) ?? ""}, not ${doc}`),
  ];
}
