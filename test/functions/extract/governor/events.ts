// Sequences of responses and rejected requests, and what the governor decides on each.
import fc from "fast-check";
import {
  type AfterRejection,
  type BatchResponse,
  afterResponse,
  afterRejection,
} from "../../../../functions/extract/governor/governor.ts";
import type { LanePace } from "../../../../functions/extract/governor/pace.ts";
import { type GovernorState, RELAXED } from "../../../../contract/state.ts";

export type Event = BatchResponse | { readonly millis: number };

export const anyPace: fc.Arbitrary<LanePace> = fc.record({
  dutyCycle: fc.double({ min: 0.01, max: 1, noNaN: true }),
  maxRowsPerSecond: fc.double({ min: 1, max: 100_000, noNaN: true }),
  maxBytesPerSecond: fc.double({ min: 1000, max: 1e9, noNaN: true }),
});

export const anyEvent: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      of: fc.constantFrom("t/rows", "t/keys", `${"u".repeat(63)}/rows`),
      millis: fc.oneof(fc.nat(60_000), fc.constantFrom(50, 200, 201, 600)),
      rows: fc.nat(10_000),
      bytes: fc.nat(20_000_000),
      besideMillis: fc.nat(100),
    }),
  },
  { weight: 1, arbitrary: fc.record({ millis: fc.nat(60_000) }) },
);

export function response(millis: number, rows = 1000, bytes = rows * 300): BatchResponse {
  return { of: "t/rows", millis, rows, bytes };
}

export interface Decision {
  readonly event: Event;
  readonly before: GovernorState;
  readonly state: GovernorState;
  readonly pauseMillis: number;
  readonly isSlowed: boolean;
  readonly giveUp: AfterRejection["giveUp"];
}

/** What is decided on each of a sequence, whether or not a lane would have given up on the way. */
export function follow(
  events: readonly Event[],
  pace: LanePace,
  from: GovernorState = RELAXED,
): Decision[] {
  const decisions: Decision[] = [];
  let before = from;
  for (const event of events) {
    const next =
      "of" in event
        ? { giveUp: null, ...afterResponse(event, before, pace) }
        : { isSlowed: false, ...afterRejection(event.millis, before, pace) };
    decisions.push({ event, before, ...next });
    before = next.state;
  }
  return decisions;
}
