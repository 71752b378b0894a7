// Keeps a lane to its pace: pauses as the governor decides, and keeps account of what was read, paused and rejected.
import type { GovernorState, LaneState } from "../../contract/state.ts";
import {
  afterResponse,
  type AfterRejection,
  afterRejection,
  hasRespondedLately,
  rowLimit,
} from "./governor/governor.ts";
import { type LanePace, owedMillis } from "./governor/pace.ts";

export interface Clock {
  now(): number;
  sleep(millis: number): Promise<void>;
}

/** A batch as the pace sees it. */
interface PacedBatch {
  readonly sourceMillis: number;
  readonly rows: number;
  readonly bytes: number;
}

// Nothing is known before the first batch; a search of a cold index may take some seconds.
const FIRST_BATCH_MILLIS = 5000;
const BATCH_MARGIN = 2;
const FORGOTTEN_BY_BATCH = 0.9;

/** One lane's pace in one invocation, going on from the invocation before. */
export class Pacer {
  readonly #clock: Clock;
  readonly #before: LaneState;
  #governor: GovernorState;
  #readMillis: number;
  #pauseMillis: number;
  #bytes: number;
  #backOffs: number;
  #slow: number;
  #batches = 0;
  #longestLately: number | null = null;
  /** Requests that got their responses and were not paused for. */
  #besideMillis = 0;
  /** When the source was last asked nothing any more; pauses count from here. */
  #idleSince: number;
  #hasBegun = false;

  constructor(before: LaneState, clock: Clock) {
    this.#clock = clock;
    this.#before = before;
    this.#governor = before.governor;
    const { readMillis, pauseMillis, bytes, backOffs, slow } = before.pace;
    this.#readMillis = readMillis;
    this.#pauseMillis = pauseMillis;
    this.#bytes = bytes;
    this.#backOffs = backOffs;
    this.#slow = slow;
    this.#idleSince = clock.now();
  }

  /** Batches of this invocation. */
  get batches(): number {
    return this.#batches;
  }

  /** True if the lane ever got rows from its source in this run, so that the source is known to be there. */
  get hasResponded(): boolean {
    return this.#batches > 0 || hasRespondedLately(this.#governor);
  }

  /** The moment before which the source is not asked; now, if no pause is due. */
  get pauseUntil(): number {
    return Math.max(this.#clock.now(), this.#governor.notBefore);
  }

  /** What the next batch may take at the source, with a margin. */
  get expectedMillis(): number {
    return this.#longestLately === null ? FIRST_BATCH_MILLIS : this.#longestLately * BATCH_MARGIN;
  }

  /** Pauses for what the invocations before read and did not pause for, before anything is asked. */
  begin(pace: LanePace): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    const read = { millis: this.#readMillis, rows: this.#before.rows, bytes: this.#bytes };
    this.pauseAtLeastUntil(this.#idleSince + owedMillis(read, this.#pauseMillis, pace));
  }

  pauseAtLeastUntil(instant: number): void {
    const notBefore = Math.max(this.#governor.notBefore, Math.ceil(instant));
    this.#governor = { ...this.#governor, notBefore };
  }

  /** Pauses as long as is due. */
  async pause(): Promise<void> {
    await this.#sleep(this.#governor.notBefore - this.#clock.now());
    this.#countPause();
  }

  /** Pauses as far as the time goes; the next invocation pauses for the remainder. */
  async pauseFor(mostMillis: number): Promise<void> {
    await this.#sleep(Math.min(this.#governor.notBefore - this.#clock.now(), mostMillis));
  }

  /** How many rows to ask for now. */
  rowLimit(pageRows: number): number {
    return rowLimit(pageRows, this.#governor);
  }

  /** The source has responded to a request of `askedAt`. */
  responded(askedAt: number, isBatch: boolean): void {
    this.#idleSince = this.#clock.now();
    // Batches report themselves what the source took; the pause for what goes with them is made with the next one, for
    // an invocation must not spend its time on a pause for a split that it had opened and could not read then.
    if (isBatch) return;
    this.#besideMillis += this.#idleSince - askedAt;
    this.#readMillis += this.#idleSince - askedAt;
  }

  /** @returns true if reading is slowed down because responses take longer than usual */
  afterBatch(of: string, batch: PacedBatch, pace: LanePace): boolean {
    const { sourceMillis: millis, rows, bytes } = batch;
    const besideMillis = this.#besideMillis;
    const next = afterResponse({ of, millis, rows, bytes, besideMillis }, this.#governor, pace);
    this.#governor = next.state;
    this.#besideMillis = 0;
    this.#batches += 1;
    this.#readMillis += millis;
    this.#bytes += bytes;
    this.#longestLately = Math.max(millis, (this.#longestLately ?? 0) * FORGOTTEN_BY_BATCH);
    if (next.isSlowed) {
      this.#backOffs += 1;
      this.#slow += 1;
    }
    this.pauseAtLeastUntil(this.#idleSince + next.pauseMillis);
    return next.isSlowed;
  }

  /** The source rejected a request of `askedAt`, or did not respond to it. */
  afterRejection(askedAt: number, pace: LanePace): AfterRejection {
    this.#idleSince = this.#clock.now();
    const askedMillis = this.#idleSince - askedAt;
    const next = afterRejection(askedMillis, this.#governor, pace);
    this.#governor = next.state;
    this.#readMillis += askedMillis;
    this.#backOffs += 1;
    this.pauseAtLeastUntil(this.#idleSince + next.pauseMillis);
    return next;
  }

  /** The rejected requests were one table's: the next one starts without them, but after the pause that is due. */
  forgetRejections(): void {
    const outcomes = this.#governor.outcomes.replaceAll("x", "");
    this.#governor = { ...this.#governor, rejections: 0, outcomes };
  }

  /** What the state carries on. */
  account(): Pick<LaneState, "pace" | "governor"> {
    this.#countPause();
    return {
      pace: {
        readMillis: Math.round(this.#readMillis),
        pauseMillis: Math.round(this.#pauseMillis),
        backOffs: this.#backOffs,
        slow: this.#slow,
        bytes: this.#bytes,
      },
      governor: this.#governor,
    };
  }

  async #sleep(millis: number): Promise<void> {
    if (millis > 0) await this.#clock.sleep(millis);
  }

  #countPause(): void {
    const now = this.#clock.now();
    this.#pauseMillis += Math.max(0, now - this.#idleSince);
    this.#idleSince = now;
  }
}
