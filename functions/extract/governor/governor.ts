// Decides how long a lane pauses between questions and how much it asks for, so that its source hardly feels it. Pure.
import { type GovernorState, OUTCOMES_KEPT } from "../../../contract/state.ts";
import { type LanePace, owedMillis, type Reading } from "./pace.ts";
import { learn, timesUsual } from "./usual.ts";

const mostSlowdown = 16;
const slowdownFactor = 2;
/** How much a gladly given answer takes off the slowdown. */
const RECOVERY = 0.25;
const leastShareOfPage = 0.25;

// Durations scatter: only some slow answers one after another are the source's state, and one is a pause of its own.
const slowFrom = 1.8;
const gladUpTo = 1.25;
const weightOfLast = 0.25;
const mostWeighedTimes = 3;

const firstBackOffMillis = 1000;
const longestBackOffMillis = 60_000;
/** Refusals in a row after which the lane gives up: about a minute of pauses, in which a node can restart. */
const MOST_REFUSALS = 7;
/** The share of refusals among the last questions at which the lane gives up. */
const MOST_REFUSED_SHARE = 0.5;

/** An answer, and which table it was of. */
export interface Answer extends Reading {
  /** Table and kind of reading: what is usual for one says nothing of another. */
  readonly of: string;
  /** Other requests since the last pause that were not paused for, such as opening a point in time; milliseconds. */
  readonly besideMillis?: number;
}

interface AfterAnswer {
  readonly state: GovernorState;
  /** Counted from the moment the answer was complete, milliseconds. */
  readonly pauseMillis: number;
  /** True if reading is slowed down because answers take longer than usual. */
  readonly isSlowed: boolean;
}

export interface AfterRefusal {
  readonly state: GovernorState;
  /** Counted from the moment of the refusal, milliseconds. */
  readonly pauseMillis: number;
  /** Why asking again would be wrong, if it would. */
  readonly giveUp: "in-a-row" | "share" | null;
}

/** What follows from an answer: rest in proportion to it, longer while the source is slow or refused lately. */
export function afterAnswer(answer: Answer, before: GovernorState, pace: LanePace): AfterAnswer {
  const times = timesUsual(before.usual, answer.of, answer);
  const slowness = times === null ? 1 : smoothed(before.slowness, times);
  const isSlowed = slowness >= slowFrom;
  const isGlad = slowness <= gladUpTo;
  const slowdown = isSlowed
    ? Math.min(mostSlowdown, before.slowdown * slowdownFactor)
    : Math.max(1, before.slowdown - (isGlad ? RECOVERY : 0));
  const { millis, rows, bytes, besideMillis = 0 } = answer;
  const pauseMillis =
    owedMillis({ millis: millis + besideMillis, rows, bytes }, 0, pace) * slowdown;
  return {
    state: {
      ...before,
      slowdown,
      refusals: 0,
      outcomes: withOutcome(before, "."),
      // After a step down the next one takes new evidence.
      slowness: isSlowed ? 1 : rounded(slowness),
      usual: learn(before.usual, answer.of, answer),
    },
    pauseMillis,
    isSlowed,
  };
}

/** What follows if the source refused, or did not answer for `askedMillis`. */
export function afterRefusal(
  askedMillis: number,
  before: GovernorState,
  pace: LanePace,
): AfterRefusal {
  const refusals = before.refusals + 1;
  const outcomes = withOutcome(before, "x");
  const backOff = Math.min(longestBackOffMillis, firstBackOffMillis * 2 ** before.refusals);
  const owed = owedMillis({ millis: askedMillis, rows: 0, bytes: 0 }, 0, pace);
  const refused = outcomes.replaceAll(".", "").length;
  const isOften =
    outcomes.length === OUTCOMES_KEPT && refused >= OUTCOMES_KEPT * MOST_REFUSED_SHARE;
  return {
    state: {
      ...before,
      slowdown: Math.min(mostSlowdown, before.slowdown * slowdownFactor),
      refusals,
      outcomes,
    },
    pauseMillis: Math.max(backOff, owed),
    giveUp: refusals >= MOST_REFUSALS ? "in-a-row" : isOften ? "share" : null,
  };
}

/** How many rows to ask for: fewer while the source is slow, so that what is asked meanwhile waits less behind it. */
export function rowLimit(pageRows: number, { slowdown }: GovernorState): number {
  return Math.max(1, Math.round(pageRows * Math.max(leastShareOfPage, 1 / slowdown)));
}

/** True if the source answered one of the lane's last questions. */
export function hasAnsweredLately({ outcomes }: GovernorState): boolean {
  return outcomes.includes(".");
}

/** The geometric mean, the last answer weighed most. */
function smoothed(before: number, times: number): number {
  const weighed = Math.min(mostWeighedTimes, Math.max(1 / mostWeighedTimes, times));
  return before ** (1 - weightOfLast) * weighed ** weightOfLast;
}

function withOutcome({ outcomes }: GovernorState, outcome: "." | "x"): string {
  return (outcomes + outcome).slice(-OUTCOMES_KEPT);
}

/** Short in the state's JSON. */
function rounded(number: number): number {
  return Math.round(number * 1000) / 1000;
}
