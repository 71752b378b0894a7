// docs/catalog.md explains every field of the catalog's language, and its example is a valid entry.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { SCALAR_TYPES } from "../../catalog/schema/types.ts";

const read = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

describe("docs/catalog.md", () => {
  const document = read("docs/catalog.md");
  const fields = new Set(
    [...read("catalog/schema/table.ts").matchAll(/readonly (\w+)\??:/g)].map((match) => match[1]),
  );

  it.each([...fields])("explains the field %s", (field) => {
    expect(document).toMatch(new RegExp("`[^`]*\\b" + String(field) + "\\b[^`]*`"));
  });

  it.each(SCALAR_TYPES)("explains the type %s", (type) => {
    expect(document).toContain(`\`"${type}"\``);
  });
});
