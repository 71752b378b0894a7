// Tests that a cursor is shown as the moment that it is, and one that is not a time as its number.
import { expect, test } from "vitest";
import { cursorTime, cursorWords } from "../../contract/cursor-time.ts";

test.each([
  ["1767323045678", "ms", "2026-01-02T03:04:05.678Z"],
  ["1767323045678901234", "ns", "2026-01-02T03:04:05.678901234Z"],
  ["-1", "ms", "1969-12-31T23:59:59.999Z"],
  ["-1", "ns", "1969-12-31T23:59:59.999999999Z"],
  ["0", "ms", "1970-01-01T00:00:00.000Z"],
] as const)("%s %s is %s", (text, unit, time) => {
  expect(cursorTime(text, unit)).toBe(time);
  expect(cursorWords(text, unit)).toBe(time);
});

test.each([
  ["1767323045678", "value"],
  ["1767323045678", null],
  ["9007199254740993", "value"],
  ["9223372036854775807", "ms"],
] as const)("%s in %s is a number", (text, unit) => {
  expect(cursorTime(text, unit)).toBeNull();
  expect(cursorWords(text, unit)).toBe(text);
});

test("the beginning of an index without rows is said in words", () => {
  expect(cursorWords("-9223372036854775808", "value")).toBe("before all rows");
});
