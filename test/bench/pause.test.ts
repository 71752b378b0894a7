// A reader's clock stands still between a benchmark's windows.
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { PausableClock } from "../../bench/extractor/pause.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

it("does not count the time in which it is paused", () => {
  const clock = new PausableClock(false);
  const begin = clock.now();
  vi.advanceTimersByTime(100);
  clock.pause();
  vi.advanceTimersByTime(5000);
  expect(clock.now() - begin).toBe(100);
  clock.go();
  vi.advanceTimersByTime(50);
  expect(clock.now() - begin).toBe(150);
});

it("makes who waits wait until it goes on", async () => {
  const clock = new PausableClock(true);
  let isRunning = false;
  const waiting = clock.running().then(() => (isRunning = true));
  await Promise.resolve();
  expect(isRunning).toBe(false);
  clock.go();
  await waiting;
  expect(isRunning).toBe(true);
});
