// Commits the tables of one run, each by itself, and gives back what the run no longer needs: what fails with one table
// does not hold up the others.
import { z } from "zod";
import type { Log } from "../runtime/log.ts";
import { asError, errorMessage } from "../../contract/error-message.ts";
import { keys } from "../../contract/keys.ts";
import type { LaneResult } from "../../contract/lane-result.ts";
import {
  commitFileSchema,
  planFileSchema,
  type CommitFile,
  type CommitResult,
  type PlanFile,
} from "../../contract/run-files.ts";
import { laneResultsSchema } from "../lanes/lane-results.ts";
import { lanesToRelease } from "../lanes/lanes-to-release.ts";
import type { JsonStore } from "../../stores/bucket/json-store.ts";
import type { Ledger } from "../../stores/ledger/ledger.ts";
import { commitTable, type CommitContext } from "./commit-table.ts";

export const commitInputSchema = z.object({
  /** The execution's name. */
  run: z.string().min(1),
  /** The execution's ARN. */
  execution: z.string().min(1),
  /** How the lanes ended; none if Extract failed as a whole. */
  lanes: laneResultsSchema,
});
type CommitInput = z.input<typeof commitInputSchema>;

interface CommitDependencies {
  readonly ledger: CommitContext["ledger"] & Pick<Ledger, "lanes">;
  readonly store: JsonStore;
  readonly log: Pick<Log, "info" | "error">;
}

const TABLES_AT_ONCE = 4;

/**
 * Writes what it did to `commit.json`, the tables that failed too, and then gives the tables back, so that the next
 * run can read them while this one builds and loads.
 *
 * Doing it again, after a crash anywhere or at the same time, is a success and gives the same result: nothing is given
 * back before `commit.json` stands, and once it stands it is the result, whoever has taken the tables since.
 * @throws ProtocolError if there is no plan of this run
 */
export async function commitRun(
  input: CommitInput,
  dependencies: CommitDependencies,
): Promise<{ manifests: number }> {
  const { run, execution, lanes } = commitInputSchema.parse(input);
  const { ledger, store } = dependencies;
  const plan = await store.get(keys.runPlan(run), planFileSchema);
  const file =
    (await store.find(keys.runCommit(run), commitFileSchema)) ??
    (await commitPlanned(run, plan, dependencies));
  for (const { table } of plan.tables) await ledger.leases.releaseOf(table, execution);
  await releaseLanes(plan, lanes, dependencies);
  return { manifests: file.tables.filter(({ status }) => status === "committed").length };
}

async function commitPlanned(
  run: string,
  plan: PlanFile,
  { ledger, store, log }: CommitDependencies,
): Promise<CommitFile> {
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
        log.error("table not committed", { table, errorName, reason, error: asError(error) });
      }
    }
  };
  await Promise.all(Array.from({ length: TABLES_AT_ONCE }, work));
  const tables = plan.tables.flatMap(({ table }) => results.get(table) ?? []);
  const file: CommitFile = { format: 1, run, tables };
  if ((await store.putNew(keys.runCommit(run), file)) !== undefined) return file;
  // A twin of this invocation was first, and may have given tables back that this one then found taken.
  return store.get(keys.runCommit(run), commitFileSchema);
}

/** Lanes that were done have been given back by their last invocation; this is for those whose invocation threw. */
async function releaseLanes(
  { lanes }: PlanFile,
  results: readonly LaneResult[],
  { ledger }: CommitDependencies,
): Promise<void> {
  for (const { source, lane, token } of lanesToRelease(lanes, results)) {
    await ledger.lanes.release(source, lane, token);
  }
}

function failure(table: string, error: unknown): Extract<CommitResult, { status: "failed" }> {
  return {
    status: "failed",
    table,
    error: error instanceof Error ? error.name : "Error",
    message: errorMessage(error),
  };
}
