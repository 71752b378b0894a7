// Which copies of an index respond, and how many of its shards at the same time: a source's budget as search parameters.
import { z } from "zod";
import type { TableDefinition } from "../../catalog/definition.ts";
import { budgetFields } from "./declaration.ts";

const loadSchema = z.strictObject(budgetFields);
export type SearchLoad = z.output<typeof loadSchema>;

export function loadOf(table: TableDefinition): SearchLoad {
  return loadSchema.parse(table.source.budget.own);
}

/** Which copies respond; of a point in time this is decided when it is opened. */
export function preferenceQuery({ preference }: SearchLoad): Readonly<Record<string, string>> {
  return preference === null ? {} : { preference };
}

/** Shards searched at the same time on one node. `_count` does not know it. */
export function shardsQuery({ shardsAtOnce }: SearchLoad): Readonly<Record<string, string>> {
  return { max_concurrent_shard_requests: String(shardsAtOnce) };
}
