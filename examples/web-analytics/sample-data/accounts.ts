// The accounts (our customers) that sample rows belong to.
import type { History } from "./history.ts";
import type { Random } from "./random.ts";

const VISITS_PER_ACCOUNT = 2000;
const MOST_ACCOUNTS = 2000;
const FEWEST_ACCOUNTS = 5;

/** An account's id; a few accounts have most of the rows, as in life. */
export function accountId(history: History, random: Random): string {
  const accounts = Math.floor(history.rows.visits / VISITS_PER_ACCOUNT);
  const count = Math.min(MOST_ACCOUNTS, Math.max(FEWEST_ACCOUNTS, accounts));
  return `a${String(Math.floor(random.unit() ** 2 * count)).padStart(5, "0")}`;
}
