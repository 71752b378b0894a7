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
    ({ hours, own, ...limits }, { hours: otherHours, own: otherOwn, ...others }) => ({
      ...smallestLimits(limits, others),
      hours: shortestHours(hours, otherHours),
      own: smallestOwn(own, otherOwn),
    }),
    first,
  );
}

/** The smaller of each: whatever limits a budget has. */
function smallestLimits<Limits extends Readonly<Record<string, number>>>(
  one: Limits,
  other: Limits,
): Limits {
  const smallest = Object.entries(one).map(([name, value]): [string, number] => [
    name,
    Math.min(value, other[name] ?? value),
  ]);
  return Object.assign({}, one, Object.fromEntries(smallest));
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
