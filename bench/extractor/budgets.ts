// The load budgets with which benchmarks read.
import type { LoadBudgetDefinition } from "../../catalog/definition.ts";
import { DEFAULT_BUDGETS } from "../../catalog/resolve.ts";

const NO_CAP = 1e9;

/** Half of the source's time, ten times the default's pages, and nothing else to hold it. */
export const faster: LoadBudgetDefinition = {
  ...DEFAULT_BUDGETS.elasticsearch,
  dutyCycle: 0.5,
  pageRows: 1000,
  maxRowsPerSecond: NO_CAP,
  maxBytesPerSecond: NO_CAP,
};

/** No rests and no caps, with pages that cost the least a row. */
export function unthrottled(lanes: number): LoadBudgetDefinition {
  return {
    ...faster,
    lanes,
    dutyCycle: 1,
    pageRows: 5000,
    maxSecondsPerRun: 86_400,
    shardsAtOnce: 2,
  };
}
