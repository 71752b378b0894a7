// Deals the splits to the lanes so that no table starves: a pure decision.
import { createHash } from "node:crypto";
import type { WorkItem } from "../../contract/state.ts";

/**
 * Takes one item of each table in turn, and deals them to the lanes in turn.
 *
 * Which table comes first changes with the run: a large first load whose budget ends in the middle of its only split
 * would otherwise come first in each run, and the tables after it never.
 * @returns a list a lane; some are empty if there are fewer items than lanes
 */
export function distribute(
  run: string,
  itemsByTable: ReadonlyMap<string, readonly WorkItem[]>,
  lanes: number,
): WorkItem[][] {
  const tables = [...itemsByTable].sort(([a], [b]) => (rank(run, a) < rank(run, b) ? -1 : 1));
  const rounds = Math.max(0, ...tables.map(([, items]) => items.length));
  const work: WorkItem[][] = Array.from({ length: lanes }, () => []);
  let next = 0;
  for (let round = 0; round < rounds; round += 1) {
    for (const [, items] of tables) {
      const item = items[round];
      if (item === undefined) continue;
      work[next % lanes]?.push(item);
      next += 1;
    }
  }
  return work;
}

function rank(run: string, table: string): string {
  return createHash("sha256").update(`${run}#${table}`).digest("hex");
}
