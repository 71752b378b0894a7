// The default budgets fit the other defaults.
import { expect, it } from "vitest";
import { defaultBudget } from "../../catalog/resolve.ts";

it("a run by default has read and committed before the next hourly run begins, also if an invocation is tried again", () => {
  const planSeconds = 300;
  const invocationSeconds = 900;
  const commitSeconds = 300;
  for (const system of ["elasticsearch", "cassandra"] as const) {
    const { maxSecondsPerRun } = defaultBudget(system);
    expect(maxSecondsPerRun + planSeconds + invocationSeconds + commitSeconds).toBeLessThan(3600);
  }
});
