// Tests that numbers of any size come out as JSON that means exactly the same.
import cassandra from "cassandra-driver";
import fc from "fast-check";
import { expect, test } from "vitest";
import { toJson } from "../../../sources/cassandra/to-json.ts";

const { types } = cassandra;
const codes = types.dataTypes;

test("a float's text is the shortest that is the same float again", () => {
  const write = toJson({ code: codes.float });
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const text = write(value);
      const parsed: unknown = JSON.parse(text);
      expect(Object.is(Math.fround(Number(parsed)), value)).toBe(true);
      expect(text.length).toBeLessThanOrEqual(Object.is(value, -0) ? 4 : String(value).length);
    }),
  );
  expect(write(Math.fround(0.1))).toBe("0.1");
});

test("a double is itself again", () => {
  const write = toJson({ code: codes.double });
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      expect(Object.is(Number(write(value)), value)).toBe(true);
    }),
  );
});

test("a decimal has all its digits, whatever its scale", () => {
  const write = toJson({ code: codes.decimal });
  fc.assert(
    fc.property(fc.bigInt(), fc.integer({ min: -60, max: 60 }), (unscaled, scale) => {
      const bytes = Buffer.alloc(4);
      bytes.writeInt32BE(scale);
      const digits = types.Integer.toBuffer(types.Integer.fromString(String(unscaled)));
      const text = write(types.BigDecimal.fromBuffer(Buffer.concat([bytes, digits])));
      expect(() => void JSON.parse(text)).not.toThrow();
      const [mantissa = "", exponent = "0"] = text.split("E");
      const [whole = "", fraction = ""] = mantissa.split(".");
      // Compared as integers at the larger scale: unscaled · 10^-scale = mantissa · 10^exponent.
      const shift = BigInt(Number(exponent) - fraction.length + 100);
      expect(BigInt(`${whole}${fraction}`) * 10n ** shift).toBe(
        unscaled * 10n ** BigInt(100 - scale),
      );
    }),
  );
});
