// Tests what is made of mappings and sampled documents, without a server.
import { describe, expect, test } from "vitest";
import { typeKind } from "../../../contract/column-types.ts";
import { elasticsearch } from "../../../sources/elasticsearch/declaration.ts";
import { parseExact } from "../../../sources/discover/exact-json.ts";
import { observe } from "../../../sources/discover/observe.ts";
import { readFields } from "../../../sources/elasticsearch/discover-fields.ts";
import { mergeMappings } from "../../../sources/elasticsearch/discover-mapping.ts";
import {
  commonType,
  FIELD_TYPES,
  PROPOSED_TYPES,
  readingOfDates,
} from "../../../sources/elasticsearch/discover-types.ts";

type Properties = Readonly<Record<string, unknown>>;

function fieldsOf(indices: readonly Properties[], ...documents: string[]) {
  const mappings = indices.map((properties, n) => [`i${n}`, { mappings: { properties } }]);
  const merged = mergeMappings(Object.fromEntries(mappings) as Parameters<typeof mergeMappings>[0]);
  const observed = observe(documents.map(parseExact));
  const { fields, remarks } = readFields(merged.fields, observed, indices.length);
  return {
    types: Object.fromEntries(fields.map(({ path, type }) => [path.join("."), type])),
    reported: Object.fromEntries(
      fields.map((field) => [field.path.join("."), field.remarks.join()]),
    ),
    remarks: [...merged.remarks, ...remarks].join("\n"),
  };
}

test.each(FIELD_TYPES)("%s is proposed as what the catalog's type map lets it be", (type) => {
  const proposed = PROPOSED_TYPES[type];
  if (proposed === "nothing") return;
  const declared = proposed === "fields" ? "struct" : proposed;
  const kind =
    declared === "struct"
      ? declared
      : typeof declared === "object" && "list" in declared
        ? typeKind(declared.list)
        : typeKind(declared);
  const allowed = elasticsearch.types[kind];
  // A nested object is a list of structs, and a vector a list of what it holds.
  expect([...allowed, ...elasticsearch.types.list]).toContain(type);
});

test.each([
  [["integer", "long"], "long"],
  [["float", "double"], "double"],
  [["integer", "double"], "double"],
  [["keyword", "text"], "string"],
  [["date", "date_nanos"], "timestamp"],
  [["long", "keyword"], "string"],
  [["boolean", "date"], "string"],
  [["object", "keyword"], "json"],
  [["geo_point", "keyword"], "json"],
] as const)("indices that have %j together have %s", (types, expected) => {
  expect(commonType(types)).toBe(expected);
});

test.each([
  [null, "timestamp", false],
  ["strict_date_optional_time||epoch_millis", "timestamp", false],
  ["yyyy-MM-dd HH:mm:ss||epoch_millis", "timestamp", false],
  ["strict_date", "date", false],
  ["yyyy-MM-dd", "date", false],
  ["epoch_second", { timestamp: "epoch_seconds" }, false],
  ["epoch_second||epoch_millis", { timestamp: "epoch_seconds" }, true],
  ["dd/MM/yyyy", "string", true],
] as const)("dates of the format %s are read as %j", (format, type, hasRemark) => {
  const reading = readingOfDates(format);
  expect(reading.type).toEqual(type);
  expect(reading.remark !== null).toBe(hasRemark);
});

describe("documents decide what a mapping leaves open", () => {
  const long = { type: "long" };
  const date = { type: "date" };

  test("lists, and how often", () => {
    const { types, reported } = fieldsOf(
      [{ a: long, b: { type: "keyword" }, c: long }],
      ...['{"a":[1,2],"b":"x"}', '{"a":3,"b":["x"]}'],
    );
    expect(types).toEqual({ a: { list: "long" }, b: { list: "string" }, c: "long" });
    expect(reported.a).toContain("a list in 1 of the 2");
    expect(reported.c).toContain("no sampled document has it");
  });

  test("values beyond the mapped type widen it", () => {
    const { types, reported } = fieldsOf(
      [{ a: { type: "integer" }, b: long, c: { type: "boolean" }, d: { type: "integer" } }],
      ...['{"a":1.5,"b":9223372036854775808,"c":1,"d":3000000000}'],
    );
    expect(types).toEqual({ a: "double", b: "double", c: "string", d: "long" });
    expect(reported.a).toContain("fractions");
  });

  test("days are dates, and texts that are no ISO times stay text", () => {
    const { types } = fieldsOf([{ a: date, b: date }], '{"a":"2024-01-02","b":"2 May"}');
    expect(types).toEqual({ a: "date", b: "string" });
  });

  test("an object whose names are data is kept as JSON", () => {
    const names = Array.from({ length: 20 }, (_, n) => `k${n}`);
    const properties = Object.fromEntries(names.map((name) => [name, long]));
    const documents = names.map((name) => `{"o":{"${name}":1}}`);
    expect(fieldsOf([{ o: { properties } }], ...documents).types.o).toBe("json");
  });

  test("open, empty and odd objects are kept as JSON, others become structs", () => {
    const { types, reported } = fieldsOf(
      [
        {
          open: { dynamic: "true", properties: { x: long } },
          disabled: { type: "object", enabled: false },
          empty: { type: "object" },
          inner: { properties: { flat: { type: "flattened" } } },
          odd: { properties: { x: long } },
          good: { properties: { aB: long, AB: date, select: { type: "keyword" } } },
          many: { type: "nested", properties: { x: long } },
        },
      ],
      ...['{"odd":{"x":[[1]]},"good":{"aB":1}}'],
    );
    expect(types).toEqual({
      ...{ open: "json", disabled: "json", empty: "json", inner: "json", odd: "json" },
      good: {
        struct: [
          { name: "a_b", type: "long", from: "aB" },
          { name: "ab", type: "timestamp", from: "AB" },
          { name: "select", type: "string" },
        ],
      },
      many: { list: { struct: [{ name: "x", type: "long" }] } },
    });
    expect(reported.inner).toContain("flat");
  });

  test("a document's own keys with dots make columns of their whole paths", () => {
    const { types } = fieldsOf([{ a: { properties: { b: long } } }], '{"a.b":1}');
    expect(types).toEqual({ "a.b": "long" });
  });

  test("points are structs if all sampled ones are", () => {
    const point = { type: "geo_point" };
    const { types } = fieldsOf([{ a: point, b: point }], '{"a":{"lat":1,"lon":2.5},"b":"1,2"}');
    expect(types).toEqual({
      a: {
        struct: [
          { name: "lat", type: "double" },
          { name: "lon", type: "double" },
        ],
      },
      b: "json",
    });
  });
});

test("indices are merged, and their differences are reported", () => {
  const { types, reported } = fieldsOf([
    { a: { type: "long" }, b: { type: "keyword" }, o: { properties: { x: { type: "long" } } } },
    { a: { type: "keyword" }, o: { properties: { y: { type: "long" } } } },
  ]);
  expect(types).toMatchObject({ a: "string", b: "string" });
  expect(types.o).toEqual({
    struct: [
      { name: "x", type: "long" },
      { name: "y", type: "long" },
    ],
  });
  expect(reported.a).toContain("the indices disagree: long in 1, keyword in 1");
  expect(reported.b).toContain("1 of 2 indices do not have it");
});

test("what documents hold no value of is left out and named", () => {
  const { types, remarks } = fieldsOf(
    [
      {
        a: { type: "text", copy_to: "all", fields: { raw: { type: "keyword" } } },
        other: { type: "alias", path: "a" },
        all: { type: "text" },
      },
    ],
    '{"a":"x","unmapped":1}',
  );
  expect(Object.keys(types)).toEqual(["a", "all"]);
  for (const words of ["a.raw", "other", "copy_to", "unmapped"]) expect(remarks).toContain(words);
});
