// Writes CQL values as JSON text without loss: a total map from CQL type to JSON; only doubles go through a double.
import cassandra from "cassandra-driver";
import { ProtocolError } from "../../contract/errors.ts";

const { types } = cassandra;
/** The types' codes in the binary protocol, by name. */
export const codes: Readonly<Record<keyof typeof types.dataTypes, number>> = types.dataTypes;

/** A type as the driver describes it; `info` depends on the code. */
export interface CqlType {
  readonly code: number;
  readonly info?: unknown;
}

/** Writes a value of one type, null included. */
export type ToJson = (value: unknown) => string;

/**
 * The writer for a type.
 *
 * Integers and decimals are JSON numbers with all their digits; NaN and the infinities are the texts "NaN", "Infinity"
 * and "-Infinity". A timestamp is ISO-8601 in UTC with milliseconds, a date `yyyy-mm-dd` (years outside 0–9999 with
 * more digits or a sign; beyond what JavaScript's dates reach, the days since 1970), a time `HH:MM:SS.nnnnnnnnn`, a
 * duration ISO-8601 (`P1M2DT3.5S`, each part with its sign), a blob base64. Lists, sets, tuples and vectors are arrays;
 * maps and user-defined types objects, a map's keys as text.
 */
export function toJson(type: CqlType): ToJson {
  const write = writer(type);
  return (value) => (value === null || value === undefined ? "null" : write(value));
}

function writer(type: CqlType): ToJson {
  switch (type.code) {
    case codes.ascii:
    case codes.text:
    case codes.varchar:
      return quotedText;
    case codes.uuid:
    case codes.timeuuid:
    case codes.inet:
    case codes.date:
      // Nothing in them needs an escape.
      return (value) => `"${String(value)}"`;
    case codes.bigint:
    case codes.counter:
    case codes.varint:
    case codes.int:
    case codes.smallint:
    case codes.tinyint:
    case codes.boolean:
      return String;
    case codes.decimal:
      return (value) => decimalText(expectClass(value, types.BigDecimal, "decimal"));
    case codes.double:
      return (value) => doubleText(Number(value));
    case codes.float:
      return (value) => floatText(Number(value));
    case codes.timestamp:
      return (value) => timestampText(expectClass(value, Date, "timestamp"));
    case codes.time:
      return (value) => timeText(expectClass(value, types.LocalTime, "time"));
    case codes.duration:
      return (value) => durationText(expectClass(value, types.Duration, "duration"));
    case codes.blob:
      return (value) => `"${expectClass(value, Buffer, "blob").toString("base64")}"`;
    case codes.list:
    case codes.set:
      return arrayWriter(expectType(type.info));
    case codes.map:
      return mapWriter(type.info);
    case codes.tuple:
      return tupleWriter(type.info);
    case codes.udt:
      return objectWriter(type.info);
    case codes.custom:
      return customText;
    default:
      throw new ProtocolError(
        `The CQL type with code ${type.code} is not known; leave its column out of the table's file.`,
      );
  }
}

function arrayWriter(element: CqlType): ToJson {
  const write = toJson(element);
  return (value) => {
    let text = "";
    for (const item of expectClass(value, Array<unknown>, "list"))
      text += (text === "" ? "" : ",") + write(item);
    return `[${text}]`;
  };
}

function mapWriter(info: unknown): ToJson {
  const [keyType, valueType] = expectTypes(info);
  const writeKey = toJson(expectType(keyType));
  const writeValue = toJson(expectType(valueType));
  return (value) => {
    let text = "";
    for (const [key, entry] of expectClass(value, Map<unknown, unknown>, "map"))
      text += `${text === "" ? "" : ","}${asName(writeKey(key))}:${writeValue(entry)}`;
    return `{${text}}`;
  };
}

// A text key is written as it is, any other key as the text of its JSON.
function asName(json: string): string {
  return json.startsWith('"') ? json : JSON.stringify(json);
}

function tupleWriter(info: unknown): ToJson {
  const writers = expectTypes(info).map((type) => toJson(expectType(type)));
  return (value) => {
    const tuple = expectClass(value, types.Tuple, "tuple");
    return `[${writers.map((write, index) => write(tuple.get(index))).join(",")}]`;
  };
}

/** What stands before the value of an object's member: its name, and what parts it from what is before it. */
export function memberOpening(name: string, index: number): string {
  return `${index === 0 ? "{" : ","}${JSON.stringify(name)}:`;
}

function objectWriter(info: unknown): ToJson {
  const { fields } = expectRecord(info);
  const members = expectTypes(fields).map((field, index) => {
    const { name, type } = expectRecord(field);
    const opening = memberOpening(String(name), index);
    return { name: String(name), opening, write: toJson(expectType(type)) };
  });
  return (value) => {
    const record = expectRecord(value);
    // A type has a field at least.
    let text = "";
    for (const { name, opening, write } of members) text += opening + write(record[name]);
    return `${text}}`;
  };
}

// The driver decodes vectors, and durations, which responses of protocol version 4 call custom; what else is custom comes as
// bytes.
function customText(value: unknown): string {
  if (value instanceof types.Duration) return durationText(value);
  if (value instanceof types.Vector) {
    const elements: unknown[] = [...value];
    return `[${elements.map(elementText).join(",")}]`;
  }
  if (Buffer.isBuffer(value)) return `"${value.toString("base64")}"`;
  return quotedText(value);
}

function elementText(value: unknown): string {
  if (typeof value === "number") return floatText(value);
  return typeof value === "bigint" ? String(value) : quotedText(value);
}

function quotedText(value: unknown): string {
  return JSON.stringify(typeof value === "string" ? value : String(value));
}

// From the bytes: the driver's own text is wrong for a negative scale.
function decimalText(value: cassandra.types.BigDecimal): string {
  const bytes = types.BigDecimal.toBuffer(value);
  const scale = bytes.readInt32BE(0);
  // Two's complement: reading it as unsigned says the negative ones' distance from the next power of two.
  const digitBytes = bytes.subarray(4);
  const unscaled = String(
    BigInt.asIntN(digitBytes.length * 8, BigInt(`0x${digitBytes.toString("hex")}`)),
  );
  if (scale === 0) return unscaled;
  if (scale < 0 || scale > 40) return `${unscaled}E${-scale}`;
  const sign = unscaled.startsWith("-") ? "-" : "";
  const digits = unscaled.slice(sign.length).padStart(scale + 1, "0");
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** A double as JSON: NaN and the infinities as text. */
export function doubleText(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`;
  return Object.is(value, -0) ? "-0.0" : String(value);
}

/** The shortest digits that give the same 32-bit float again: 0.1, not 0.10000000149011612. */
export function floatText(value: number): string {
  if (!Number.isFinite(value) || value === 0) return doubleText(value);
  for (let digits = 1; digits < 9; digits += 1) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return doubleText(short);
  }
  return doubleText(value);
}

function timestampText(value: Date): string {
  return Number.isNaN(value.getTime()) ? '"out of range"' : `"${value.toISOString()}"`;
}

function timeText(value: cassandra.types.LocalTime): string {
  const nanos = String(value.nanosecond).padStart(9, "0");
  const parts = [value.hour, value.minute, value.second].map((part) =>
    String(part).padStart(2, "0"),
  );
  return `"${parts.join(":")}.${nanos}"`;
}

function durationText(value: cassandra.types.Duration): string {
  const text = value.toString();
  const isNegative = text.startsWith("-");
  // Months, days and nanoseconds are three numbers that cannot be turned into each other.
  const { months, days, nanoseconds } = expectRecord(value);
  const sign = isNegative ? "-" : "";
  const absolute = (part: unknown): bigint => {
    const number = BigInt(String(part));
    return number < 0n ? -number : number;
  };
  const nanos = absolute(nanoseconds);
  const fraction = String(nanos % 1_000_000_000n)
    .padStart(9, "0")
    .replace(/0+$/, "");
  const seconds = `${nanos / 1_000_000_000n}${fraction === "" ? "" : `.${fraction}`}`;
  const parts = [
    absolute(months) === 0n ? "" : `${sign}${absolute(months)}M`,
    absolute(days) === 0n ? "" : `${sign}${absolute(days)}D`,
    nanos === 0n ? "" : `T${sign}${seconds}S`,
  ].join("");
  return `"P${parts === "" ? "T0S" : parts}"`;
}

function expectClass<T>(
  value: unknown,
  type: abstract new (...args: never[]) => T,
  what: string,
): T {
  if (value instanceof type) return value;
  throw new ProtocolError(`The driver gave ${typeof value} for a ${what}.`);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

export function expectRecord(value: unknown): Readonly<Record<string, unknown>> {
  if (isRecord(value)) return value;
  throw new ProtocolError(`The driver gave ${typeof value} in place of an object.`);
}

export function expectTypes(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new ProtocolError("The driver described a type without its parts.");
}

export function expectType(value: unknown): CqlType {
  const { code, info } = expectRecord(value);
  if (typeof code === "number") return { code, info };
  throw new ProtocolError("The driver described a type without its code.");
}
