// The load's results are small, whatever went wrong.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { done, failed, loadInputSchema, wait } from "../../../functions/load/result.ts";

const input = { run: "2026-07-01T00-00-00-0a1b2c3d", table: "companies", polls: 3 };
// A run that a schedule starts is named by a UUID; the catalog's names have at most 63 characters.
const longest = { run: "d9b6c0c9-0747-4bf4-b142-e8883122f766", table: "t".repeat(63) };
const statement = "d9b6c0c9-0747-4bf4-b142-e8883122f766";

describe("a result", () => {
  it("is under 200 bytes when it is the last", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 1000, unit: "binary" }), (text) => {
        for (const result of [done(input, text), failed(input, text)]) {
          expect(Buffer.byteLength(JSON.stringify(result))).toBeLessThan(200);
        }
      }),
    );
  });

  it("says enough of an error, however long the names are", () => {
    const result = failed({ ...longest, polls: 900 }, "e".repeat(1000));
    expect(result).toMatchObject({ error: expect.stringMatching(/^e{80,}$/) as string });
  });

  it("keeps statement and step, however long the names are", () => {
    const result = wait({ ...longest, polls: 898 }, { statement, step: "01234567" });
    expect(result).toMatchObject({ ...longest, statement, step: "01234567" });
    expect(Buffer.byteLength(JSON.stringify(result))).toBeLessThan(256);
  });

  it("is the next call's input, which waits longer each time up to ten seconds", () => {
    const waits: number[] = [];
    let next = loadInputSchema.parse({ run: "r", table: "t", polls: 0 });
    for (let call = 0; call < 12; call += 1) {
      const result = wait(next, { statement, step: "01234567" });
      if (result.status === "wait") waits.push(result.waitSeconds);
      next = loadInputSchema.parse(result);
    }
    expect(waits).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10]);
    expect(next).toEqual({ run: "r", table: "t", polls: 12, statement, step: "01234567" });
  });
});
