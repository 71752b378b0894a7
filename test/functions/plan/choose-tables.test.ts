// Which tables a run reads, and in which order what is published is loaded.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chooseTables, orderPublished } from "../../../functions/plan/choose-tables.ts";
import { events, leads, model } from "./definitions.ts";

const definitions = [events, leads, model("daily", ["leads"])];

describe("choosing tables", () => {
  it("takes all tables, or those asked for", () => {
    expect(chooseTables(definitions, [], undefined)).toEqual([events, leads]);
    expect(chooseTables(definitions, [], ["leads"])).toEqual([leads]);
  });

  it("names what is unknown and what is known", () => {
    expect(() => chooseTables(definitions, [], ["leads", "lead"])).toThrow(
      '["lead"]: there is no such table. Tables are ["events","leads"].',
    );
    expect(() => chooseTables(definitions, [], ["daily"])).toThrow("models are built in every run");
  });

  it("knows a table whose definition is broken", () => {
    const broken = [{ name: "orders", error: "CatalogError", message: "no key" }];
    expect(chooseTables(definitions, broken, ["orders", "leads"])).toEqual([leads]);
  });
});

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
