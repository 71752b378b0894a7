// Pauses a reader, and its clock with it, between a benchmark's windows.
import { setTimeout as delay } from "node:timers/promises";

/** A clock that stands still while it is paused. */
export class PausableClock {
  #pausedMillis = 0;
  #pausedAt: number | null;
  #resume: (() => void) | null = null;
  #waiting: Promise<void> = Promise.resolve();

  constructor(isPaused: boolean) {
    this.#pausedAt = null;
    if (isPaused) this.pause();
  }

  now(): number {
    return (this.#pausedAt ?? Date.now()) - this.#pausedMillis;
  }

  pause(): void {
    if (this.#pausedAt !== null) return;
    this.#pausedAt = Date.now();
    this.#waiting = new Promise((resolve) => {
      this.#resume = resolve;
    });
  }

  go(): void {
    if (this.#pausedAt === null) return;
    this.#pausedMillis += Date.now() - this.#pausedAt;
    this.#pausedAt = null;
    this.#resume?.();
  }

  /** Waits until the clock runs. */
  async running(): Promise<void> {
    while (this.#pausedAt !== null) await this.#waiting;
  }

  async sleep(millis: number): Promise<void> {
    const until = this.now() + millis;
    do {
      await this.running();
      await delay(Math.max(0, until - this.now()));
    } while (this.#pausedAt !== null || this.now() < until);
  }
}
