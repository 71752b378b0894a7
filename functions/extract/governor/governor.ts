// Decides how long a lane pauses between requests and how much it asks for, so that its source hardly feels it. Pure.
import { type GovernorState, OUTCOMES_KEPT } from "../../../contract/state.ts";
import { type LanePace, owedMillis, type Reading } from "./pace.ts";
import { learn, timesUsual } from "./usual.ts";

const MOST_SLOWDOWN = 16;
const SLOWDOWN_FACTOR = 2;
/** How much a response of usual speed takes off the slowdown. */
const RECOVERY = 0.25;
const LEAST_SHARE_OF_PAGE = 0.25;

// Durations scatter: only some slow responses one after another are the source's state, and one is a pause of its own.
const SLOW_FROM = 1.8;
const GLAD_UP_TO = 1.25;
const WEIGHT_OF_LAST = 0.25;
const MOST_WEIGHED_TIMES = 3;

const FIRST_BACK_OFF_MILLIS = 1000;
const LONGEST_BACK_OFF_MILLIS = 60_000;
/** Rejected requests in a row after which the lane gives up: about a minute of pauses, in which a node can restart. */
const MOST_REJECTIONS = 7;
/** The share of rejected ones among the last requests at which the lane gives up. */
const MOST_REJECTED_SHARE = 0.5;

/** A batch's response, and which table it was of. */
export interface BatchResponse extends Reading {
  /** Table and kind of reading: what is usual for one says nothing of another. */
  readonly of: string;
  /** Other requests since the last pause that were not paused for, such as opening a point in time; milliseconds. */
  readonly besideMillis?: number;
}

interface AfterResponse {
  readonly state: GovernorState;
  /** Counted from the moment the response was complete, milliseconds. */
  readonly pauseMillis: number;
  /** True if reading is slowed down because responses take longer than usual. */
  readonly isSlowed: boolean;
}

export interface AfterRejection {
  readonly state: GovernorState;
  /** Counted from the moment of the rejected request's end, milliseconds. */
  readonly pauseMillis: number;
  /** Why asking again would be wrong, if it would. */
  readonly giveUp: "in-a-row" | "share" | null;
}

/** What follows from a response: a pause in proportion to it, longer while the source is slow or rejected requests lately. */
export function afterResponse(
  response: BatchResponse,
  before: GovernorState,
  pace: LanePace,
): AfterResponse {
  const times = timesUsual(before.usual, response.of, response);
  const slowness = times === null ? 1 : smoothed(before.slowness, times);
  const isSlowed = slowness >= SLOW_FROM;
  const isGlad = slowness <= GLAD_UP_TO;
  const slowdown = isSlowed
    ? Math.min(MOST_SLOWDOWN, before.slowdown * SLOWDOWN_FACTOR)
    : Math.max(1, before.slowdown - (isGlad ? RECOVERY : 0));
  const { millis, rows, bytes, besideMillis = 0 } = response;
  const pauseMillis =
    owedMillis({ millis: millis + besideMillis, rows, bytes }, 0, pace) * slowdown;
  return {
    state: {
      ...before,
      slowdown,
      rejections: 0,
      outcomes: withOutcome(before, "."),
      // After a step down the next one takes new evidence.
      slowness: isSlowed ? 1 : rounded(slowness),
      usual: learn(before.usual, response.of, response),
    },
    pauseMillis,
    isSlowed,
  };
}

/** What follows if the source rejected a request, or did not respond for `askedMillis`. */
export function afterRejection(
  askedMillis: number,
  before: GovernorState,
  pace: LanePace,
): AfterRejection {
  const rejections = before.rejections + 1;
  const outcomes = withOutcome(before, "x");
  const backOff = Math.min(LONGEST_BACK_OFF_MILLIS, FIRST_BACK_OFF_MILLIS * 2 ** before.rejections);
  const owed = owedMillis({ millis: askedMillis, rows: 0, bytes: 0 }, 0, pace);
  const rejected = outcomes.replaceAll(".", "").length;
  const isOften =
    outcomes.length === OUTCOMES_KEPT && rejected >= OUTCOMES_KEPT * MOST_REJECTED_SHARE;
  return {
    state: {
      ...before,
      slowdown: Math.min(MOST_SLOWDOWN, before.slowdown * SLOWDOWN_FACTOR),
      rejections,
      outcomes,
    },
    pauseMillis: Math.max(backOff, owed),
    giveUp: rejections >= MOST_REJECTIONS ? "in-a-row" : isOften ? "share" : null,
  };
}

/** How many rows to ask for: fewer while the source is slow, so that what is asked meanwhile waits less behind it. */
export function rowLimit(pageRows: number, { slowdown }: GovernorState): number {
  return Math.max(1, Math.round(pageRows * Math.max(LEAST_SHARE_OF_PAGE, 1 / slowdown)));
}

/** True if the source responded to one of the lane's last requests. */
export function hasRespondedLately({ outcomes }: GovernorState): boolean {
  return outcomes.includes(".");
}

/** The geometric mean, the last response weighed most. */
function smoothed(before: number, times: number): number {
  const weighed = Math.min(MOST_WEIGHED_TIMES, Math.max(1 / MOST_WEIGHED_TIMES, times));
  return before ** (1 - WEIGHT_OF_LAST) * weighed ** WEIGHT_OF_LAST;
}

function withOutcome({ outcomes }: GovernorState, outcome: "." | "x"): string {
  return (outcomes + outcome).slice(-OUTCOMES_KEPT);
}

/** Short in the state's JSON. */
function rounded(number: number): number {
  return Math.round(number * 1000) / 1000;
}
