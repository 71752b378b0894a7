// Commits the tables of one run, each by itself: what fails with one does not hold up the others.
import { z } from "zod";
import type { Log } from "../log/log.ts";
import { keys } from "../protocol/keys.ts";
import { planFileSchema, type CommitFile, type CommitResult } from "../protocol/run-files.ts";
import { commitTable, type CommitContext } from "./commit-table.ts";

export const commitInputSchema = z.object({
  /** The execution's name. */
  run: z.string().min(1),
  /** The execution's ARN. */
  execution: z.string().min(1),
});

export interface CommitDependencies extends Omit<CommitContext, "run"> {
  readonly log: Pick<Log, "info" | "error">;
}

const TABLES_AT_ONCE = 4;

/**
 * Writes what it did to `commit.json`, the tables that failed too.
 * @throws ProtocolError if there is no plan of this run
 */
export async function commitRun(
  { run }: z.infer<typeof commitInputSchema>,
  { ledger, store, log }: CommitDependencies,
): Promise<{ manifests: number }> {
  const plan = await store.get(keys.runPlan(run), planFileSchema);
  const results = new Map<string, CommitResult>();
  const left = [...plan.tables];
  const work = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const { table, token } = next;
      try {
        const result = await commitTable({ run, ledger, store }, table, token);
        results.set(table, result);
        log.info("table committed", { ...result });
      } catch (error) {
        const result = failure(table, error);
        results.set(table, result);
        const { error: errorName, message: reason } = result;
        log.error("table not committed", { table, errorName, reason, error: stackOf(error) });
      }
    }
  };
  await Promise.all(Array.from({ length: TABLES_AT_ONCE }, work));
  const tables = plan.tables.flatMap(({ table }) => results.get(table) ?? []);
  const file: CommitFile = { format: 1, run, tables };
  await store.put(keys.runCommit(run), file);
  return { manifests: tables.filter(({ status }) => status === "committed").length };
}

function stackOf(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function failure(table: string, error: unknown): Extract<CommitResult, { status: "failed" }> {
  return {
    status: "failed",
    table,
    error: error instanceof Error ? error.name : "Error",
    message: error instanceof Error ? error.message : String(error),
  };
}
