// Decides how long a lane rests between batches, so that its source hardly feels it. Pure: no clock, no I/O.
import type { LoadBudgetDefinition } from "../../catalog/schema/definition.ts";

/** What one lane may use of its source. */
export interface LanePace {
  /** The fraction of time in which a request of this lane may be open, in (0, 1]. */
  readonly dutyCycle: number;
  readonly maxRowsPerSecond: number;
}

export interface GovernorState {
  /** By how much rests are lengthened; 1 while the source answers gladly. */
  readonly slowdown: number;
  /** Refusals since the last answer. */
  readonly refusals: number;
}

export const RELAXED: GovernorState = { slowdown: 1, refusals: 0 };

const mostSlowdown = 16;
const recoveryByBatch = 0.25;
const firstBackOffMillis = 1000;
const longestBackOffMillis = 60_000;
/** Refusals in a row after which the lane gives up: about a minute of rests, in which a node can restart. */
export const MOST_REFUSALS = 7;

/** A lane's share of its source's budget. */
export function lanePace(budget: LoadBudgetDefinition): LanePace {
  return {
    dutyCycle: budget.dutyCycle,
    maxRowsPerSecond: budget.maxRowsPerSecond / budget.lanes,
  };
}

/** The rest due after a batch, milliseconds, counted from the moment its answer was complete. */
export function restAfterBatch(
  batch: { readonly sourceMillis: number; readonly rows: number },
  state: GovernorState,
  pace: LanePace,
): { readonly state: GovernorState; readonly restMillis: number } {
  const slowdown = Math.max(1, state.slowdown - recoveryByBatch);
  const restMillis = owedMillis(batch.sourceMillis, 0, batch.rows, pace) * slowdown;
  return { state: { slowdown, refusals: 0 }, restMillis };
}

/**
 * The rest due after the source refused, or did not answer for `sourceMillis`; null when it has refused too often in
 * a row and the lane should end with the error.
 */
export function restAfterRefusal(
  sourceMillis: number,
  state: GovernorState,
  pace: LanePace,
): { readonly state: GovernorState; readonly restMillis: number } | null {
  const refusals = state.refusals + 1;
  if (refusals >= MOST_REFUSALS) return null;
  const slowdown = Math.min(mostSlowdown, state.slowdown * 2);
  const backOff = Math.min(longestBackOffMillis, firstBackOffMillis * 2 ** state.refusals);
  const restMillis = Math.max(backOff, owedMillis(sourceMillis, 0, 0, pace));
  return { state: { slowdown, refusals }, restMillis };
}

/** The rest that is still due for what was read and rested in all, milliseconds; what a link owes at its beginning. */
export function owedMillis(
  readMillis: number,
  restedMillis: number,
  rows: number,
  pace: LanePace,
): number {
  const byDuty = (readMillis * (1 - pace.dutyCycle)) / pace.dutyCycle - restedMillis;
  const byRows = (rows * 1000) / pace.maxRowsPerSecond - readMillis - restedMillis;
  return Math.max(0, byDuty, byRows);
}
