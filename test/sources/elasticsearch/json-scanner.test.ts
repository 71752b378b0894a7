// Tests that the scanner finds the same values as a real parser, in any JSON.
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  skipSpace,
  skipValue,
  stringValue,
  visitElements,
  visitMembers,
} from "../../../sources/elasticsearch/json-scanner.ts";
import { ProtocolError } from "../../../contract/errors.ts";

const spaces = ["", " ", "\n\t", "  \r\n"];

/** JSON text of a value with white space strewn in and some letters escaped (none that a number, a keyword or an escape has). */
const jsonText = fc
  .tuple(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(...spaces), fc.boolean())
  .map(([value, space, escaped]) => {
    const text = space === "" ? JSON.stringify(value) : JSON.stringify(value, null, 3);
    return escaped ? text.replaceAll(/[gqz€]/g, escape) : text;
  });

const escape = (letter: string): string =>
  `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;

test("a value ends where the parser says, whatever follows", () => {
  fc.assert(
    fc.property(jsonText, fc.constantFrom(",", "}", "]", " ", "\n"), (text, follower) => {
      const bytes = Buffer.from(`${text}${follower}"x`);
      expect(bytes.toString("utf8", 0, skipValue(bytes, 0))).toBe(text);
    }),
  );
});

test("members and elements are those of the parser, with their exact text", () => {
  const scan = (bytes: Buffer, at: number, end: number): unknown => {
    const first = String.fromCharCode(bytes[at] ?? 0);
    if (first === "{") {
      const entries: [string, unknown][] = [];
      const after = visitMembers(bytes, at, (start, nameStart, nameEnd) => {
        const stop = skipValue(bytes, start);
        const name = stringValue(bytes, nameStart, nameEnd);
        entries.push([name, scan(bytes, start, stop)]);
        return stop;
      });
      expect(after).toBe(end);
      // Not by assignment: "__proto__" is a name like any other.
      return Object.fromEntries(entries);
    }
    if (first === "[") {
      const elements: unknown[] = [];
      const after = visitElements(bytes, at, (start) => {
        const stop = skipValue(bytes, start);
        elements.push(scan(bytes, start, stop));
        return stop;
      });
      expect(after).toBe(end);
      return elements;
    }
    return JSON.parse(bytes.toString("utf8", at, end));
  };
  fc.assert(
    fc.property(jsonText, fc.constantFrom(...spaces), (text, space) => {
      const bytes = Buffer.from(`${space}${text}`);
      const at = skipSpace(bytes, 0);
      expect(scan(bytes, at, skipValue(bytes, at))).toEqual(JSON.parse(text));
    }),
  );
});

test("text that ends too early is rejected, never read as a shorter value", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.double({ min: 0, max: 1, noNaN: true }), (value, share) => {
      const text = JSON.stringify({ value });
      const bytes = Buffer.from(text).subarray(0, Math.floor(share * (text.length - 1)));
      expect(() => skipValue(bytes, 0)).toThrow(ProtocolError);
    }),
  );
});

test.each(['{"a" 1}', '{"a":1 "b":2}', "{a:1}", "[1]", '{"a":1]'])("%s is rejected", (text) => {
  const bytes = Buffer.from(text);
  expect(() => visitMembers(bytes, 0, (at) => skipValue(bytes, at))).toThrow(ProtocolError);
});
