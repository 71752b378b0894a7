// When a source may be read: its hours by the wall clock of a time zone, across changes of its offset. Pure.
import type { ExtractionHoursDefinition } from "../../catalog/definition.ts";

/** Whether the hours are open at an instant, and the first instant after it at which that changes. */
interface HoursAt {
  readonly isOpen: boolean;
  /** Milliseconds since 1970. */
  readonly changesAt: number;
}

const MILLIS_A_MINUTE = 60_000;
const MILLIS_A_DAY = 86_400_000;
const MINUTES_A_DAY = 1440;

/**
 * The hours are open while the wall clock shows a time from `from` on and before `to`, which may be on the next day.
 * A time that the clock skips in spring opens or closes them at the moment of the change; one that it shows twice in
 * autumn does so twice.
 * @param instant milliseconds since 1970
 * @throws RangeError if the time zone is not known
 */
export function hoursAt(hours: ExtractionHoursDefinition, instant: number): HoursAt {
  const isOpen = isOpenAt(hours, instant);
  let start = instant;
  for (;;) {
    const due = start + millisUntil(isOpen ? hours.to : hours.from, localMillis(hours, start));
    const shift = offsetChange(hours.timeZone, start, due);
    if (shift === null) return { isOpen, changesAt: due };
    // The clock was changed before that time came: it may show another side of the hours from then on.
    if (isOpenAt(hours, shift) !== isOpen) return { isOpen, changesAt: shift };
    start = shift;
  }
}

/** True if the hours are open at `from` and do not close before or at `to`; instants in milliseconds since 1970. */
export function isOpenThroughout(
  hours: ExtractionHoursDefinition,
  from: number,
  to: number,
): boolean {
  const { isOpen, changesAt } = hoursAt(hours, from);
  return isOpen && to < changesAt;
}

/** How long the hours are open on a day without a change of the clock. */
export function minutesADay({ from, to }: ExtractionHoursDefinition): number {
  const minutes = (minuteOfDay(to) - minuteOfDay(from) + MINUTES_A_DAY) % MINUTES_A_DAY;
  return minutes === 0 ? MINUTES_A_DAY : minutes;
}

function isOpenAt(hours: ExtractionHoursDefinition, instant: number): boolean {
  const now = Math.floor(modulo(localMillis(hours, instant), MILLIS_A_DAY) / MILLIS_A_MINUTE);
  const from = minuteOfDay(hours.from);
  const to = minuteOfDay(hours.to);
  return from < to ? from <= now && now < to : from <= now || now < to;
}

/** From a local time to the next moment at which the clock shows `time`; a whole day if it shows it now. */
function millisUntil(time: string, local: number): number {
  const sinceMidnight = modulo(local, MILLIS_A_DAY);
  const millis = modulo(minuteOfDay(time) * MILLIS_A_MINUTE - sinceMidnight, MILLIS_A_DAY);
  return millis === 0 ? MILLIS_A_DAY : millis;
}

/** The first instant after `start`, up to `end`, with another offset; null if there is none. They are a day apart at most. */
function offsetChange(timeZone: string, start: number, end: number): number | null {
  const before = offsetAt(timeZone, start);
  if (offsetAt(timeZone, end) === before) return null;
  let [same, other] = [start, end];
  while (other - same > 1) {
    const middle = Math.floor((same + other) / 2);
    if (offsetAt(timeZone, middle) === before) same = middle;
    else other = middle;
  }
  return other;
}

function localMillis({ timeZone }: ExtractionHoursDefinition, instant: number): number {
  return instant + offsetAt(timeZone, instant);
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** What the zone's wall clock is ahead of UTC, milliseconds. */
function offsetAt(timeZone: string, instant: number): number {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-US", {
      ...{ timeZone, calendar: "gregory", numberingSystem: "latn", hourCycle: "h23" },
      ...{ year: "numeric", month: "numeric", day: "numeric" },
      ...{ hour: "numeric", minute: "numeric", second: "numeric" },
    });
    formats.set(timeZone, format);
  }
  const seconds = Math.floor(instant / 1000) * 1000;
  const parts: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
  for (const { type, value } of format.formatToParts(seconds)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - seconds;
}

function minuteOfDay(time: string): number {
  const [hours = 0, minutes = 0] = time.split(":").map(Number);
  return hours * 60 + minutes;
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}
