// Which executions read from a source, at most as many at once as its budget has lanes.
import { itemKeys } from "../../contract/ledger-keys.ts";
import { leaseSchema, type Lease } from "../../contract/records.ts";
import { StaleSplitError } from "./errors.ts";
import {
  fencedError,
  hasToken,
  MAX_LEASE_ROUNDS,
  release,
  setExpiry,
  takeOver,
  type IsRunning,
} from "./lease.ts";
import type { LedgerTable } from "./ledger-table.ts";
import { parseItem } from "./parse-item.ts";

export class SourceLanes {
  readonly #ledgerTable: LedgerTable;

  constructor(ledgerTable: LedgerTable) {
    this.#ledgerTable = ledgerTable;
  }

  /**
   * Takes one lane of a source, or none if as many lanes as the budget allows are in use.
   *
   * A lane of an ended execution is in use until it expires, for a process that the execution left behind may still
   * be reading until then.
   * @param alreadyTaken lanes that this attempt has taken before
   */
  async take(
    source: string,
    lanes: number,
    execution: string,
    expiresAt: number,
    isRunning: IsRunning,
    nowMillis: number,
    alreadyTaken: readonly number[] = [],
  ): Promise<{ lane: number; token: number } | undefined> {
    for (let round = 0; round < MAX_LEASE_ROUNDS; round += 1) {
      const leases = await this.#list(source);
      const inUse = new Set(alreadyTaken);
      for (const [lane, lease] of leases) {
        if (await isInUse(lease, execution, isRunning, nowMillis)) inUse.add(lane);
      }
      // Counts lanes beyond the budget too, so that a budget made smaller holds from the next run on.
      if (inUse.size >= lanes) return undefined;
      const lane = Array.from({ length: lanes }, (_, n) => n).find((n) => !inUse.has(n));
      if (lane === undefined) return undefined;
      const key = itemKeys.lane(source, lane);
      const token = await takeOver(this.#ledgerTable, key, leases.get(lane), execution, expiresAt);
      if (token !== undefined) return { lane, token };
    }
    return undefined;
  }

  /**
   * Begins an attempt of an invocation: from here on no earlier attempt, which may still be under way, can renew the lane.
   * @param args.attempt a random id of the attempt
   * @throws FencedError if the token is no longer the lane's
   */
  async claim(args: {
    source: string;
    lane: number;
    token: number;
    execution: string;
    attempt: string;
    expiresAt: number;
  }): Promise<void> {
    const { token, execution, attempt, expiresAt } = args;
    const key = itemKeys.lane(args.source, args.lane);
    const claimed = await this.#ledgerTable.updateIf({
      kind: "update",
      key,
      // The execution too, for an earlier attempt may have given the lane back when it was done.
      set: { attempt, execution, expiresAt },
      condition: hasToken(token),
    });
    if (!claimed) throw fencedError(key, token);
  }

  /**
   * @throws FencedError if the token is no longer the lane's; StaleSplitError if another attempt of the same invocation
   *   claimed the lane
   */
  async renew(
    source: string,
    lane: number,
    token: number,
    attempt: string,
    expiresAt: number,
  ): Promise<void> {
    const key = itemKeys.lane(source, lane);
    if (await setExpiry(this.#ledgerTable, key, token, expiresAt, attempt)) return;
    const lease = await this.#ledgerTable.find(key, leaseSchema);
    if (lease?.token !== token) throw fencedError(key, token);
    throw new StaleSplitError(
      `attempt ${attempt} of an invocation of lane ${lane} of source ${source} cannot go on: ` +
        `attempt ${lease.attempt ?? "none"} reads in its place`,
    );
  }

  /**
   * Gives a lane back. A lane that somebody else has taken since is left alone.
   * @param attempt leaves the lane alone also if another attempt of the same invocation has claimed it
   */
  async release(source: string, lane: number, token: number, attempt?: string): Promise<void> {
    await release(this.#ledgerTable, itemKeys.lane(source, lane), token, attempt);
  }

  async #list(source: string): Promise<Map<number, Lease>> {
    const prefix = itemKeys.lanes(source);
    const items = await this.#ledgerTable.listUnder(prefix);
    return new Map(
      items.map((item) => [
        Number(String(item.sk).slice(prefix.sk.length)),
        parseItem(leaseSchema, item),
      ]),
    );
  }
}

async function isInUse(
  lease: Lease,
  execution: string,
  isRunning: IsRunning,
  nowMillis: number,
): Promise<boolean> {
  if (lease.execution === null || lease.execution === execution) return false;
  return nowMillis < lease.expiresAt || (await isRunning(lease.execution));
}
