// The load budgets with which benchmarks read.
import type { LoadBudgetDefinition } from "../../catalog/definition.ts";
import { defaultBudget } from "../../catalog/resolve.ts";
import type { System } from "../sources/table.ts";

const NO_CAP = 1e9;

/** Half of the source's time, ten times the default's pages, and nothing else to hold it. */
export function faster(system: System): LoadBudgetDefinition {
  return {
    ...defaultBudget(system),
    dutyCycle: 0.5,
    pageRows: 1000,
    maxRowsPerSecond: NO_CAP,
    maxBytesPerSecond: NO_CAP,
  };
}

/** No pauses and no caps, with pages that cost the least per row. */
export function unthrottled(system: System, lanes: number): LoadBudgetDefinition {
  const budget = faster(system);
  return {
    ...budget,
    lanes,
    dutyCycle: 1,
    pageRows: 5000,
    maxSecondsPerRun: 86_400,
    own: "shardsAtOnce" in budget.own ? { ...budget.own, shardsAtOnce: 2 } : budget.own,
  };
}
