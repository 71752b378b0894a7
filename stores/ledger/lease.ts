// What the leases of tables and of lanes have in common: an item with a token that only ever grows.
import { FencedError } from "../../contract/errors.ts";
import type { ItemKey } from "../../contract/ledger-keys.ts";
import type { Lease } from "../../contract/records.ts";
import type { LedgerTable } from "./ledger-table.ts";
import { hasValues, IS_ABSENT, type Condition } from "./operations.ts";

/** Whether an execution, by its ARN, is still running. */
export type IsRunning = (execution: string) => Promise<boolean>;

// Each loss of a race means that somebody else won it, so few rounds are enough.
export const MAX_LEASE_ROUNDS = 5;

/**
 * Takes a lease under a new token; what an earlier holder noted in it goes.
 * @param lease as it was read, or nothing if there was none
 * @returns the new token, or nothing if the lease changed since it was read
 */
export async function takeOver(
  ledgerTable: LedgerTable,
  key: ItemKey,
  lease: Lease | undefined,
  execution: string,
  expiresAt: number,
): Promise<number | undefined> {
  const token = (lease?.token ?? 0) + 1;
  const taken = await ledgerTable.putIf({
    kind: "put",
    key,
    attributes: { token, execution, expiresAt },
    condition: lease === undefined ? IS_ABSENT : hasToken(lease.token),
  });
  return taken ? token : undefined;
}

/** @returns whether the lease was still the token's, and the attempt's if one is given */
export async function setExpiry(
  ledgerTable: LedgerTable,
  key: ItemKey,
  token: number,
  expiresAt: number,
  attempt?: string,
): Promise<boolean> {
  const condition = hasToken(token, attempt);
  return ledgerTable.updateIf({ kind: "update", key, set: { expiresAt }, condition });
}

/** Gives a lease back, unless it is another token's or attempt's by now. */
export async function release(
  ledgerTable: LedgerTable,
  key: ItemKey,
  token: number,
  attempt?: string,
): Promise<void> {
  const condition = hasToken(token, attempt);
  await ledgerTable.updateIf({ kind: "update", key, set: { execution: null }, condition });
}

/** The lease is the token's, and the attempt's if one is given. */
export function hasToken(token: number, attempt?: string): Condition {
  return hasValues(attempt === undefined ? { token } : { token, attempt });
}

export function fencedError(key: ItemKey, token: number): FencedError {
  return new FencedError(
    `token ${token} of ${key.pk} / ${key.sk} is no longer valid: another run took over, or this run's commit began`,
  );
}
