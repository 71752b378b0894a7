// Which budget holds where definitions of one source disagree.
import { expect, it } from "vitest";
import { smallestBudget } from "../../../functions/plan/smallest-budget.ts";
import { events, leads } from "./definitions.ts";

it("takes the smallest of each part over the source's own tables", () => {
  const shop = (budget: Partial<typeof leads.source.budget>) => ({
    ...leads,
    source: { ...leads.source, budget: { ...leads.source.budget, ...budget } },
  });
  const other = { ...events, source: { ...events.source, name: "other" } };
  const definitions = [
    shop({ lanes: 4, dutyCycle: 0.01 }),
    shop({ lanes: 2, pageRows: 10 }),
    other,
  ];
  expect(smallestBudget(definitions, "shop")).toEqual({
    ...leads.source.budget,
    ...{ lanes: 2, dutyCycle: 0.01, pageRows: 10 },
  });
  expect(smallestBudget([other], "shop")).toBeUndefined();
  const night = { timeZone: "UTC", from: "22:00", to: "05:00" };
  const hour = { timeZone: "UTC", from: "01:00", to: "02:00" };
  const of = (...budgets: Partial<typeof leads.source.budget>[]) =>
    smallestBudget(budgets.map(shop), "shop");
  expect(of({}, { hours: night })?.hours).toEqual(night);
  expect(of({ hours: night }, {}, { hours: hour })?.hours).toEqual(hour);
  expect(of({ hours: hour }, { hours: night })?.hours).toEqual(hour);
  expect(of({ maxBytesPerSecond: 10 }, { maxBytesPerSecond: 20 })).toMatchObject({
    maxBytesPerSecond: 10,
  });
  const gentle = { shardsAtOnce: 1, preference: null };
  expect(of({ own: { ...gentle, shardsAtOnce: 3 } }, { own: gentle })?.own).toEqual(gentle);
  const local = { ...gentle, preference: "_local" };
  expect(of({ own: gentle }, { own: local })?.own).toEqual(local);
  expect(of({ own: local }, { own: gentle })?.own).toEqual(local);
});
