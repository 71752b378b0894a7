// Tests that types survive the way to Glue and back, and what they are in the warehouse.
import fc from "fast-check";
import { expect, test } from "vitest";
import { CatalogError } from "../../catalog/errors.ts";
import { glueType, parseGlueType } from "../../catalog/type-map.ts";
import { columnTypeSchema, type ColumnType } from "../../contract/column-types.ts";
import { typeArbitrary } from "./arbitrary-entries.ts";

/** What Glue has words for. */
function inGlue(type: ColumnType): ColumnType {
  if (typeof type === "string") return type === "json" ? "string" : type;
  if ("decimal" in type) return type;
  if ("timestamp" in type) return "timestamp";
  if ("list" in type) return { list: inGlue(type.list) };
  if ("map" in type) return { map: inGlue(type.map) };
  return { struct: type.struct.map((field) => ({ name: field.name, type: inGlue(field.type) })) };
}

test("every type comes back from Glue, but for json and seconds since 1970", () => {
  fc.assert(
    fc.property(typeArbitrary, (type) => {
      expect(parseGlueType(glueType(type))).toEqual(inGlue(type));
    }),
  );
});

test("every type comes back from JSON as it was", () => {
  fc.assert(
    fc.property(typeArbitrary, (type) => {
      expect(columnTypeSchema.parse(JSON.parse(JSON.stringify(type)))).toEqual(type);
    }),
  );
});

test.each<[ColumnType, string]>([
  ["string", "string"],
  ["json", "string"],
  ["binary", "binary"],
  ["long", "bigint"],
  ["double", "double"],
  ["timestamp", "timestamp"],
  [{ timestamp: "epoch_seconds" }, "timestamp"],
  [{ decimal: [18, 4] }, "decimal(18,4)"],
  [{ map: { list: "int" } }, "map<string,array<int>>"],
  [
    { list: { struct: [{ name: "at", type: "timestamp", from: "At" }] } },
    "array<struct<at:timestamp>>",
  ],
])("%j is %s in Glue", (type, glue) => {
  expect(glueType(type)).toBe(glue);
});

test.each([
  ["", 1, "ends too early"],
  ["array<string", 13, "ends too early"],
  ["array<strin>", 7, '"strin>" is not understood'],
  ["map<int,string>", 5, "keys of a map are text"],
  ["struct<a>", 9, "colon"],
  ["decimal(x)", 9, "a number"],
  ["string>", 7, "the text to end here"],
  ["uniontype<int,string>", 1, "not understood"],
])("rejects %j with the place", (text, character, words) => {
  const read = (): unknown => parseGlueType(text);
  expect(read).toThrow(CatalogError);
  expect(read).toThrow(`character ${character}`);
  expect(read).toThrow(words);
});
