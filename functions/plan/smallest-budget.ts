// What a source bears if its tables' definitions disagree, as they can while a deployment is under way: a pure decision.
import type { Definition, LoadBudgetDefinition } from "../../catalog/definition.ts";
import { minutesADay } from "../source-access/hours.ts";

/** The smallest of each part of the budgets that a source's tables name; nothing if it has no table. */
export function smallestBudget(
  definitions: readonly Definition[],
  source: string,
): LoadBudgetDefinition | undefined {
  const budgets = definitions.flatMap((definition) =>
    definition.kind === "table" && definition.source.name === source
      ? [definition.source.budget]
      : [],
  );
  const [first, ...more] = budgets;
  if (first === undefined) return undefined;
  return more.reduce(
    (smallest, budget) => ({
      lanes: Math.min(smallest.lanes, budget.lanes),
      dutyCycle: Math.min(smallest.dutyCycle, budget.dutyCycle),
      maxRowsPerSecond: Math.min(smallest.maxRowsPerSecond, budget.maxRowsPerSecond),
      maxBytesPerSecond: Math.min(smallest.maxBytesPerSecond, budget.maxBytesPerSecond),
      pageRows: Math.min(smallest.pageRows, budget.pageRows),
      maxSecondsPerRun: Math.min(smallest.maxSecondsPerRun, budget.maxSecondsPerRun),
      hours: shortestHours(smallest.hours, budget.hours),
      shardsAtOnce: Math.min(smallest.shardsAtOnce, budget.shardsAtOnce),
      // Who answers is a choice and has no size: any that was made counts.
      preference: smallest.preference ?? budget.preference,
      dataCenter: smallest.dataCenter ?? budget.dataCenter,
    }),
    first,
  );
}

type Hours = LoadBudgetDefinition["hours"];

function shortestHours(one: Hours, other: Hours): Hours {
  if (one === null || other === null) return one ?? other;
  return minutesADay(other) < minutesADay(one) ? other : one;
}
