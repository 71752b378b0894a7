// Finds where JSON values begin and end in bytes, without parsing them: what is copied from there is exactly what was sent.
import { ProtocolError } from "../../contract/errors.ts";
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

/** The index of the first byte at or after `at` that is not JSON white space. */
export function skipSpace(bytes: Buffer, at: number): number {
  let index = at;
  while (isSpace(bytes[index])) index += 1;
  return index;
}

/**
 * The index just after the value that begins at `at`.
 * @throws ProtocolError if the bytes end before the value does
 */
export function skipValue(bytes: Buffer, at: number): number {
  const first = bytes[at];
  if (first === QUOTE) return stringEnd(bytes, at);
  if (first === OPEN_OBJECT || first === OPEN_ARRAY) return containerEnd(bytes, at);
  return scalarEnd(bytes, at);
}

/** What a visitor is given: where a value begins; it returns where the value ends. */
export type ElementVisitor = (at: number) => number;
/** The same, and where the member's name stands, its quotes included. */
export type MemberVisitor = (at: number, nameStart: number, nameEnd: number) => number;

/**
 * Visits the members of the object that begins at `at`, and returns the index after it.
 * @throws ProtocolError if there is no object
 */
export function visitMembers(bytes: Buffer, at: number, visit: MemberVisitor): number {
  let index = firstMember(bytes, at);
  while (bytes[index] !== CLOSE_OBJECT) {
    const nameStart = index;
    const nameEnd = stringEnd(bytes, index);
    index = nextMember(bytes, visit(valueAfterName(bytes, nameEnd), nameStart, nameEnd));
  }
  return index + 1;
}

/**
 * Where the first member of the object that begins at `at` has its name, or where the object's closing bracket is if it
 * has none. With `nextMember` a loop for those whom a visitor would cost too much.
 * @throws ProtocolError if there is no object
 */
export function firstMember(bytes: Buffer, at: number): number {
  expect(bytes, at, OPEN_OBJECT, "an object");
  const index = skipSpace(bytes, at + 1);
  if (bytes[index] !== CLOSE_OBJECT) expect(bytes, index, QUOTE, "a member's name");
  return index;
}

/**
 * The same of the member after the one whose value ends at `valueEnd`.
 * @throws ProtocolError if neither a member nor the object's end follows
 */
export function nextMember(bytes: Buffer, valueEnd: number): number {
  // Servers write compact JSON: mostly this is all.
  if (bytes[valueEnd] === COMMA && bytes[valueEnd + 1] === QUOTE) return valueEnd + 1;
  const index = skipSpace(bytes, valueEnd);
  if (bytes[index] === CLOSE_OBJECT) return index;
  expect(bytes, index, COMMA, "a comma");
  const next = skipSpace(bytes, index + 1);
  expect(bytes, next, QUOTE, "a member's name");
  return next;
}

/**
 * Where the value begins of the member whose name ends at `nameEnd`.
 * @throws ProtocolError if no colon follows
 */
export function valueAfterName(bytes: Buffer, nameEnd: number): number {
  const index = skipSpace(bytes, nameEnd);
  expect(bytes, index, COLON, "a colon");
  return skipSpace(bytes, index + 1);
}

/**
 * Visits the elements of the array that begins at `at`, and returns the index after it.
 * @throws ProtocolError if there is no array
 */
export function visitElements(bytes: Buffer, at: number, visit: ElementVisitor): number {
  expect(bytes, at, OPEN_ARRAY, "an array");
  let index = skipSpace(bytes, at + 1);
  if (bytes[index] === CLOSE_ARRAY) return index + 1;
  for (;;) {
    index = skipSpace(bytes, visit(index));
    if (bytes[index] === CLOSE_ARRAY) return index + 1;
    expect(bytes, index, COMMA, "a comma");
    index = skipSpace(bytes, index + 1);
  }
}

/**
 * Where the first element of the array that begins at `at` begins, or null if it has none.
 * @throws ProtocolError if there is no array
 */
export function firstElement(bytes: Buffer, at: number): number | null {
  expect(bytes, at, OPEN_ARRAY, "an array");
  const index = skipSpace(bytes, at + 1);
  return bytes[index] === CLOSE_ARRAY ? null : index;
}

/** True if an object begins at `at`. */
export function isObject(bytes: Buffer, at: number): boolean {
  return bytes[at] === OPEN_OBJECT;
}

/** True if the bytes at `at` begin with these. */
export function startsWith(bytes: Buffer, at: number, wanted: Buffer): boolean {
  const { length } = wanted;
  for (let index = 0; index < length; index += 1) {
    if (bytes[at + index] !== wanted[index]) return false;
  }
  return true;
}

/** The text of the bytes from `start` to `end`, as they are. */
export function rawText(bytes: Buffer, start: number, end: number): string {
  return bytes.toString("utf8", start, end);
}

/** The string whose quotes are at `start` and before `end`. */
export function stringValue(bytes: Buffer, start: number, end: number): string {
  // Names are nearly always plain; only one with an escape needs a real parse.
  for (let index = start + 1; index < end; index += 1) {
    if (bytes[index] === BACKSLASH) return String(JSON.parse(rawText(bytes, start, end)));
  }
  return bytes.toString("utf8", start + 1, end - 1);
}

/**
 * The index after the closing quote of the string that begins at `at`.
 * @throws ProtocolError if the bytes end before it
 */
export function stringEnd(bytes: Buffer, at: number): number {
  const { length } = bytes;
  for (let index = at + 1; index < length; index += 1) {
    const byte = bytes[index];
    if (byte === QUOTE) return index + 1;
    if (byte === BACKSLASH) index += 1;
  }
  throw ended();
}

// Depth alone is enough: brackets in valid JSON match, and those in strings are skipped with their string.
function containerEnd(bytes: Buffer, at: number): number {
  const { length } = bytes;
  let depth = 0;
  let index = at;
  while (index < length) {
    const byte = bytes[index];
    if (byte === QUOTE) {
      index = stringEnd(bytes, index);
      continue;
    }
    index += 1;
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth += 1;
    else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
      depth -= 1;
      if (depth === 0) return index;
    }
  }
  throw ended();
}

function scalarEnd(bytes: Buffer, at: number): number {
  const { length } = bytes;
  let index = at;
  while (index < length) {
    const byte = bytes[index];
    if (byte === COMMA || byte === CLOSE_OBJECT || byte === CLOSE_ARRAY || isSpace(byte)) break;
    index += 1;
  }
  if (index === at) throw ended();
  return index;
}

function isSpace(byte: number | undefined): boolean {
  // The first comparison decides for nearly every byte.
  return (
    byte !== undefined &&
    byte <= 0x20 &&
    (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09)
  );
}

function expect(bytes: Buffer, at: number, byte: number, what: string): void {
  if (bytes[at] === byte) return;
  throw new ProtocolError(
    `The response is not the JSON that was expected: ${what} should begin at byte ${at} of ${bytes.length}.`,
  );
}

function ended(): ProtocolError {
  return new ProtocolError("The response ended in the middle of a JSON value.");
}
