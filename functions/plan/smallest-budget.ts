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
      ...smallestOf(limits, others),
      hours: shortestHours(hours, otherHours),
      own: smallestOf(own, otherOwn),
    }),
    first,
  );
}

type Own = LoadBudgetDefinition["own"];

/** The smaller of each limit. A choice, such as which copies respond, has no size: any that was made counts. */
function smallestOf<Values extends Own>(one: Values, other: Own): Values {
  const smallest = Object.entries(one).map(([name, value]): [string, Own[string]] => {
    const second = other[name] ?? null;
    return typeof value === "number" && typeof second === "number"
      ? [name, Math.min(value, second)]
      : [name, value ?? second];
  });
  return Object.assign({}, one, Object.fromEntries(smallest));
}

type Hours = LoadBudgetDefinition["hours"];

function shortestHours(one: Hours, other: Hours): Hours {
  if (one === null || other === null) return one ?? other;
  return minutesADay(other) < minutesADay(one) ? other : one;
}
