// Tests that no sequence of batches and refusals makes a lane use more of its source than its budget.
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type GovernorState,
  lanePace,
  MOST_REFUSALS,
  owedMillis,
  RELAXED,
  restAfterBatch,
  restAfterRefusal,
} from "../../../functions/extract/governor.ts";

const pace = fc.record({
  dutyCycle: fc.double({ min: 0.01, max: 1, noNaN: true }),
  maxRowsPerSecond: fc.double({ min: 1, max: 100_000, noNaN: true }),
});
const event = fc.oneof(
  { weight: 4, arbitrary: fc.record({ sourceMillis: fc.nat(60_000), rows: fc.nat(10_000) }) },
  { weight: 1, arbitrary: fc.record({ refusedMillis: fc.nat(60_000) }) },
);

test("the busy share stays within the duty cycle and the rate within the cap, over any sequence", () => {
  fc.assert(
    fc.property(pace, fc.array(event, { minLength: 1 }), (budget, events) => {
      let state: GovernorState = RELAXED;
      let busy = 0;
      let rested = 0;
      let rows = 0;
      for (const one of events) {
        const isBatch = "rows" in one;
        const next = isBatch
          ? restAfterBatch(one, state, budget)
          : restAfterRefusal(one.refusedMillis, state, budget);
        if (next === null) break;
        busy += isBatch ? one.sourceMillis : one.refusedMillis;
        rows += isBatch ? one.rows : 0;
        rested += next.restMillis;
        ({ state } = next);
        const total = busy + rested;
        expect(busy).toBeLessThanOrEqual(total * budget.dutyCycle * (1 + 1e-9) + 1e-6);
        expect(rows * 1000).toBeLessThanOrEqual(
          total * budget.maxRowsPerSecond * (1 + 1e-9) + 1e-6,
        );
      }
    }),
  );
});

test("what is owed, once rested, brings share and rate within the budget", () => {
  fc.assert(
    fc.property(pace, fc.nat(1e6), fc.nat(1e6), fc.nat(1e6), (budget, busy, restedBefore, rows) => {
      const rested = restedBefore + owedMillis(busy, restedBefore, rows, budget);
      expect(busy).toBeLessThanOrEqual((busy + rested) * budget.dutyCycle * (1 + 1e-9) + 1e-6);
      expect(rows * 1000).toBeLessThanOrEqual(
        (busy + rested) * budget.maxRowsPerSecond * (1 + 1e-9) + 1e-6,
      );
    }),
  );
});

test("rests grow with each refusal up to a ceiling, then the lane gives up", () => {
  const budget = { dutyCycle: 0.5, maxRowsPerSecond: 1e6 };
  const rests: number[] = [];
  let state: GovernorState = RELAXED;
  for (;;) {
    const next = restAfterRefusal(0, state, budget);
    if (next === null) break;
    rests.push(next.restMillis);
    ({ state } = next);
  }
  expect(rests).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000]);
  expect(rests).toHaveLength(MOST_REFUSALS - 1);
});

test("after refusals reading is slower at once, and recovers step by step", () => {
  const budget = { dutyCycle: 0.5, maxRowsPerSecond: 1e6 };
  const batch = { sourceMillis: 100, rows: 10 };
  const refused = restAfterRefusal(0, RELAXED, budget);
  const first = restAfterBatch(batch, refused?.state ?? RELAXED, budget);
  expect(first.restMillis).toBeGreaterThan(restAfterBatch(batch, RELAXED, budget).restMillis);
  let { state } = first;
  for (let batches = 0; batches < 100; batches += 1)
    ({ state } = restAfterBatch(batch, state, budget));
  expect(state).toEqual(RELAXED);
});

test("lanes share the source's rows a second", () => {
  const budget = {
    lanes: 4,
    dutyCycle: 0.2,
    maxRowsPerSecond: 1000,
    pageRows: 1,
    maxSecondsPerRun: 1,
  };
  expect(lanePace(budget)).toEqual({ dutyCycle: 0.2, maxRowsPerSecond: 250 });
});
