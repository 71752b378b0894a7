// Fills both sources with sample data and goes on changing it.
import type { ChangeShares, History } from "./history.ts";
import type { Targets } from "./targets.ts";
import { createKeyspace, writeEventsRound } from "./write-events.ts";
import { createIndices, writeSearchRound } from "./write-search.ts";

export interface GenerateOptions extends Targets {
  /** The same seed, numbers and clocks make the same rows. */
  readonly seed: number;
  readonly companies: number;
  readonly leads: number;
  readonly visits: number;
  readonly pageViews: number;
  /** Whether some values are edge cases, which have broken loaders. */
  readonly edgeCases: boolean;
  /** The real clock, milliseconds since 1970. */
  readonly nowMillis: number;
}

/**
 * Makes indices and keyspace anew and fills them. What it returns is all that `change` and the truth need to know; it is
 * plain data and may be kept as JSON.
 */
export async function generate(options: GenerateOptions): Promise<History> {
  const history: History = {
    seed: options.seed,
    edgeCases: options.edgeCases,
    rows: {
      companies: options.companies,
      leads: options.leads,
      visits: options.visits,
      page_views: options.pageViews,
    },
    rounds: [{ nowMillis: options.nowMillis, shares: { inserts: 0, updates: 0, deletes: 0 } }],
  };
  await createIndices(options.elasticsearch);
  await createKeyspace(options.cassandra);
  await writeRound(history, options);
  return history;
}

export interface ChangeOptions extends Targets {
  readonly history: History;
  /** The real clock, milliseconds since 1970; later than in every round before. */
  readonly nowMillis: number;
  /** By default 1 % of inserts, 2 % of updates and 0.5 % of deletes. */
  readonly shares?: Partial<ChangeShares>;
}

const DEFAULT_SHARES: ChangeShares = { inserts: 0.01, updates: 0.02, deletes: 0.005 };

/**
 * Writes one more round: new rows (some with a cursor slightly in the past), changed rows, columns that become null,
 * elements that leave a collection, deleted rows, and a few that come back.
 *
 * @returns the history with the round
 * @throws Error if the clock has gone back
 */
export async function change(options: ChangeOptions): Promise<History> {
  const { history, nowMillis } = options;
  const last = history.rounds.at(-1)?.nowMillis ?? 0;
  if (nowMillis <= last) {
    throw new Error(
      `nowMillis = ${nowMillis} is not after the last round's ${last}: pass the real clock`,
    );
  }
  const shares = { ...DEFAULT_SHARES, ...options.shares };
  const changed: History = { ...history, rounds: [...history.rounds, { nowMillis, shares }] };
  await writeRound(changed, options);
  return changed;
}

async function writeRound(history: History, targets: Targets): Promise<void> {
  const round = history.rounds.length - 1;
  await Promise.all([
    writeSearchRound(history, round, targets.elasticsearch),
    writeEventsRound(history, round, targets.cassandra),
  ]);
}
