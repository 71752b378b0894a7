// Types as the catalog, Redshift and PostgreSQL print them, and which changes a column can take.
import { describe, expect, it } from "vitest";
import { TYPE_MAP } from "../../../catalog/type-map.ts";
import { compareTypes, isSameType } from "../../../functions/load/warehouse-types.ts";

describe("types", () => {
  it.each([
    ["character varying(65535)", "VARCHAR(65535)", "fits"],
    ["character varying(10)", "VARCHAR(65535)", "widen"],
    ["character varying(65535)", "VARCHAR(10)", "fits"],
    ["integer", "INTEGER", "fits"],
    ["bigint", "INTEGER", "fits"],
    ["integer", "BIGINT", "incompatible"],
    ["double precision", "REAL", "fits"],
    ["real", "DOUBLE PRECISION", "incompatible"],
    ["numeric(12,2)", "DECIMAL(10,2)", "fits"],
    ["numeric(12,4)", "DECIMAL(10,2)", "fits"],
    ["numeric(12,4)", "DECIMAL(12, 2)", "incompatible"],
    ["timestamp without time zone", "TIMESTAMP", "fits"],
    ["date", "TIMESTAMP", "incompatible"],
    ["super", "SUPER", "fits"],
    ["super", "VARCHAR(65535)", "incompatible"],
  ])("a column %s for values %s: %s", (column, values, expected) => {
    expect(compareTypes(column, values)).toBe(expected);
  });

  it("takes the values of its own type, for every type of the catalog", () => {
    for (const { redshift } of Object.values(TYPE_MAP)) {
      const type = redshift.replace("{precision}", "18").replace("{scale}", "4");
      expect(compareTypes(type, type)).toBe("fits");
      expect(isSameType(type, type.toLowerCase())).toBe(true);
    }
  });

  it("are the same only with the same sizes", () => {
    expect(isSameType("character varying(10)", "VARCHAR(10)")).toBe(true);
    expect(isSameType("character varying(10)", "VARCHAR(20)")).toBe(false);
    expect(isSameType("numeric(10,2)", "DECIMAL(10,2)")).toBe(true);
  });
});
