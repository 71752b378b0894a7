// Pure decisions about an Elasticsearch cursor: its unit, its window, its splits and its range query.
import type { Bounds, CursorUnit } from "../../contract/records.ts";

export type { CursorUnit };

export interface Window {
  readonly from: string | null;
  readonly to: string;
}

const NANOS_IN_MILLI = 1_000_000n;
// Milliseconds reach this in the year 33658, nanoseconds passed it on 12 January 1970.
const NANOS_FROM = 1_000_000_000_000_000n;
export const SMALLEST_LONG = -(2n ** 63n);
/** The sort value of a document without the field, which comes last. */
export const LARGEST_LONG = 2n ** 63n - 1n;
const integerTypes = new Set(["long", "integer", "short", "byte"]);

/** What a unique field's values are to a sort, or null if its mapping types (over all indices of an alias) do not fit. */
export function tieBreakerType(types: readonly string[]): "keyword" | "long" | null {
  if (types.length === 0) return null;
  if (types.every((type) => type === "keyword")) return "keyword";
  return types.every((type) => integerTypes.has(type)) ? "long" : null;
}

/** The unit of a field with these mapping types (over all indices of an alias), or null if it can't be a cursor. */
export function cursorUnit(types: readonly string[]): CursorUnit | null {
  if (types.length === 0) return null;
  if (types.every((type) => type === "date")) return "ms";
  if (types.every((type) => type === "date" || type === "date_nanos")) return "ns";
  return types.every((type) => integerTypes.has(type)) ? "value" : null;
}

/** A bound as an integer in the unit; one kept from before a date became date_nanos, or back, is converted. */
export function boundInUnit(text: string, unit: CursorUnit): bigint {
  const value = BigInt(text);
  if (unit === "value") return value;
  const isNanos = value >= NANOS_FROM || value <= -NANOS_FROM;
  if (unit === "ns") return isNanos ? value : value * NANOS_IN_MILLI;
  return isNanos ? value / NANOS_IN_MILLI : value;
}

/** The end of a window by time: now less the lag, in the unit's text. */
export function timeInUnit(millis: number, unit: "ms" | "ns"): bigint {
  const whole = BigInt(Math.floor(millis));
  return unit === "ms" ? whole : whole * NANOS_IN_MILLI;
}

/** The window from the watermark less the overlap up to `end`; it never ends before the watermark. */
export function windowTo(
  end: bigint,
  watermark: string | null,
  overlapSeconds: number,
  unit: CursorUnit,
): Window {
  if (watermark === null) return { from: null, to: String(end) };
  const mark = boundInUnit(watermark, unit);
  const overlap =
    unit === "value"
      ? BigInt(Math.ceil(overlapSeconds))
      : timeInUnit(Math.ceil(overlapSeconds * 1000), unit);
  // The watermark of an index that was empty is the smallest integer, and there is nothing before that to ask for.
  const from = mark - overlap < SMALLEST_LONG ? SMALLEST_LONG : mark - overlap;
  return { from: String(from), to: String(end > mark ? end : mark) };
}

/**
 * Cuts a window into at most `parts` splits of equal width that tile it exactly. `lowest` is the smallest value that
 * occurs, where an open beginning would otherwise make equal widths senseless.
 */
export function cutWindow(window: Window, lowest: bigint, parts: number): Bounds[] {
  const to = BigInt(window.to);
  const cuts: string[] = [];
  const width = to - lowest;
  const count = BigInt(Math.max(1, parts));
  for (let part = 1n; part < count; part += 1n) {
    const cut = lowest + (width * part) / count;
    const isNew = String(cut) !== cuts.at(-1);
    if (isNew && cut < to && (window.from === null || cut > BigInt(window.from)))
      cuts.push(String(cut));
  }
  const starts = [window.from, ...cuts];
  const ends = [...cuts, window.to];
  return ends.map((end, index) => ({ by: "cursor", from: starts[index] ?? null, to: end }));
}

/** The query for the rows of a split, its bounds in the unit; as JSON text, since they exceed what a double holds. */
export function rangeQuery(
  field: string,
  unit: CursorUnit,
  from: bigint | null,
  to: bigint | null,
): string {
  const bounds: string[] = [];
  if (from !== null) bounds.push(`"gte":${boundText(from, unit)}`);
  if (to !== null) bounds.push(`"lt":${boundText(to, unit)}`);
  if (from === null && to === null) return `{"exists":{"field":${JSON.stringify(field)}}}`;
  return `{"range":{${JSON.stringify(field)}:{${bounds.join(",")}${boundFormat(unit)}}}}`;
}

/** The query of a scan of all keys from a cursor value on: documents without a cursor come after all others. */
export function scanQuery(field: string, unit: CursorUnit, reached: bigint | null): string {
  if (reached === null) return '{"match_all":{}}';
  const missing = `{"bool":{"must_not":${rangeQuery(field, unit, null, null)}}}`;
  // No date is that late.
  if (reached === LARGEST_LONG && unit !== "value") return missing;
  return `{"bool":{"should":[${rangeQuery(field, unit, reached, null)},${missing}]}}`;
}

/** The query for the rows of one cursor value. */
export function tieQuery(field: string, unit: CursorUnit, value: bigint): string {
  if (value === LARGEST_LONG) return scanQuery(field, unit, value);
  // Inclusive on both sides: an end one nanosecond later is none for a date that counts in milliseconds.
  const bound = boundText(value, unit);
  return `{"range":{${JSON.stringify(field)}:{"gte":${bound},"lte":${bound}${boundFormat(unit)}}}}`;
}

/** The element of a sort that orders by the cursor; documents without it come last. */
export function cursorSort(field: string, unit: CursorUnit, order: "asc" | "desc"): string {
  const type =
    unit === "ns"
      ? '"numeric_type":"date_nanos","unmapped_type":"date_nanos"'
      : `"unmapped_type":"${unit === "ms" ? "date" : "long"}"`;
  return `{${JSON.stringify(field)}:{"order":"${order}","missing":"_last",${type}}}`;
}

function boundFormat(unit: CursorUnit): string {
  if (unit === "value") return "";
  return `,"format":"${unit === "ms" ? "epoch_millis" : "strict_date_optional_time_nanos"}"`;
}

function boundText(value: bigint, unit: CursorUnit): string {
  if (unit === "value") return String(value);
  return unit === "ms" ? `"${value}"` : `"${nanosToIso(value)}"`;
}

// The server does not have an epoch format in nanoseconds. date_nanos reaches from 1970 to 2262.
function nanosToIso(nanos: bigint): string {
  if (nanos < 0n) return "1970-01-01T00:00:00.000000000Z";
  const seconds = nanos / 1_000_000_000n;
  const rest = String(nanos % 1_000_000_000n).padStart(9, "0");
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${rest}Z`;
}
