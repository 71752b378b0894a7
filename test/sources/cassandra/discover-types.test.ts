// Tests the map from CQL types to the catalog's, without a server.
import { expect, test } from "vitest";
import { typeKind } from "../../../contract/column-types.ts";
import { cassandra } from "../../../sources/cassandra/declaration.ts";
import { type CqlName, PROPOSED_TYPES } from "../../../sources/cassandra/discover-types.ts";

const whole = Object.entries(PROPOSED_TYPES).filter(([, type]) => type !== "parts");

test.each(whole)("%s is proposed as what the catalog's type map lets it be", (name, proposed) => {
  if (proposed === "parts") return;
  expect(cassandra.types[typeKind(proposed)]).toContain(name satisfies string);
});

test("types of parts are those that hold others", () => {
  const parts = Object.entries(PROPOSED_TYPES).filter(([, type]) => type === "parts");
  const names: readonly CqlName[] = ["list", "map", "set", "udt"];
  expect(parts.map(([name]) => name).sort()).toEqual(names);
});
