// What a source allows if its tables' definitions disagree, as they can while a deployment is under way: a pure decision.
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
      own: smallestOwn(smallest.own, budget.own),
    }),
    first,
  );
}

type Own = LoadBudgetDefinition["own"];

/** A choice, such as which copies respond, has no size: any that was made counts. */
function smallestOwn(one: Own, other: Own): Own {
  return Object.fromEntries(
    Object.entries(one).map(([name, value]) => {
      const second = other[name] ?? null;
      return typeof value === "number" && typeof second === "number"
        ? [name, Math.min(value, second)]
        : [name, value ?? second];
    }),
  );
}

type Hours = LoadBudgetDefinition["hours"];

function shortestHours(one: Hours, other: Hours): Hours {
  if (one === null || other === null) return one ?? other;
  return minutesADay(other) < minutesADay(one) ? other : one;
}
