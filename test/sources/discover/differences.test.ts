// Tests what counts as a difference between a declared table and its source, and what is said of it.
import { describe, expect, test } from "vitest";
import type { ColumnDefinition } from "../../../catalog/definition.ts";
import {
  differencesNow,
  differencesSince,
  faultsNow,
} from "../../../sources/discover/differences.ts";
import type { SourceFields, SourceType } from "../../../contract/source-fields.ts";
import { column } from "../../functions/extract/fixtures.ts";

const is = (...types: string[]): SourceType => ({ types });
const object = (fields: SourceFields): SourceType => ({ types: ["object"], fields });
const all = (fields: SourceFields) => ({ fields, hidesFields: false });
const search = (...columns: ColumnDefinition[]) => ({
  ...{ name: "t", columns, source: { system: "elasticsearch" as const } },
});
const events = (...columns: ColumnDefinition[]) => ({
  ...{ name: "t", columns, source: { system: "cassandra" as const } },
});
const reported = (differences: readonly { kind: string; field: string }[]): string[] =>
  differences.map(({ kind, field }) => `${kind} ${field}`);

describe("now", () => {
  test("a table as its source differs in nothing", () => {
    const table = search(
      column("id", "string", ["_id"]),
      column("at", "timestamp"),
      column("words", { list: "string" }),
      column("all", "json"),
      column("address", {
        struct: [
          { name: "city", type: "string" },
          { name: "zip", type: "string", from: "zipCode" },
        ],
      }),
    );
    const shape = all({
      ...{ at: is("date"), words: is("text"), all: object({ x: is("long") }) },
      address: object({ city: is("keyword"), zipCode: is("keyword") }),
    });
    expect(differencesNow(table, shape)).toEqual([]);
  });

  test("what no column reads is new: of an untouched object the object, of a struct its field", () => {
    const table = search(
      column("city", "string", ["address", "city"]),
      column("geo", { list: { struct: [{ name: "lat", type: "double" }] } }),
    );
    const shape = all({
      address: object({ city: is("keyword"), zip: is("keyword") }),
      geo: { types: ["nested"], fields: { lat: is("double"), lon: is("double") } },
      other: object({ a: is("long"), b: is("long") }),
    });
    expect(reported(differencesNow(table, shape))).toEqual([
      ...["new address.zip", "new geo.lon", "new other"],
    ]);
  });

  test("a lost field says what happens: null, quarantine, or nothing is read", () => {
    const strict = { ...column("b"), nullable: false };
    const found = faultsNow(search(column("a"), strict), all({}));
    expect(reported(found)).toEqual(["lost a", "lost b"]);
    expect(found[0]?.message).toContain("new rows have null there");
    expect(found[1]?.message).toContain("quarantined, for it may not be null");
    expect(faultsNow(events(column("a")), all({}))[0]?.message).toContain("the table is not read");
  });

  test("fields that a mapping may hide are not called lost", () => {
    const struct = column("s", { struct: [{ name: "x", type: "long" }] });
    const shape = { fields: { s: object({ y: is("long") }) }, hidesFields: true };
    expect(faultsNow(search(column("a"), struct), shape)).toEqual([]);
  });

  test.each<[ColumnDefinition["type"], SourceType, string[]]>([
    ["long", is("text"), ["unfit f"]],
    ["long", is("integer"), []],
    ["long", is("integer", "keyword"), ["unfit f"]],
    ["string", is("long"), []],
    [{ decimal: [10, 2] }, is("double"), []],
    [{ list: "long" }, is("keyword"), ["unfit f"]],
    [{ list: "long" }, is("long"), []],
    [{ struct: [{ name: "x", type: "long" }] }, is("keyword"), ["unfit f"]],
    [{ struct: [{ name: "x", type: "long" }] }, object({ x: is("text") }), ["unfit f.x"]],
    ["timestamp", is("keyword"), ["unfit f"]],
  ])("a column of %j over an Elasticsearch field %j: %j", (type, field, expected) => {
    expect(reported(faultsNow(search(column("f", type)), all({ f: field })))).toEqual(expected);
  });

  test.each<[ColumnDefinition["type"], SourceType, string[]]>([
    [{ list: "int" }, { types: ["set"], element: is("int") }, []],
    [{ list: "int" }, { types: ["list"], element: is("text") }, ["unfit f"]],
    [{ map: "string" }, { types: ["map"], element: is("text") }, []],
    [{ map: "long" }, { types: ["map"], element: is("text") }, ["unfit f"]],
    [{ map: "string" }, is("text"), ["unfit f"]],
    [
      { list: { struct: [{ name: "x", type: "int" }] } },
      { types: ["list"], element: { types: ["udt"], fields: { x: is("int") } } },
      [],
    ],
    ["json", is("tuple"), []],
    ["string", is("uuid"), []],
    ["int", is("bigint"), ["unfit f"]],
  ])("a column of %j over a CQL column %j: %j", (type, field, expected) => {
    expect(reported(faultsNow(events(column("f", type)), all({ f: field })))).toEqual(expected);
  });
});

describe("since the last look", () => {
  const table = search(
    column("a", "double"),
    column("s", { struct: [{ name: "x", type: "long" }] }),
  );
  const before = { a: is("long"), s: object({ x: is("long") }), left: is("keyword") };

  test("what people left out stays unsaid, what appeared is reported once", () => {
    const now = {
      ...before,
      s: object({ x: is("long"), y: is("long") }),
      fresh: object({ z: is("long") }),
    };
    expect(reported(differencesSince(table, before, all(now)))).toEqual(["new s.y", "new fresh"]);
    expect(differencesSince(table, now, all(now))).toEqual([]);
  });

  test("a changed type that still fits is reported as changed, one that does not is a fault", () => {
    const fits = all({ ...before, a: is("float") });
    expect(reported(differencesSince(table, before, fits))).toEqual(["changed a"]);
    const unfits = all({ ...before, a: is("text") });
    expect(differencesSince(table, before, unfits)).toEqual([]);
    expect(reported(faultsNow(table, unfits))).toEqual(["unfit a"]);
  });

  test("a field that was there is reported as lost even where fields may hide", () => {
    const shape = { fields: { s: before.s }, hidesFields: true };
    expect(reported(differencesSince(table, before, shape))).toEqual(["lost a"]);
  });

  test("a field that is gone and was never declared is nobody's loss", () => {
    const rest = { a: before.a, s: before.s };
    expect(differencesSince(table, before, all(rest))).toEqual([]);
  });
});
