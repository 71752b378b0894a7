// Which copies of an index answer, and how many of its shards at the same time: a source's budget as search parameters.
import type { LoadBudgetDefinition } from "../../catalog/definition.ts";

export type SearchLoad = Pick<LoadBudgetDefinition, "preference" | "shardsAtOnce">;

/** Which copies answer; of a point in time this is decided when it is opened. */
export function preferenceQuery({ preference }: SearchLoad): Readonly<Record<string, string>> {
  return preference === null ? {} : { preference };
}

/** Shards searched at the same time on one node. `_count` does not know it. */
export function shardsQuery({ shardsAtOnce }: SearchLoad): Readonly<Record<string, string>> {
  return { max_concurrent_shard_requests: String(shardsAtOnce) };
}
