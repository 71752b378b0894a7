// What the warehouse should hold, worked out from what was written and from nothing else.
import { companyRow } from "./companies.ts";
import { rowsEver, stepsOf, type History, type SampleTable, type Step } from "./history.ts";
import { leadRow } from "./leads.ts";
import { pageViewRow } from "./page-views.ts";
import { rowHash, type TruthRow } from "./truth-row.ts";
import { visitRow } from "./visits.ts";

const ROW: Readonly<
  Record<SampleTable, (history: History, row: number, steps: readonly Step[]) => TruthRow>
> = {
  companies: companyRow,
  leads: leadRow,
  visits: visitRow,
  page_views: pageViewRow,
};

const KEY: Readonly<Record<SampleTable, readonly string[]>> = {
  companies: ["company_id"],
  leads: ["lead_id"],
  visits: ["account_id", "day", "visit_id"],
  page_views: ["account_id", "day", "visit_id", "view_number"],
};

/** The live rows of a table after all rounds of its history, one at a time. */
export function* liveRows(history: History, table: SampleTable): Generator<TruthRow> {
  const rows = rowsEver(history, table, history.rounds.length - 1);
  for (let row = 0; row < rows; row++) {
    const steps = stepsOf(history, table, row);
    if (steps.at(-1)?.change !== "delete") yield ROW[table](history, row, steps);
  }
}

/** How many rows are live. */
export function liveCount(history: History, table: SampleTable): number {
  let count = 0;
  const rows = rowsEver(history, table, history.rounds.length - 1);
  for (let row = 0; row < rows; row++) {
    if (stepsOf(history, table, row).at(-1)?.change !== "delete") count++;
  }
  return count;
}

/** The key of a row as one text. */
export function keyText(table: SampleTable, row: TruthRow): string {
  return JSON.stringify(KEY[table].map((column) => row[column] ?? null));
}

/** The hash of each live row by its key; all in memory, so for small tables. */
export function liveHashes(history: History, table: SampleTable): Map<string, string> {
  const hashes = new Map<string, string>();
  for (const row of liveRows(history, table)) hashes.set(keyText(table, row), rowHash(row));
  return hashes;
}
