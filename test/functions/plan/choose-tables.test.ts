// Which tables a run reads.
import { describe, expect, it } from "vitest";
import { chooseTables } from "../../../functions/plan/choose-tables.ts";
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
