// Writes cells as JSON from the bytes that they came in: the same text as to-json.ts, without an object for each value.
import {
  BACKSLASH,
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
} from "../json-bytes.ts";
import type { LineBuffer } from "../line-buffer.ts";
import {
  codes,
  type CqlType,
  doubleText,
  expectRecord,
  expectType,
  expectTypes,
  floatText,
  memberOpening,
  toJson,
} from "./to-json.ts";

/** Writes the value whose bytes stand from `start` to before `end`; it is none that means null. */
type ValueWriter = (bytes: Buffer, start: number, end: number, out: LineBuffer) => void;

/** Decodes a value's bytes as the driver does. */
export type Decode = (bytes: Buffer, type: CqlType) => unknown;

/** What a column's cells, a collection's elements or a type's fields are written by. */
export interface CellWriter {
  readonly write: ValueWriter;
  /** Whether no bytes at all are a value; for other types they are null, as the driver has it. */
  readonly hasEmpty: boolean;
}

const DASH = 0x2d;
const FIRST_PRINTABLE = 0x20;
/** A cell's length, before its bytes. */
export const LENGTH_BYTES = 4;

/**
 * The writer for a type. What is rare is decoded by the driver and written by `toJson`; both write the same text.
 * Formats: CQL binary protocol v4, section 6.
 */
export function cellWriter(type: CqlType, decode: Decode): CellWriter {
  switch (type.code) {
    case codes.ascii:
    case codes.text:
    case codes.varchar:
      return { write: writeText, hasEmpty: true };
    case codes.blob:
      return { write: writeBlob, hasEmpty: true };
    case codes.custom:
      return { write: decoded(type, decode), hasEmpty: true };
    default:
      return { write: writerOf(type, decode), hasEmpty: false };
  }
}

function writerOf(type: CqlType, decode: Decode): ValueWriter {
  switch (type.code) {
    case codes.int:
      return asciiWriter((bytes, start) => String(bytes.readInt32BE(start)));
    case codes.smallint:
      return asciiWriter((bytes, start) => String(bytes.readInt16BE(start)));
    case codes.tinyint:
      return asciiWriter((bytes, start) => String(bytes.readInt8(start)));
    case codes.bigint:
    case codes.counter:
      return asciiWriter(longText);
    case codes.boolean:
      return asciiWriter((bytes, start) => (bytes[start] === 0 ? "false" : "true"));
    case codes.double:
      return asciiWriter((bytes, start) => doubleText(bytes.readDoubleBE(start)));
    case codes.float:
      return asciiWriter((bytes, start) => floatText(bytes.readFloatBE(start)));
    case codes.uuid:
    case codes.timeuuid:
      return writeUuid;
    case codes.timestamp:
      return timestampWriter(decoded(type, decode));
    case codes.date:
      return dateWriter(decoded(type, decode));
    case codes.list:
    case codes.set:
      return arrayWriter(cellWriter(expectType(type.info), decode));
    case codes.map:
      return mapWriter(type.info, decode);
    case codes.tuple:
      return tupleWriter(type.info, decode);
    case codes.udt:
      return objectWriter(type.info, decode);
    default:
      return decoded(type, decode);
  }
}

/**
 * Writes the cell whose length stands at `at`, null included, and returns where the next one begins.
 * @throws RangeError if the bytes end before it does
 */
export function writeCell(cell: CellWriter, bytes: Buffer, at: number, out: LineBuffer): number {
  const length = bytes.readInt32BE(at);
  const start = at + LENGTH_BYTES;
  if (isNull(cell, length)) {
    out.appendAscii("null");
    return start;
  }
  const end = start + length;
  if (end > bytes.length)
    throw new RangeError(`A value of ${length} bytes at ${at} of ${bytes.length}.`);
  cell.write(bytes, start, end, out);
  return end;
}

/** True if a cell of this length is null; shorter than 0 is null, or was never set. */
export function isNull({ hasEmpty }: CellWriter, length: number): boolean {
  return length < 0 || (length === 0 && !hasEmpty);
}

function asciiWriter(text: (bytes: Buffer, start: number) => string): ValueWriter {
  return (bytes, start, _, out) => {
    out.appendAscii(text(bytes, start));
  };
}

function decoded(type: CqlType, decode: Decode): ValueWriter {
  const write = toJson(type);
  return (bytes, start, end, out) => {
    out.appendText(write(decode(bytes.subarray(start, end), type)));
  };
}

function writeText(bytes: Buffer, start: number, end: number, out: LineBuffer): void {
  for (let index = start; index < end; index += 1) {
    const byte = bytes[index] ?? 0;
    if (byte >= FIRST_PRINTABLE && byte !== QUOTE && byte !== BACKSLASH) continue;
    out.appendText(JSON.stringify(bytes.toString("utf8", start, end)));
    return;
  }
  out.appendByte(QUOTE);
  out.append(bytes, start, end);
  out.appendByte(QUOTE);
}

function writeBlob(bytes: Buffer, start: number, end: number, out: LineBuffer): void {
  out.appendByte(QUOTE);
  out.appendAscii(bytes.toString("base64", start, end));
  out.appendByte(QUOTE);
}

const WORD_BYTES = 4;
const WORD_SIZE = 2 ** 32;
const LARGEST_SAFE_HIGH = 2 ** 21 - 1;

/** Eight bytes as a double: exact up to 2^53. */
function roundedLong(bytes: Buffer, start: number): number {
  return bytes.readInt32BE(start) * WORD_SIZE + bytes.readUInt32BE(start + WORD_BYTES);
}

function longText(bytes: Buffer, start: number): string {
  const high = bytes.readInt32BE(start);
  const isSafe = high >= -LARGEST_SAFE_HIGH && high <= LARGEST_SAFE_HIGH;
  return String(isSafe ? roundedLong(bytes, start) : bytes.readBigInt64BE(start));
}

const hexDigits = Buffer.from("0123456789abcdef");

function writeUuid(bytes: Buffer, start: number, end: number, out: LineBuffer): void {
  out.appendByte(QUOTE);
  for (let index = start; index < end; index += 1) {
    const place = index - start;
    if (place === 4 || place === 6 || place === 8 || place === 10) out.appendByte(DASH);
    const byte = bytes[index] ?? 0;
    out.appendByte(hexDigits[byte >> 4] ?? 0);
    out.appendByte(hexDigits[byte & 15] ?? 0);
  }
  out.appendByte(QUOTE);
}

const MILLIS_PER_DAY = 86_400_000;
const FIRST_DAY = -719_528;
const LAST_DAY = 2_932_896;

/** @param writeFar for years that do not have four digits */
function timestampWriter(writeFar: ValueWriter): ValueWriter {
  return (bytes, start, end, out) => {
    // Beyond what a double holds exactly it is far beyond all years of four digits.
    const millis = roundedLong(bytes, start);
    const day = Math.floor(millis / MILLIS_PER_DAY);
    if (day < FIRST_DAY || day > LAST_DAY) {
      writeFar(bytes, start, end, out);
      return;
    }
    const ofDay = millis - day * MILLIS_PER_DAY;
    out.appendByte(QUOTE);
    appendDate(day, out);
    out.appendAscii("T");
    out.appendDigits((ofDay / 3_600_000) | 0, 2);
    out.appendByte(COLON);
    out.appendDigits(((ofDay / 60_000) | 0) % 60, 2);
    out.appendByte(COLON);
    out.appendDigits(((ofDay / 1000) | 0) % 60, 2);
    out.appendAscii(".");
    out.appendDigits(ofDay % 1000, 3);
    out.appendAscii('Z"');
  };
}

/** Days are counted so that 2^31 is 1970-01-01. */
function dateWriter(writeFar: ValueWriter): ValueWriter {
  return (bytes, start, end, out) => {
    const day = bytes.readUInt32BE(start) - 2 ** 31;
    if (day < FIRST_DAY || day > LAST_DAY) {
      writeFar(bytes, start, end, out);
      return;
    }
    out.appendByte(QUOTE);
    appendDate(day, out);
    out.appendByte(QUOTE);
  };
}

// Years begin in March here, so that the leap day is a year's last; 400 years are an era of 146,097 days.
function appendDate(daysSince1970: number, out: LineBuffer): void {
  const day = daysSince1970 + 719_468;
  const era = Math.floor(day / 146_097);
  const ofEra = day - era * 146_097;
  const leaps = ((ofEra / 1460) | 0) - ((ofEra / 36_524) | 0) + ((ofEra / 146_096) | 0);
  const yearOfEra = ((ofEra - leaps) / 365) | 0;
  const ofYear = ofEra - (365 * yearOfEra + ((yearOfEra / 4) | 0) - ((yearOfEra / 100) | 0));
  const fromMarch = ((5 * ofYear + 2) / 153) | 0;
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  out.appendDigits(yearOfEra + era * 400 + (month <= 2 ? 1 : 0), 4);
  out.appendByte(DASH);
  out.appendDigits(month, 2);
  out.appendByte(DASH);
  out.appendDigits(ofYear - (((153 * fromMarch + 2) / 5) | 0) + 1, 2);
}

function arrayWriter(element: CellWriter): ValueWriter {
  return (bytes, start, _, out) => {
    const count = bytes.readInt32BE(start);
    let at = start + LENGTH_BYTES;
    out.appendByte(OPEN_ARRAY);
    for (let index = 0; index < count; index += 1) {
      if (index > 0) out.appendByte(COMMA);
      at = writeCell(element, bytes, at, out);
    }
    out.appendByte(CLOSE_ARRAY);
  };
}

function mapWriter(info: unknown, decode: Decode): ValueWriter {
  const [keyType, valueType] = expectTypes(info).map(expectType);
  const key = cellWriter(expectType(keyType), decode);
  // Other keys become names by way of their text.
  if (key.write !== writeText) return decoded({ code: codes.map, info }, decode);
  const value = cellWriter(expectType(valueType), decode);
  return (bytes, start, _, out) => {
    const count = bytes.readInt32BE(start);
    let at = start + LENGTH_BYTES;
    out.appendByte(OPEN_OBJECT);
    for (let index = 0; index < count; index += 1) {
      if (index > 0) out.appendByte(COMMA);
      at = writeCell(key, bytes, at, out);
      out.appendByte(COLON);
      at = writeCell(value, bytes, at, out);
    }
    out.appendByte(CLOSE_OBJECT);
  };
}

function tupleWriter(info: unknown, decode: Decode): ValueWriter {
  const elements = expectTypes(info).map((type) => cellWriter(expectType(type), decode));
  return (bytes, start, end, out) => {
    let at = start;
    out.appendByte(OPEN_ARRAY);
    elements.forEach((element, index) => {
      if (index > 0) out.appendByte(COMMA);
      at = writePart(element, bytes, at, end, out);
    });
    out.appendByte(CLOSE_ARRAY);
  };
}

function objectWriter(info: unknown, decode: Decode): ValueWriter {
  const { fields } = expectRecord(info);
  const members = expectTypes(fields).map((field, index) => {
    const { name, type } = expectRecord(field);
    const opening = Buffer.from(memberOpening(String(name), index));
    return { opening, cell: cellWriter(expectType(type), decode) };
  });
  return (bytes, start, end, out) => {
    let at = start;
    // A type has a field at least.
    for (const { opening, cell } of members) {
      out.appendAll(opening);
      at = writePart(cell, bytes, at, end, out);
    }
    out.appendByte(CLOSE_OBJECT);
  };
}

/** A value that was written before its type got its last fields ends before them. */
function writePart(
  cell: CellWriter,
  bytes: Buffer,
  at: number,
  end: number,
  out: LineBuffer,
): number {
  if (at < end) return writeCell(cell, bytes, at, out);
  out.appendAscii("null");
  return at;
}
