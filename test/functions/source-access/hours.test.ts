// Tests extraction hours against the wall clock itself, looked at minute by minute, around changes of daylight saving.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { ExtractionHoursDefinition } from "../../../catalog/definition.ts";
import { hoursAt, minutesADay } from "../../../functions/source-access/hours.ts";

const MINUTE = 60_000;
const DAY_MINUTES = 1440;

/** Instants of changes of the offset: back and forth, by half an hour, at midnight, in both hemispheres, and none. */
const changes: readonly (readonly [timeZone: string, near: string])[] = [
  ["Europe/Berlin", "2026-03-29T01:00Z"],
  ["Europe/Berlin", "2026-10-25T01:00Z"],
  ["America/New_York", "2026-03-08T07:00Z"],
  ["America/New_York", "2026-11-01T06:00Z"],
  ["Australia/Lord_Howe", "2026-04-04T15:00Z"],
  ["Australia/Lord_Howe", "2026-10-03T15:30Z"],
  ["America/Santiago", "2026-09-06T04:00Z"],
  ["America/Santiago", "2026-04-05T03:00Z"],
  ["Pacific/Chatham", "2026-09-26T14:00Z"],
  ["Asia/Kathmandu", "2026-06-01T00:00Z"],
  ["UTC", "2026-12-31T23:00Z"],
];

const pad = (part: number): string => String(part).padStart(2, "0");
const time = fc
  .tuple(fc.nat(23), fc.constantFrom(0, 1, 29, 30, 31, 59))
  .map(([hour, minute]) => `${pad(hour)}:${pad(minute)}`);

function wallClock(timeZone: string): (instant: number) => string {
  const format = new Intl.DateTimeFormat("en-GB", {
    ...{ timeZone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  });
  return (instant) => format.format(instant);
}

function isOpenByClock({ from, to }: ExtractionHoursDefinition, clock: string): boolean {
  return from < to ? from <= clock && clock < to : from <= clock || clock < to;
}

test("they are open and change as the wall clock says, also where it is put forward or back", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...changes),
      fc.integer({ min: -DAY_MINUTES, max: DAY_MINUTES }),
      fc.nat(MINUTE - 1),
      time,
      time,
      ([timeZone, near], minutes, millis, from, to) => {
        fc.pre(from !== to);
        const hours = { timeZone, from, to };
        const whole = Date.parse(near) + minutes * MINUTE;
        const clockAt = wallClock(timeZone);
        const isOpen = isOpenByClock(hours, clockAt(whole));
        let change = whole + MINUTE;
        while (isOpenByClock(hours, clockAt(change)) === isOpen) change += MINUTE;
        expect(hoursAt(hours, whole + millis)).toEqual({ isOpen, changesAt: change });
      },
    ),
    { numRuns: 400 },
  );
});

test.each([
  // Over midnight, in winter and in summer.
  ["Europe/Berlin", "22:00", "05:00", "2026-01-10T20:59:59.999Z", false, "2026-01-10T21:00Z"],
  ["Europe/Berlin", "22:00", "05:00", "2026-01-10T21:00Z", true, "2026-01-11T04:00Z"],
  ["Europe/Berlin", "22:00", "05:00", "2026-07-10T20:00Z", true, "2026-07-11T03:00Z"],
  // The night in which an hour is missing, and the one that has it twice.
  ["Europe/Berlin", "22:00", "05:00", "2026-03-28T22:00Z", true, "2026-03-29T03:00Z"],
  ["Europe/Berlin", "22:00", "05:00", "2026-10-24T22:00Z", true, "2026-10-25T04:00Z"],
  // 02:30 is skipped: they open when the clock jumps over it.
  ["Europe/Berlin", "02:30", "05:00", "2026-03-29T00:00Z", false, "2026-03-29T01:00Z"],
  // 02:10 to 02:50 is skipped as a whole: they open the next day.
  ["Europe/Berlin", "02:10", "02:50", "2026-03-29T00:00Z", false, "2026-03-30T00:10Z"],
  // 02:30 comes twice, so they close twice.
  ["Europe/Berlin", "22:00", "02:30", "2026-10-25T00:00Z", true, "2026-10-25T00:30Z"],
  ["Europe/Berlin", "22:00", "02:30", "2026-10-25T00:30Z", false, "2026-10-25T01:00Z"],
  ["Europe/Berlin", "22:00", "02:30", "2026-10-25T01:00Z", true, "2026-10-25T01:30Z"],
] as const)(
  "%s, %s to %s at %s: open is %s until %s",
  (timeZone, from, to, at, isOpen, changes) => {
    expect(hoursAt({ timeZone, from, to }, Date.parse(at))).toEqual({
      isOpen,
      changesAt: Date.parse(changes),
    });
  },
);

test("minutes per day", () => {
  const of = (from: string, to: string): number => minutesADay({ timeZone: "UTC", from, to });
  expect(of("22:00", "05:30")).toBe(450);
  expect(of("01:00", "02:00")).toBe(60);
});

test("an unknown time zone is refused", () => {
  const hours = { timeZone: "Europe/Atlantis", from: "22:00", to: "05:00" };
  expect(() => hoursAt(hours, 0)).toThrow(RangeError);
});
