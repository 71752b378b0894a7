// Where a proposed entry imports the catalog's language from.
import { expect, test } from "vitest";
import type { Proposal } from "../../../sources/discover/proposal.ts";
import { renderEntry } from "../../../sources/discover/render.ts";

const proposal: Proposal = {
  ...{ name: "things", owner: "TODO", description: "Things.", source: "search" },
  ...{
    from: { index: "things" },
    place: "things",
    key: ["id"],
    cursor: null,
    deletes: { strategy: "none" },
  },
  columns: [{ name: "id", type: "string", description: "Its id.", remarks: [] }],
  remarks: [],
};

test("it imports the language from the package", () => {
  const text = renderEntry(proposal, { sourceVariable: "search" });
  expect(text).toContain('import { defineTable } from "sluice";');
});
