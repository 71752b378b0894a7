// Tests that a lane's notes are rare, are not waited for, and fail without a word too many.
import { expect, test } from "vitest";
import { ReadingNotes } from "../../../functions/extract/reading-notes.ts";
import type { ReadingNote } from "../../../contract/records.ts";

/** A lane writes a note at most so often. */
const NOTE_EVERY_MILLIS = 10_000;

const noteAt = (at: number): ReadingNote => ({
  ...{ run: "one", table: "leads", pass: "rows-1", split: "0000", splitRows: at, laneRows: at },
  ...{ rowsPerSecond: 1, reached: null, at },
});

function harness(write: (note: ReadingNote) => Promise<void>) {
  const clock = {
    millis: 0,
    now(): number {
      return this.millis;
    },
  };
  const logged: string[] = [];
  const notes = new ReadingNotes({ write, clock, log: (message) => logged.push(message) });
  const offerAt = (millis: number): void => {
    clock.millis = millis;
    notes.offer(noteAt);
  };
  return { notes, offerAt, logged };
}

test("a batch each second makes one note in ten", async () => {
  const written: number[] = [];
  const { notes, offerAt } = harness((note) => {
    written.push(note.at);
    return Promise.resolve();
  });
  for (let second = 0; second <= 60; second += 1) {
    offerAt(second * 1000);
    await notes.end();
  }
  expect(written).toEqual([10, 20, 30, 40, 50, 60].map((second) => second * 1000));
});

test("a ledger that does not respond is not asked again, nor waited for before the end", async () => {
  let response = (): void => undefined;
  let asked = 0;
  const { notes, offerAt } = harness(() => {
    asked += 1;
    return new Promise((resolve) => {
      response = resolve;
    });
  });
  for (let turn = 1; turn <= 5; turn += 1) offerAt(turn * NOTE_EVERY_MILLIS);
  expect(asked).toBe(1);
  let hasEnded = false;
  const end = notes.end().then(() => {
    hasEnded = true;
  });
  await Promise.resolve();
  expect(hasEnded).toBe(false);
  response();
  await end;
});

test("failures are logged once and thrown never", async () => {
  const { notes, offerAt, logged } = harness(() => Promise.reject(new Error("throttled")));
  for (let turn = 1; turn <= 3; turn += 1) {
    offerAt(turn * NOTE_EVERY_MILLIS);
    await notes.end();
  }
  expect(logged).toEqual(["How far the reading is could not be noted; the reading goes on."]);
});
