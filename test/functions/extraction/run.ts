// How a simulated run is made: its options, its clock, and how a step of it can be lost.
import { setTimeout } from "node:timers/promises";
import type { StepName } from "./faults.ts";

/** Every batch takes this long by the clock that the processes of a run share; nothing else takes any time. */
export const batchMillis = 1000;

export interface RunOptions {
  /** Batches that a run may read before its budget is used up. */
  readonly batches?: number;
  readonly lanes?: number;
  readonly tables?: readonly string[];
  /** By default one lane is read after the other, so that points come in the same order each time. */
  readonly areLanesParallel?: boolean;
  readonly pageRows?: number;
  /** For a source that needs its time to come back: the clock is the real one, and an invocation has minutes. */
  readonly isRealTime?: boolean;
  /** Notified when a batch is asked for, and when it has come. */
  readonly onBatch?: (change: 1 | -1) => void;
  /** Called before each batch is asked for. */
  readonly beforeBatch?: () => Promise<void>;
}

/** What came of an attempt in a process of its own. */
export type Elsewhere = { readonly response: unknown } | { readonly lost: "retry" | "abort" };

/** How one step ended that nobody will try again. */
export class StepLostError extends Error {
  override readonly name = "StepLostError";
  readonly isAborted: boolean;

  constructor(step: StepName, isAborted: boolean) {
    super(`${step} was lost`);
    this.isAborted = isAborted;
  }
}

export interface Clock {
  readonly now: () => number;
  readonly sleep: (millis: number) => Promise<void>;
}

export const realClock: Clock = { now: Date.now, sleep: (millis) => setTimeout(millis) };

/** A clock that only batches and sleeping move on. */
export class RunClock implements Clock {
  #ahead = 0;
  readonly now = (): number => Date.now() + this.#ahead;
  readonly sleep = (millis: number): Promise<void> => {
    this.#ahead += millis;
    return Promise.resolve();
  };
}

/** True for what a source that was killed may do to a run. */
export function isAway(error: string, { isRealTime }: RunOptions): boolean {
  return isRealTime === true && error.startsWith("Source");
}

export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "Error";
}
