// Names and values in SQL text.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { identifier, literal, literalOrNull, qualified } from "../../../functions/load/quote.ts";

describe("quoting", () => {
  it("keeps names and texts apart from the SQL around them", () => {
    expect(identifier('a"b')).toBe('"a""b"');
    expect(qualified("lake", "order")).toBe('"lake"."order"');
    expect(literal("it's")).toBe("'it''s'");
    expect(literal("C:\\temp\\'")).toBe("'C:\\\\temp\\\\'''");
    expect(literalOrNull(null)).toBe("NULL");
  });

  it("refuses what SQL can't hold", () => {
    expect(() => identifier("")).toThrow(RangeError);
    expect(() => identifier("é".repeat(64))).toThrow(/127 bytes/);
    expect(() => identifier("a\0")).toThrow(RangeError);
    expect(() => literal("a\0")).toThrow(RangeError);
  });

  it("never lets a text end its literal", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!text.includes("\0"));
        const inside = literal(text).slice(1, -1);
        // Read as Redshift reads it: a pair of quotes is one, and a backslash takes the next character with it.
        expect(inside.replaceAll(/''|\\[\s\S]/g, "")).not.toMatch(/['\\]/);
        expect(inside.replaceAll("''", "'").replaceAll("\\\\", "\\")).toBe(text);
      }),
    );
  });
});
