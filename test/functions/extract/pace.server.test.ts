// Tests what a lane does to its source, over invocations and runs: hours, rates, slow responses, rejected requests and pauses.
import { afterAll, beforeAll, expect, test } from "vitest";
import { SourceOverloadedError, SourceUnreachableError } from "../../../sources/source.ts";
import { Lane, makeStores } from "./lane.ts";
import {
  byTable,
  numbersOf,
  rejecting,
  sleepingClock,
  table,
  upTo,
  whole,
} from "./scripted-lane.ts";
import { ScriptedSource } from "./scripted-source.ts";
import { runMoto, type RunningServer } from "./servers.ts";

let moto: RunningServer;

beforeAll(async () => {
  moto = await runMoto();
});

afterAll(async () => {
  await moto.stop();
});

type Budget = Parameters<typeof table>[1];

/** A lane whose work is the given tables, each of one split. */
async function laneOf(names: readonly string[], budget: Budget = {}): Promise<Lane> {
  return Lane.plan(
    await makeStores(moto.address),
    names.map((name) => ({ table: table(name, budget), kind: "rows", splits: [whole] })),
  );
}

const nightly = { hours: { timeZone: "UTC", from: "22:00", to: "05:00" } };
const overloaded = (): SourceOverloadedError => new SourceOverloadedError("429: too many");

test("a lane ends before its source's hours do, with what was read kept, and the next night goes on", async () => {
  const lane = await laneOf(["a"], { ...nightly, dutyCycle: 0.5 });
  const begun = Date.parse("2026-03-10T04:55:00Z");
  const closes = Date.parse("2026-03-10T05:00:00Z");
  const clock = sleepingClock(begun);
  const ends: number[] = [];
  const source = new ScriptedSource({
    ...{ rows: 400, pageRows: 10, sourceMillis: 10_000 },
    beforeBatch: async () => {
      await clock.sleep(10_000);
      ends.push(clock.now());
    },
  });
  lane.state = { ...lane.state, startedAt: begun };
  const state = await lane.invoke(source, { clock });
  expect(state).toMatchObject({ done: true, ended: "hours" });
  expect(Math.max(...ends)).toBeLessThan(closes);
  // Half of five minutes in batches of ten seconds, less the margin before closing.
  expect(state.rows).toBeGreaterThanOrEqual(120);
  expect(await lane.splits("a")).toMatchObject([{ rows: state.rows, done: false }]);
  expect(source.openReaders).toBe(0);

  const nextNight = sleepingClock(Date.parse("2026-03-10T22:00:00Z"));
  await lane.nextRun(nextNight.now());
  const rest = new ScriptedSource({ rows: 400, pageRows: 100 });
  expect(await lane.invoke(rest, { clock: nextNight })).toMatchObject({
    done: true,
    ended: "done",
  });
  expect(numbersOf(await lane.rows("a"))).toEqual(upTo(400));
});

test("while its hours are closed a source is asked nothing at all", async () => {
  const lane = await laneOf(["a", "b"], nightly);
  const source = new ScriptedSource({ rows: 10, pageRows: 10 });
  const clock = sleepingClock(Date.parse("2026-03-10T12:00:00Z"));
  expect(await lane.invoke(source, { clock })).toMatchObject({
    done: true,
    ended: "hours",
    rows: 0,
  });
  expect(source.mostInFlight).toBe(0);
});

test("the cap on bytes per second holds by the responses' size, shared by the lanes", async () => {
  const lane = await laneOf(["a"], { maxBytesPerSecond: 100_000, lanes: 2 });
  const source = new ScriptedSource({ rows: 100, pageRows: 10, responseBytesPerRow: 10_000 });
  const clock = sleepingClock();
  const state = await lane.invoke(source, { clock, remainingMillis: () => 3_600_000 });
  expect(state).toMatchObject({ done: true, pace: { bytes: 1_000_000 } });
  // A megabyte at 50,000 bytes per second; the last batch's pause is owed to nobody.
  expect(clock.slept).toBeGreaterThanOrEqual(18_000);
  expect(clock.slept).toBeLessThan(20_100);
});

test("where the responses' size is not known the lines' counts", async () => {
  const lane = await laneOf(["a"]);
  const state = await lane.invoke(new ScriptedSource({ rows: 10, pageRows: 10 }));
  const bytes = (await lane.rows("a")).reduce((sum, line) => sum + JSON.stringify(line).length, 0);
  expect(state.pace.bytes).toBe(bytes + 10);
});

test("a source that becomes slow is asked for fewer rows and more seldom, and as before once it has recovered", async () => {
  const lane = await laneOf(["a"], { dutyCycle: 0.5, pageRows: 100 });
  const isSlow = (row: number): boolean => row >= 3000 && row < 4000;
  const source = new ScriptedSource({
    ...{ rows: 20_000, pageRows: 100 },
    sourceMillis: (row) => (isSlow(row) ? 400 : 100),
  });
  const reported: string[] = [];
  const state = await lane.invoke(source, {
    clock: sleepingClock(),
    log: (message) => reported.push(message),
  });
  expect(state.done).toBe(true);
  expect(Math.min(...source.rowLimits)).toBe(25);
  expect([source.rowLimits[0], source.rowLimits.at(-1)]).toEqual([100, 100]);
  expect(state.pace.slow).toBeGreaterThan(0);
  expect(state.pace.backOffs).toBe(state.pace.slow);
  expect(reported).toHaveLength(state.pace.slow);
  expect(numbersOf(await lane.rows("a"))).toEqual(upTo(20_000));
});

test("a lane has one request open at a time, whatever it reads", async () => {
  const lane = await Lane.plan(await makeStores(moto.address), [
    { table: table("a"), kind: "rows", splits: [whole, whole] },
    { table: table("b"), kind: "keys", splits: [whole] },
  ]);
  const source = new ScriptedSource({ rows: 100, pageRows: 10, holds: "pit" });
  expect(await lane.invoke(source)).toMatchObject({ done: true, rows: 300 });
  expect(source.mostInFlight).toBe(1);
});

test("a source that says it has too much to do ends the lane cleanly; a later run reads on", async () => {
  const lane = await laneOf(["a"]);
  let isOverloaded = true;
  const asked: number[] = [];
  const clock = sleepingClock();
  const source = new ScriptedSource({
    ...{ rows: 100, pageRows: 10 },
    beforeBatch: (row) => {
      asked.push(clock.now());
      if (row === 50 && isOverloaded) throw overloaded();
    },
  });
  const state = await lane.invoke(source, { clock });
  expect(state).toMatchObject({ done: true, ended: "rejections", rows: 50 });
  expect(state.pace.backOffs).toBe(7);
  // Each rejected request is followed by its back-off at least.
  const rejectedFor = asked.slice(5).map((at, index, all) => (all[index + 1] ?? at) - at);
  expect(rejectedFor.slice(0, 6)).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000]);
  expect(await lane.splits("a")).toMatchObject([{ rows: 50, position: "50", done: false }]);
  expect(await lane.stored("runs/run-1/problems/")).toEqual([]);
  const pause = await lane.ledger.pauses.read("shop");
  expect(pause).toMatchObject({ run: "run-1", reason: "429: too many" });
  expect(pause?.until).toBeGreaterThan(clock.now());

  isOverloaded = false;
  const later = sleepingClock((pause?.until ?? 0) + 1);
  await lane.nextRun(later.now());
  expect(await lane.invoke(source, { clock: later })).toMatchObject({ done: true, ended: "done" });
  expect(later.slept).toBe(0);
  expect(numbersOf(await lane.rows("a"))).toEqual(upTo(100));
});

test("a lane that finds the source paused waits until it is over", async () => {
  const lane = await laneOf(["a"]);
  const clock = sleepingClock();
  const until = clock.now() + 90_000;
  await lane.ledger.pauses.give("shop", { until, run: "other", reason: "429" });
  const askedAt: number[] = [];
  const source = new ScriptedSource({
    ...{ rows: 10, pageRows: 10 },
    beforeBatch: () => askedAt.push(clock.now()),
  });
  expect(await lane.invoke(source, { clock })).toMatchObject({ done: true, ended: "done" });
  expect(askedAt).toEqual([until]);
});

test("what another lane found out need not be found out again", async () => {
  const lane = await laneOf(["a"]);
  const clock = sleepingClock();
  let rejections = 0;
  const source = new ScriptedSource({
    ...{ rows: 100, pageRows: 10 },
    beforeBatch: async (row) => {
      if (row !== 50) return;
      rejections += 1;
      const until = clock.now() + 120_000;
      await lane.ledger.pauses.give("shop", { until, run: "other", reason: "429" });
      throw overloaded();
    },
  });
  expect(await lane.invoke(source, { clock })).toMatchObject({ ended: "rejections", rows: 50 });
  expect(rejections).toBe(1);
});

test("one table's rejected requests end neither the lane nor the others, if another one gets a response", async () => {
  const lane = await laneOf(["a", "b", "c"]);
  const sources = {
    a: new ScriptedSource({
      ...{ rows: 100, pageRows: 10 },
      beforeBatch: (row) => {
        if (row === 50) throw new SourceUnreachableError("timed out");
      },
    }),
    b: new ScriptedSource({ rows: 10, pageRows: 10 }),
    c: new ScriptedSource({ rows: 10, pageRows: 10 }),
  };
  const clock = sleepingClock();
  const state = await lane.invoke(byTable(sources), { clock });
  expect(state).toMatchObject({ done: true, ended: "done", rows: 70 });
  expect(await lane.stored("runs/run-1/problems/")).toEqual(["runs/run-1/problems/a.json"]);
  expect(await lane.ledger.pauses.read("shop")).toBeUndefined();
});

test("two tables that find the source overloaded end the lane, and the third is not asked for", async () => {
  const lane = await laneOf(["a", "b", "c", "d"]);
  const requests = { b: 0, c: 0, d: 0 };
  const sources = {
    a: new ScriptedSource({ rows: 10, pageRows: 10 }),
    b: rejecting(overloaded(), () => (requests.b += 1)),
    c: rejecting(overloaded(), () => (requests.c += 1)),
    d: rejecting(overloaded(), () => (requests.d += 1)),
  };
  const state = await lane.invoke(byTable(sources), { clock: sleepingClock() });
  expect(state).toMatchObject({ done: true, ended: "rejections", rows: 10 });
  expect(requests).toEqual({ b: 7, c: 1, d: 0 });
  expect(await lane.stored("runs/run-1/problems/")).toEqual([]);
});

test("a source that nobody reaches is an error that says so, and the next attempt waits its turn", async () => {
  const lane = await laneOf(["a", "b", "c"]);
  let requests = 0;
  const away = rejecting(new SourceUnreachableError("Source shop gave no response"), () => {
    requests += 1;
  });
  const clock = sleepingClock();
  await expect(lane.invoke(away, { clock })).rejects.toThrow("Source shop gave no response");
  expect(requests).toBe(8);
  expect(await lane.stored("runs/run-1/problems/")).toEqual([]);
  const pause = await lane.ledger.pauses.read("shop");
  const healed = new ScriptedSource({ rows: 10, pageRows: 10 });
  await lane.invoke(healed, { clock });
  expect(lane.state).toMatchObject({ done: true, rows: 30 });
  expect(clock.now()).toBeGreaterThanOrEqual(pause?.until ?? Infinity);
});

test("a source that goes away in a later invocation ends the lane cleanly, for it had responded", async () => {
  const lane = await laneOf(["a"]);
  const clock = sleepingClock();
  let requests = 0;
  const source = new ScriptedSource({
    ...{ rows: 100, pageRows: 10 },
    beforeBatch: (row) => {
      if (row >= 30) throw new SourceUnreachableError("gone");
    },
  });
  const few = { remainingMillis: () => 1000 - (requests += 1) * 100 };
  await lane.invoke(source, { clock, ...few });
  expect(lane.state).toMatchObject({ done: false, invocation: 1 });
  while (!lane.state.done) await lane.invoke(source, { clock });
  expect(lane.state).toMatchObject({ ended: "rejections", rows: 30 });
});

test("a back-off that outlasts its invocation is kept by the next one", async () => {
  const lane = await laneOf(["a"]);
  const clock = sleepingClock();
  const asked: { at: number; isRejected: boolean }[] = [];
  const source = new ScriptedSource({
    ...{ rows: 100, pageRows: 10 },
    beforeBatch: (row) => {
      const isRejected = row === 30 && asked.filter((one) => one.isRejected).length < 5;
      asked.push({ at: clock.now(), isRejected });
      if (isRejected) throw overloaded();
    },
  });
  while (!lane.state.done) {
    expect(lane.state.invocation).toBeLessThan(20);
    const begun = clock.now();
    await lane.invoke(source, { clock, remainingMillis: () => 6000 - (clock.now() - begun) });
  }
  expect(lane.state.invocation).toBeGreaterThan(3);
  const rejections = asked.map((one, index) => ({
    ...one,
    next: asked[index + 1]?.at ?? Infinity,
  }));
  const waits = rejections.filter((one) => one.isRejected).map((one) => one.next - one.at);
  expect(waits.map((wait, index) => wait >= 1000 * 2 ** index)).toEqual(Array(5).fill(true));
  expect(numbersOf(await lane.rows("a"))).toEqual(upTo(100));
});

test("a state of before there was a governor in it is understood", async () => {
  const lane = await laneOf(["a"]);
  const older = { ...lane.state };
  for (const field of ["governor", "ended"]) Reflect.deleteProperty(older, field);
  Object.assign(older, { pace: { readMillis: 10, pauseMillis: 0, backOffs: 3 } });
  lane.state = older;
  expect(await lane.invoke(new ScriptedSource({ rows: 10, pageRows: 10 }))).toMatchObject({
    ...{ done: true, ended: "done", rows: 10, pace: { backOffs: 3, slow: 0 } },
  });
});
