// What a source bears if its tables' definitions disagree, as they can while a deployment is under way: a pure decision.
import type { Definition, LoadBudgetDefinition } from "../../catalog/schema/definition.ts";

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
      pageRows: Math.min(smallest.pageRows, budget.pageRows),
      maxSecondsPerRun: Math.min(smallest.maxSecondsPerRun, budget.maxSecondsPerRun),
    }),
    first,
  );
}
