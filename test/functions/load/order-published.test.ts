// In which order what is published is loaded.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { orderPublished } from "../../../functions/load/order-published.ts";
import { events, leads, model } from "../plan/definitions.ts";

describe("the order of loading", () => {
  it("is that of what is derived from what, whatever the order of the definitions", () => {
    const chain = [
      leads,
      model("a", ["leads"]),
      model("b", ["a", "leads"]),
      model("c", ["b", "a", "missing"]),
    ];
    fc.assert(
      fc.property(fc.shuffledSubarray(chain, { minLength: 4 }), (shuffled) => {
        expect(orderPublished(shuffled)).toEqual(["leads", "a", "b", "c"]);
      }),
    );
  });

  it("leaves out what is kept in the lake only, and ends for a circle", () => {
    expect(orderPublished([events, model("hidden", ["events"], null)])).toEqual([]);
    const circle = [model("a", ["b"]), model("b", ["a"])];
    expect(new Set(orderPublished(circle))).toEqual(new Set(["a", "b"]));
  });
});
