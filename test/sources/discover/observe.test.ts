// Tests what sampled documents show of a field.
import { expect, test } from "vitest";
import { parseExact } from "../../../sources/discover/exact-json.ts";
import { observe } from "../../../sources/discover/observe.ts";

const seen = (...documents: string[]) => observe(documents.map(parseExact));

test("numbers keep their digits, and whole ones are distinguished from fractions", () => {
  const root = seen('{"n":9007199254740993,"f":1.10}', '{"n":-5,"f":-1234.5678}', '{"n":0}');
  const [n, f] = [root.children.get("n"), root.children.get("f")];
  expect([n?.least, n?.greatest]).toEqual([-5n, 9007199254740993n]);
  expect(n?.isOnly("whole")).toBe(true);
  expect([f?.scale, f?.wholeDigits]).toEqual([4, 4]);
  expect(f?.isOnly("fraction")).toBe(true);
});

test("exponents move the point", () => {
  const n = seen('{"n":1.25e3}', '{"n":5e-3}').children.get("n");
  expect([n?.wholeDigits, n?.scale]).toEqual([4, 3]);
});

test("lists, lists in lists, nulls and missing values are distinguished", () => {
  const root = seen('{"a":[1,2],"b":[[1]],"c":null}', '{"a":3}', "{}");
  expect(root.present).toBe(3);
  const a = root.children.get("a");
  expect([a?.present, a?.lists, a?.longestList, a?.hasListsInLists]).toEqual([2, 1, 2, false]);
  expect(root.children.get("b")?.hasListsInLists).toBe(true);
  expect([root.children.get("c")?.nulls, root.children.get("c")?.present]).toEqual([1, 0]);
});

test("objects in lists are one object to their fields, and keys with dots lead as deep as objects", () => {
  const root = seen('{"o":[{"x":1},{"y":true}]}', '{"p.q":"t"}');
  expect([...(root.children.get("o")?.children.keys() ?? [])]).toEqual(["x", "y"]);
  expect(root.children.get("p")?.hasDottedKeys).toBe(true);
  expect(root.children.get("p")?.children.get("q")?.count("text")).toBe(1);
});

test.each([
  ["2024-02-03", "dates"],
  ["2024-02-03T04:05:06.789Z", "moments"],
  ["2024-02-03 04:05+02:00", "moments"],
  ["a.b@example.com", "emails"],
  ["192.168.0.1", "addresses"],
  ["2001:db8::1", "addresses"],
] as const)("%s counts among %s", (text, kind) => {
  const texts = seen(JSON.stringify({ t: text })).children.get("t")?.texts;
  expect(texts?.[kind]).toBe(1);
});

test.each(["12:30", "abc", "03/02/2024", "20240203", "@"])("%s is plain text", (text) => {
  const texts = seen(JSON.stringify({ t: text })).children.get("t")?.texts;
  expect(texts).toMatchObject({ count: 1, dates: 0, moments: 0, emails: 0, addresses: 0 });
});
