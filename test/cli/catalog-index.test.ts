// Adding a table to the index of a catalog, or leaving that to a person.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { indexWithTable } from "../../cli/catalog-index.ts";

const index = (imports: readonly string[], tables: string): string =>
  `// All of it.
import { defineCatalog } from "sluice";
import { search } from "./sources.ts";
${imports.map((name) => `import { ${name} } from "./tables/${name}.ts";\n`).join("")}
export const catalog = defineCatalog({
  sources: [search],
  tables: [${tables}],
  models: [],
});
`;
const added = (text: string): string | undefined =>
  indexWithTable(text, "orders", 'import { orders } from "./tables/orders.ts";');

describe("an index of the usual form", () => {
  it.each([
    [[], "", "orders"],
    [["leads"], "leads", "leads, orders"],
    [["leads", "visits"], "\n    leads,\n    visits,\n  ", "leads,\n    visits, orders"],
  ] as const)("with the tables %j gets one more", (tables, listed, expected) => {
    expect(added(index(tables, listed))).toBe(index([...tables, "orders"], expected));
  });

  it("keeps all that is listed, and lists the new one once", () => {
    const name = fc.stringMatching(/^[a-z]{1,8}Table$/);
    fc.assert(
      fc.property(fc.uniqueArray(name), (tables) => {
        const changed = added(index(tables, tables.join(", "))) ?? "";
        const [, listed = ""] = /tables: \[([^\]]*)\]/.exec(changed) ?? [];
        expect(listed.split(", ").filter(Boolean)).toEqual([...tables, "orders"]);
      }),
    );
  });
});

describe("is left to a person", () => {
  it.each([
    ["the tables are not names alone", index([], "...all")],
    ["the tables come from elsewhere", index([], "").replace("tables: []", "tables")],
    ["there are two lists", `${index([], "")}const other = {\n  tables: []\n};\n`],
    ["something else has the name", index(["orders"], "")],
    ["there is no import", "export const catalog = {\n  tables: [],\n};\n"],
  ])("where %s", (_, text) => {
    expect(added(text)).toBeUndefined();
  });
});
