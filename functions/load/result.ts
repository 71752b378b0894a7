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

export type LoadResult = LoadInput &
  (
    | { readonly status: "wait"; readonly waitSeconds: number }
    | { readonly status: "done"; readonly detail: string }
    | { readonly status: "failed"; readonly error: string }
  );

/** The state machine's history and payloads grow with each answer. */
const MAX_BYTES = 199;

const MAX_WAIT_SECONDS = 10;

/** Ask again, soon at first and then less often. */
export function wait(input: LoadInput, running?: { statement: string; step: string }): LoadResult {
  const { run, table, polls } = input;
  const waitSeconds = Math.min(MAX_WAIT_SECONDS, 1 + polls);
  const shared = { run, table, polls: polls + 1, status: "wait", waitSeconds } as const;
  if (running === undefined) return shared;
  const answer = { ...shared, ...running };
  // Without the step a failure is found out by trying once more.
  return isSmall(answer) ? answer : { ...shared, statement: running.statement };
}

/** Nothing more to do for this table. */
export function done({ run, table, polls }: LoadInput, detail: string): LoadResult {
  return fitted(detail, (text) => ({ run, table, polls, status: "done", detail: text }));
}

/** The table can't be loaded in this run. */
export function failed({ run, table, polls }: LoadInput, error: string): LoadResult {
  return fitted(error, (text) => ({ run, table, polls, status: "failed", error: text }));
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
