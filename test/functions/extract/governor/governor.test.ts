// Tests that no sequence of responses and rejected requests makes a lane use more of its source than its budget, and what it does
// when the source slows.
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type BatchResponse,
  afterResponse,
  afterRejection,
  rowLimit,
} from "../../../../functions/extract/governor/governor.ts";
import type { LanePace } from "../../../../functions/extract/governor/pace.ts";
import {
  type GovernorState,
  governorStateSchema,
  OUTCOMES_KEPT,
  RELAXED,
} from "../../../../contract/state.ts";
import { response, anyEvent, anyPace, follow } from "./events.ts";

/** How much a response of usual speed takes off the slowdown, and after how many rejected requests in a row a lane gives up. */
const RECOVERY = 0.25;
const MOST_REJECTIONS = 7;

const SLACK = 1 + 1e-9;
const freely: LanePace = { dutyCycle: 0.5, maxRowsPerSecond: 1e9, maxBytesPerSecond: 1e12 };
const events = fc.array(anyEvent, { minLength: 1, maxLength: 60 });

test("over any sequence the duty cycle and both rates hold, counted from the beginning", () => {
  fc.assert(
    fc.property(anyPace, events, (pace, sequence) => {
      let busy = 0;
      let paused = 0;
      let rows = 0;
      let bytes = 0;
      for (const { event, pauseMillis } of follow(sequence, pace)) {
        busy += event.millis + ("of" in event ? (event.besideMillis ?? 0) : 0);
        rows += "of" in event ? event.rows : 0;
        bytes += "of" in event ? event.bytes : 0;
        paused += pauseMillis;
        const total = busy + paused;
        expect(busy).toBeLessThanOrEqual(total * pace.dutyCycle * SLACK + 1e-6);
        expect(rows * 1000).toBeLessThanOrEqual(total * pace.maxRowsPerSecond * SLACK + 1e-6);
        expect(bytes * 1000).toBeLessThanOrEqual(total * pace.maxBytesPerSecond * SLACK + 1e-6);
      }
    }),
  );
});

test("after any rejected request the pause is at least the back-off, which doubles with each one in a row up to a minute", () => {
  fc.assert(
    fc.property(anyPace, events, (pace, sequence) => {
      let inARow = 0;
      for (const { event, pauseMillis } of follow(sequence, pace)) {
        inARow = "of" in event ? 0 : inARow + 1;
        if (inARow > 0)
          expect(pauseMillis).toBeGreaterThanOrEqual(Math.min(60_000, 1000 * 2 ** (inARow - 1)));
      }
    }),
  );
});

test("slowing multiplies, recovery takes off one step at a time, and both are bounded", () => {
  fc.assert(
    fc.property(anyPace, events, (pace, sequence) => {
      for (const { event, before, state, isSlowed } of follow(sequence, pace)) {
        expect(state.slowdown).toBeGreaterThanOrEqual(1);
        expect(state.slowdown).toBeLessThanOrEqual(16);
        if (!("of" in event) || isSlowed)
          expect(state.slowdown).toBe(Math.min(16, before.slowdown * 2));
        else {
          expect(state.slowdown).toBeLessThanOrEqual(before.slowdown);
          expect(before.slowdown - state.slowdown).toBeLessThanOrEqual(RECOVERY);
        }
      }
    }),
  );
});

test("decisions follow from the observations alone, and from the state as JSON as well", () => {
  fc.assert(
    fc.property(anyPace, events, (pace, sequence) => {
      const decisions = follow(sequence, pace);
      expect(follow(sequence, pace)).toEqual(decisions);
      const half = decisions[sequence.length >> 1];
      if (half === undefined) return;
      const carried = governorStateSchema.parse(JSON.parse(JSON.stringify(half.before)));
      expect(follow(sequence.slice(sequence.length >> 1), pace, carried)).toEqual(
        decisions.slice(sequence.length >> 1),
      );
    }),
  );
});

test("what is carried from invocation to invocation stays small, whatever came before", () => {
  fc.assert(
    fc.property(anyPace, events, (pace, sequence) => {
      const last = follow(sequence, pace).at(-1);
      expect(JSON.stringify(last?.state).length).toBeLessThan(1000);
    }),
  );
});

test("how many rows are asked for shrinks with the slowdown, and stays within the page", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.double({ min: 1, max: 16, noNaN: true }),
      (page, by) => {
        const asked = rowLimit(page, { ...RELAXED, slowdown: by });
        expect(asked).toBeGreaterThanOrEqual(1);
        expect(asked).toBeGreaterThanOrEqual(Math.floor(page / 4));
        expect(asked).toBeLessThanOrEqual(rowLimit(page, RELAXED));
      },
    ),
  );
  expect([1, 2, 4, 16].map((slowdown) => rowLimit(1000, { ...RELAXED, slowdown }))).toEqual([
    1000, 500, 250, 250,
  ]);
});

test("pauses grow with each rejected request up to a ceiling, then the lane gives up", () => {
  const pauses: number[] = [];
  let state: GovernorState = RELAXED;
  for (;;) {
    const next = afterRejection(0, state, freely);
    pauses.push(next.pauseMillis);
    ({ state } = next);
    if (next.giveUp !== null) break;
  }
  expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000]);
  expect(pauses).toHaveLength(MOST_REJECTIONS);
});

test("a source that rejects every other request is given up for its share, a tenth of them is not", () => {
  const giveUpAfter = (everyNth: number): number | null => {
    let state: GovernorState = RELAXED;
    for (let request = 1; request <= 200; request += 1) {
      const isRejected = request % everyNth === 0;
      const next = isRejected
        ? afterRejection(10, state, freely)
        : afterResponse(response(100), state, freely);
      if ("giveUp" in next && next.giveUp !== null) {
        expect(next.giveUp).toBe("share");
        return request;
      }
      ({ state } = next);
    }
    return null;
  };
  expect(giveUpAfter(2)).toBe(OUTCOMES_KEPT);
  expect(giveUpAfter(10)).toBeNull();
});

/** Numbers in [0, 1) that are the same in each run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

/** Slowdown after each of many responses, `millis` each. */
function slowdowns(before: GovernorState, count: number, next: (index: number) => BatchResponse) {
  const found: { slowdown: number; isSlowed: boolean }[] = [];
  let state = before;
  for (let index = 0; index < count; index += 1) {
    const after = afterResponse(next(index), state, freely);
    ({ state } = after);
    found.push({ slowdown: state.slowdown, isSlowed: after.isSlowed });
  }
  return { found, state };
}

test("a source of steady speed is never taken for a slow one, whatever the pages' sizes", () => {
  fc.assert(
    fc.property(
      fc.record({
        fixed: fc.double({ min: 0, max: 500, noNaN: true }),
        perRow: fc.double({ min: 0.001, max: 1, noNaN: true }),
        rowBytes: fc.integer({ min: 20, max: 100_000 }),
        pages: fc.array(
          fc.tuple(
            fc.integer({ min: 0, max: 10_000 }),
            fc.double({ min: 0.95, max: 1.05, noNaN: true }),
          ),
          { minLength: 1, maxLength: 100 },
        ),
      }),
      ({ fixed, perRow, rowBytes, pages }) => {
        const { found } = slowdowns(RELAXED, pages.length, (index) => {
          const [rows, noise] = pages[index] ?? [0, 1];
          return response((fixed + perRow * rows) * noise, rows, rows * rowBytes);
        });
        expect(found.every(({ isSlowed }) => !isSlowed)).toBe(true);
      },
    ),
  );
});

test("a source that becomes three times as slow is read more slowly within a few batches, also if pages shrink", () => {
  const usual = slowdowns(RELAXED, 30, () => response(120, 1000));
  expect(usual.state.slowdown).toBe(1);
  const slow = slowdowns(usual.state, 12, () => response(360, 1000));
  expect(slow.found.findIndex(({ isSlowed }) => isSlowed)).toBeLessThan(4);
  expect(slow.state.slowdown).toBeGreaterThan(4);
  // Half the rows, in as long as all of them took: still slow, though nothing is known of such pages.
  const smaller = slowdowns(usual.state, 12, () => response(360, 500));
  expect(smaller.state.slowdown).toBeGreaterThan(4);
});

test("durations may scatter: one in twenty takes more than twice as long as most, and reading goes on", () => {
  const random = generator(7);
  const { found } = slowdowns(RELAXED, 5000, () => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return response(100 * Math.exp(0.5 * normal), 1000);
  });
  expect(found.filter(({ isSlowed }) => isSlowed).length).toBeLessThan(25);
  expect(found.filter(({ slowdown }) => slowdown === 1).length).toBeGreaterThan(4500);
});

test("one slow response is a pause, not a slow source", () => {
  const usual = slowdowns(RELAXED, 30, () => response(120, 1000)).state;
  const { found } = slowdowns(usual, 60, (index) => response(index % 10 === 0 ? 5000 : 120, 1000));
  expect(found.every(({ isSlowed }) => !isSlowed)).toBe(true);
});

test("after a slow hour reading is as fast as before, step by step", () => {
  const usual = slowdowns(RELAXED, 30, () => response(120, 1000)).state;
  const slow = slowdowns(usual, 10, () => response(500, 1000)).state;
  const { found, state } = slowdowns(slow, 70, () => response(120, 1000));
  expect(found.every(({ isSlowed }) => !isSlowed)).toBe(true);
  expect(state.slowdown).toBe(1);
  expect(slow.slowdown).toBeGreaterThanOrEqual(4);
  const steps = (slow.slowdown - 1) / RECOVERY;
  expect(found.findIndex(({ slowdown }) => slowdown === 1)).toBe(steps - 1);
});

test("what stays slower for good becomes the usual", () => {
  const usual = slowdowns(RELAXED, 30, () => response(100, 1000)).state;
  const { state } = slowdowns(usual, 300, () => response(300, 1000));
  expect(state.slowdown).toBe(1);
});

test("another table's responses are not measured by this one's", () => {
  const fast = slowdowns(RELAXED, 30, () => response(20, 1000)).state;
  const { found } = slowdowns(fast, 20, () => ({ ...response(900, 1000), of: "other/rows" }));
  expect(found.every(({ isSlowed }) => !isSlowed)).toBe(true);
});

test("differences of a few milliseconds say nothing", () => {
  const usual = slowdowns(RELAXED, 30, () => response(1, 10)).state;
  const { found } = slowdowns(usual, 30, () => response(19, 10));
  expect(found.every(({ isSlowed }) => !isSlowed)).toBe(true);
});
