// What the state machine hands the load of one table, and what it gets back: always small.
import { z } from "zod";

export const loadInputSchema = z.object({
  run: z.string().min(1),
  table: z.string().min(1),
  /** Calls for this table in this run before this one. */
  polls: z.int().nonnegative(),
  /** A statement that is running, and the step that it belongs to. */
  statement: z.string().optional(),
  step: z.string().optional(),
});
export type LoadInput = z.infer<typeof loadInputSchema>;

export type LoadResult =
  | (LoadInput & { readonly status: "wait"; readonly waitSeconds: number })
  | (Ended & { readonly status: "done"; readonly detail: string })
  | (Ended & { readonly status: "held"; readonly detail: string })
  | (Ended & { readonly status: "failed"; readonly error: string });

interface Ended {
  readonly table: string;
  readonly polls: number;
}

/** A statement that was started, and the step that it belongs to. */
export interface Started {
  readonly statement: string;
  readonly step: string;
}

/** The state machine keeps the last result of each table for the report. */
const MAX_BYTES = 199;

const MAX_WAIT_SECONDS = 10;

/**
 * Ask again, soon at first and then less often. Nothing of it is ever left out: without the step, a statement that
 * failed would be started again and again. It is under 256 bytes with the longest name of a table, in a run that is named by a UUID.
 */
export function wait({ run, table, polls }: LoadInput, started?: Started): LoadResult {
  const waitSeconds = Math.min(MAX_WAIT_SECONDS, 1 + polls);
  return { run, table, polls: polls + 1, status: "wait", waitSeconds, ...started };
}

/** Nothing more to do for this table. */
export function done({ table, polls }: LoadInput, detail: string): LoadResult {
  return fitted(detail, (text) => ({ table, polls, status: "done", detail: text }));
}

/** The table is not tried in this run, for it failed lately and trying costs much. */
export function held({ table, polls }: LoadInput, detail: string): LoadResult {
  return fitted(detail, (text) => ({ table, polls, status: "held", detail: text }));
}

/** The table can't be loaded in this run. */
export function failed({ table, polls }: LoadInput, error: string): LoadResult {
  return fitted(error, (text) => ({ table, polls, status: "failed", error: text }));
}

/** Cuts the text until the whole fits. */
function fitted(text: string, result: (text: string) => LoadResult): LoadResult {
  let cut = text.replaceAll(/\s+/g, " ").slice(0, MAX_BYTES);
  while (cut !== "" && !isSmall(result(cut))) cut = cut.slice(0, -1);
  return result(cut.toWellFormed());
}

function isSmall(result: LoadResult): boolean {
  return Buffer.byteLength(JSON.stringify(result)) <= MAX_BYTES;
}
