// Notes for people of how far a lane is, beside what counts: written rarely, never waited for, and lost without harm.
import { errorMessage } from "../../contract/error-message.ts";
import type { ReadingNote } from "../../contract/records.ts";

/** A lane writes a note at most so often. */
const NOTE_EVERY_MILLIS = 10_000;

interface NoteParts {
  /** Ends by itself after a few seconds, whatever the ledger does. */
  readonly write: (note: ReadingNote) => Promise<void>;
  readonly clock: { now(): number };
  readonly log: (message: string, details: Readonly<Record<string, unknown>>) => void;
}

/** The notes of one invocation of a lane. The first comes once the invocation has lasted as long as between two, so that invocations keep the distance too. */
export class ReadingNotes {
  readonly #parts: NoteParts;
  #last: number;
  #writing: Promise<void> | null = null;
  #hasFailed = false;

  constructor(parts: NoteParts) {
    this.#parts = parts;
    this.#last = parts.clock.now();
  }

  /** Writes what `describe` says if it is time for it, and does not wait. Never throws. */
  offer(describe: (now: number) => ReadingNote): void {
    const now = this.#parts.clock.now();
    if (this.#writing !== null || now - this.#last < NOTE_EVERY_MILLIS) return;
    this.#last = now;
    this.#writing = this.#write(describe, now).finally(() => {
      this.#writing = null;
    });
  }

  /** Nothing may be written once the invocation has ended. */
  async end(): Promise<void> {
    await this.#writing;
  }

  async #write(describe: (now: number) => ReadingNote, now: number): Promise<void> {
    try {
      await this.#parts.write(describe(now));
    } catch (error) {
      if (this.#hasFailed) return;
      this.#hasFailed = true;
      const reason = errorMessage(error);
      this.#parts.log("How far the reading is could not be noted; the reading goes on.", {
        reason,
      });
    }
  }
}
