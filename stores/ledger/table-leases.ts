// Which execution holds a table, and under which token it may record.
import { itemKeys } from "../../contract/ledger-keys.ts";
import { leaseSchema, type Lease } from "../../contract/records.ts";
import { StaleProgressError } from "./errors.ts";
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

export class TableLeases {
  readonly #ledgerTable: LedgerTable;

  constructor(ledgerTable: LedgerTable) {
    this.#ledgerTable = ledgerTable;
  }

  /**
   * Takes a table's lease under a new token, unless a running execution other than this one holds it.
   *
   * A lease of an execution that no longer runs is taken at once: a process that it left behind can still read,
   * but not record, for its token is old. `expiresAt` is in milliseconds since 1970.
   * @returns the token, or which execution holds the table
   */
  async take(
    table: string,
    execution: string,
    expiresAt: number,
    isRunning: IsRunning,
  ): Promise<{ token: number } | { heldBy: string }> {
    const key = itemKeys.lease(table);
    for (let round = 0; round < MAX_LEASE_ROUNDS; round += 1) {
      const lease = await this.#read(table);
      const holder = lease?.execution ?? null;
      if (holder !== null && holder !== execution && (await isRunning(holder))) {
        return { heldBy: holder };
      }
      const token = await takeOver(this.#ledgerTable, key, lease, execution, expiresAt);
      if (token !== undefined) return { token };
    }
    throw new StaleProgressError(
      `the lease of table ${table} changed hands ${MAX_LEASE_ROUNDS} times while ${execution} tried to take it`,
    );
  }

  /** @throws FencedError if the token is no longer the lease's */
  async renew(table: string, token: number, expiresAt: number): Promise<void> {
    const key = itemKeys.lease(table);
    if (await setExpiry(this.#ledgerTable, key, token, expiresAt)) return;
    throw fencedError(key, token);
  }

  /**
   * Raises the token so that nobody who still holds `token` can record any more. Doing it again is a success.
   * @returns the new token, `token + 1`
   * @throws FencedError if somebody else has taken the lease since
   */
  async fence(table: string, token: number): Promise<number> {
    const key = itemKeys.lease(table);
    const fenced = await this.#ledgerTable.updateIf({
      kind: "update",
      key,
      set: { token: token + 1, fencedFrom: token },
      condition: hasToken(token),
    });
    if (fenced) return token + 1;
    const lease = await this.#read(table);
    // A take-over removes fencedFrom, so this pair can only be our own earlier fence.
    if (lease?.token === token + 1 && lease.fencedFrom === token) return token + 1;
    throw fencedError(key, token);
  }

  /** Gives a table back. A lease that somebody else has taken since is left alone. */
  async release(table: string, token: number): Promise<void> {
    await release(this.#ledgerTable, itemKeys.lease(table), token);
  }

  /** Gives back a table that an execution still holds, whatever its token by now. */
  async releaseOf(table: string, execution: string): Promise<void> {
    const lease = await this.#read(table);
    if (lease?.execution === execution) await this.release(table, lease.token);
  }

  async #read(table: string): Promise<Lease | undefined> {
    return this.#ledgerTable.find(itemKeys.lease(table), leaseSchema);
  }
}
