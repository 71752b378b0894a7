// What one lane may use of its source, and the pause that it owes for what it used. Pure.
import type { LoadBudgetDefinition } from "../../../catalog/definition.ts";

/** What one lane may use of its source. */
export interface LanePace {
  /** The fraction of time in which a request of this lane may be open, in (0, 1]. */
  readonly dutyCycle: number;
  readonly maxRowsPerSecond: number;
  readonly maxBytesPerSecond: number;
}

/** What was asked of the source. */
export interface Reading {
  /** How long requests were open, milliseconds. */
  readonly millis: number;
  readonly rows: number;
  /** Bytes of responses. */
  readonly bytes: number;
}

/**
 * A lane's share of its source's budget. A lane has one request open at a time, and lanes are slots shared by all
 * runs, so that the shares hold for all runs together.
 */
export function lanePace(budget: LoadBudgetDefinition): LanePace {
  return {
    dutyCycle: budget.dutyCycle,
    maxRowsPerSecond: budget.maxRowsPerSecond / budget.lanes,
    maxBytesPerSecond: budget.maxBytesPerSecond / budget.lanes,
  };
}

/** The pause that is still due for what was read in all, after `pausedMillis` of it; milliseconds. */
export function owedMillis(reading: Reading, pausedMillis: number, pace: LanePace): number {
  const { millis, rows, bytes } = reading;
  const byDuty = (millis * (1 - pace.dutyCycle)) / pace.dutyCycle;
  const byRows = (rows * 1000) / pace.maxRowsPerSecond - millis;
  const byBytes = (bytes * 1000) / pace.maxBytesPerSecond - millis;
  return Math.max(0, Math.max(byDuty, byRows, byBytes) - pausedMillis);
}
