// Partitions by time: which buckets a window has, how a partition key writes them, and which values go with them.
import cassandra from "cassandra-driver";
import { codes, type CqlType } from "./to-json.ts";

const { types } = cassandra;

/** Buckets are of UTC. */
export type BucketUnit = "hour" | "day" | "month";

const MILLIS: Readonly<Record<"hour" | "day", number>> = { hour: 3_600_000, day: 86_400_000 };

/** The bucket's first moment, milliseconds since 1970; `step` buckets later or, if negative, earlier. */
export function bucketStart(unit: BucketUnit, millis: number, step = 0): number {
  if (unit === "month") {
    const date = new Date(millis);
    return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + step);
  }
  return (Math.floor(millis / MILLIS[unit]) + step) * MILLIS[unit];
}

/** Cuts `[from, to)`, where `from` is a bucket's start, into at most `most` ranges of whole buckets, the last up to `to`. */
export function cutIntoBuckets(
  unit: BucketUnit,
  from: number,
  to: number,
  most: number,
): { from: number; to: number }[] {
  const starts: number[] = [];
  for (let start = from; start < to; start = bucketStart(unit, start, 1)) starts.push(start);
  const each = Math.max(1, Math.ceil(starts.length / most));
  const edges = starts.filter((_, index) => index % each === 0);
  return edges.map((start, index) => ({ from: start, to: edges[index + 1] ?? to }));
}

/** How a partition key's column writes a bucket, and whether a value is one that it could have written. */
export interface BucketForm {
  readonly write: (start: number) => unknown;
  /** The bucket's text, as a value of the column shows it; null if the value is not a bucket of this unit. */
  readonly read: (value: unknown) => string | null;
  /** What a value looks like, for messages. */
  readonly example: string;
}

const WHOLE_DAYS: readonly BucketUnit[] = ["day", "month"];
const LENGTHS: Readonly<Record<BucketUnit, number>> = { hour: 13, day: 10, month: 7 };

/** The form for a column's type, or null if buckets can't be written in it. */
export function bucketForm({ code }: CqlType, unit: BucketUnit): BucketForm | null {
  const iso = (start: number): string => new Date(start).toISOString().slice(0, LENGTHS[unit]);
  const form = (
    write: (start: number) => unknown,
    parse: (value: unknown) => number,
  ): BucketForm => ({
    write,
    read: (value) => {
      const start = parse(value);
      const isBucket = !Number.isNaN(start) && same(write(start), value);
      return isBucket && bucketStart(unit, start) === start ? iso(start) : null;
    },
    example: String(asShown(write(Date.UTC(2026, 0)))),
  });
  switch (code) {
    case codes.timestamp:
      return form(
        (start) => new Date(start),
        (value) => (value instanceof Date ? value.getTime() : NaN),
      );
    case codes.date:
      if (!WHOLE_DAYS.includes(unit)) return null;
      return form(
        (start) => types.LocalDate.fromString(new Date(start).toISOString().slice(0, 10)),
        (value) => Date.parse(`${String(value)}T00:00:00Z`),
      );
    case codes.ascii:
    case codes.text:
    case codes.varchar:
      return form(iso, (value) => parseDigits(String(value), unit));
    case codes.int:
      return form(
        (start) => Number(digits(iso(start))),
        (value) => parseDigits(String(value), unit),
      );
    case codes.bigint:
      return form(
        (start) => BigInt(digits(iso(start))),
        (value) => parseDigits(String(value), unit),
      );
    default:
      return null;
  }
}

function digits(text: string): string {
  return text.replaceAll(/\D/g, "");
}

const DIGITS: Readonly<Record<BucketUnit, number>> = { hour: 10, day: 8, month: 6 };

/** The time that a text or number with year, month and perhaps day and hour means, or NaN. */
function parseDigits(text: string, unit: BucketUnit): number {
  const found = digits(text);
  if (found.length !== DIGITS[unit]) return NaN;
  const part = (from: number, otherwise: string): string =>
    found.slice(from, from + 2) || otherwise;
  return Date.parse(
    `${found.slice(0, 4)}-${part(4, "01")}-${part(6, "01")}T${part(8, "00")}:00:00Z`,
  );
}

function asShown(value: unknown): unknown {
  return value instanceof Date ? value.toISOString() : value;
}

function same(one: unknown, other: unknown): boolean {
  return String(asShown(one)) === String(asShown(other));
}

/** A value that a column of a partition key takes beside the bucket, as the driver needs it; null if it has no such form. */
export function keyValue({ code }: CqlType, value: string | number): unknown {
  switch (code) {
    case codes.ascii:
    case codes.text:
    case codes.varchar:
      return typeof value === "string" ? value : null;
    case codes.int:
    case codes.smallint:
    case codes.tinyint:
      return Number.isInteger(value) ? value : null;
    case codes.bigint:
      return Number.isInteger(value) ? BigInt(value) : null;
    default:
      return null;
  }
}

/** Every combination of one value a column, in the order of the columns and their values. */
export function combinations(
  columns: readonly { readonly column: string; readonly values: readonly unknown[] }[],
): { column: string; value: unknown }[][] {
  return columns.reduce<{ column: string; value: unknown }[][]>(
    (all, { column, values }) =>
      all.flatMap((one) => values.map((value) => [...one, { column, value }])),
    [[]],
  );
}
