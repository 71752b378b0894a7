// Which lanes are given back once a run's reading is over: a pure decision.
import type { LaneResult } from "../../contract/lane-result.ts";
import type { PlanFile } from "../../contract/run-files.ts";

/**
 * Errors that leave open whether the process is still reading: Step Functions lost sight of it. Such a lane stays in
 * use until its lease expires, or two would read at once. Errors that the function threw, and processes that Lambda
 * ended (`Sandbox.…`, `Runtime.…`), are over.
 */
function mayStillRead(error: string): boolean {
  return error.startsWith("Lambda.") || error.startsWith("States.");
}

/** The lanes of a plan that certainly nobody reads with any more. */
export function lanesToRelease(
  planned: PlanFile["lanes"],
  results: readonly LaneResult[],
): PlanFile["lanes"] {
  return planned.filter(({ source, lane }) => {
    const result = results.find((one) => one.source === source && one.lane === lane);
    if (result === undefined) return false;
    return result.status === "done" || !mayStillRead(result.error);
  });
}
