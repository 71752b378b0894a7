// How many splits a full scan is cut into: by the size that the cluster itself estimates for the table.
import type cassandra from "cassandra-driver";
import { RING_SIZE } from "./token-ranges.ts";

/**
 * What one split should hold, bytes as stored. A lane takes a split at a time, so it is what the end of a pass can
 * hang on: a quarter of a gigabyte takes minutes at the default budget, also where the JSON is several times as large.
 */
export const SPLIT_BYTES = 256 * 1024 * 1024;

/** More would make the ledger's record of a pass large; each is then larger instead. */
export const MOST_SPLITS = 4096;

// Tokens are spread evenly, so that some nodes show enough about all.
const MOST_NODES_ASKED = 8;

/** A node's estimate for one of its own ranges, `(start, end]`; a range that ends where it starts is the whole ring. */
export interface SizeEstimate {
  readonly start: bigint;
  readonly end: bigint;
  readonly bytes: number;
}

/** At least `least`, and so many that a split is of about SPLIT_BYTES, as far as the estimates show. */
export function splitsFor(estimates: readonly SizeEstimate[], least: number): number {
  let bytes = 0;
  let tokens = 0n;
  for (const { start, end, bytes: some } of estimates) {
    bytes += some;
    const width = BigInt.asUintN(64, end - start);
    tokens += width === 0n ? RING_SIZE : width;
  }
  if (tokens === 0n) return least;
  // Ranges of nodes that were not asked are taken to be filled like the others.
  const wholeRing = bytes * (Number(RING_SIZE) / Number(tokens));
  return Math.max(least, Math.min(MOST_SPLITS, Math.ceil(wholeRing / SPLIT_BYTES)));
}

const QUERY =
  "SELECT range_start, range_end, mean_partition_size, partitions_count FROM system.size_estimates " +
  "WHERE keyspace_name = ? AND table_name = ?";

/**
 * What nodes of the data center estimate. Each node knows of its own ranges only, and of a new table nothing yet; one
 * that does not respond is left out, for the estimates only decide the number of splits.
 */
export async function readEstimates(
  client: cassandra.Client,
  hosts: readonly cassandra.Host[],
  table: { readonly keyspace: string; readonly table: string },
): Promise<SizeEstimate[]> {
  const asked = hosts.filter((host) => host.isUp()).slice(0, MOST_NODES_ASKED);
  const responses = await Promise.allSettled(
    asked.map((host) =>
      client.execute(QUERY, [table.keyspace, table.table], { prepare: true, host }),
    ),
  );
  return responses.flatMap((response) =>
    response.status === "fulfilled" ? response.value.rows.map(estimateOf) : [],
  );
}

function estimateOf(row: cassandra.types.Row): SizeEstimate {
  const [start, end, size, count] = [row.get(0), row.get(1), row.get(2), row.get(3)] as unknown[];
  return {
    start: BigInt(String(start)),
    end: BigInt(String(end)),
    bytes: Number(size) * Number(count),
  };
}
