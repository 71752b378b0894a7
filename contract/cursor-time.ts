// Cursor text as a moment that people read.
import type { CursorUnit } from "./records.ts";

const NANOS_IN_SECOND = 1_000_000_000n;
/** How far an index without a row is: the smallest of Elasticsearch's whole numbers. */
const BEFORE_ALL = String(-(2n ** 63n));
/** The furthest that a Date reaches, milliseconds. */
const MOST_MILLIS = 8_640_000_000_000_000n;

/**
 * The moment that cursor text names, ISO 8601 in UTC, with as many digits as the unit has.
 * @returns null if the cursor counts something else than time, or the moment lies beyond the calendar
 */
export function cursorTime(text: string, unit: CursorUnit | null): string | null {
  if (unit === null || unit === "value" || !/^-?\d+$/.test(text)) return null;
  const value = BigInt(text);
  const nanosInUnit = unit === "ms" ? 1_000_000n : 1n;
  const nanos = value * nanosInUnit;
  // Rounded down, also before 1970.
  const rest = ((nanos % NANOS_IN_SECOND) + NANOS_IN_SECOND) % NANOS_IN_SECOND;
  const millis = (nanos - rest) / 1_000_000n;
  if (millis > MOST_MILLIS || millis < -MOST_MILLIS) return null;
  const seconds = new Date(Number(millis)).toISOString().slice(0, -".000Z".length);
  const digits =
    unit === "ms" ? String(rest / 1_000_000n).padStart(3, "0") : String(rest).padStart(9, "0");
  return `${seconds}.${digits}Z`;
}

/** A cursor as people read it: a moment, or the number that it is. */
export function cursorWords(text: string, unit: CursorUnit | null): string {
  if (text === BEFORE_ALL) return "before all rows";
  return cursorTime(text, unit) ?? text;
}
