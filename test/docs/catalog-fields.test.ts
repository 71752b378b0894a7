// docs/catalog.md explains every field of the catalog's language, and its example is a valid entry.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  DEFAULT_BUDGETS,
  DEFAULT_MAX_DELETED_SHARE,
  DEFAULT_RECONCILE,
  DEFAULT_SPLITS,
} from "../../catalog/resolve.ts";
import { SCALAR_TYPES } from "../../contract/column-types.ts";

const read = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

describe("docs/catalog.md", () => {
  const document = read("docs/catalog.md");
  const fields = new Set(
    [...read("catalog/table.ts").matchAll(/readonly (\w+)\??:/g)].map((match) => match[1]),
  );

  it.each([...fields])("explains the field %s", (field) => {
    expect(document).toMatch(new RegExp("`[^`]*\\b" + String(field) + "\\b[^`]*`"));
  });

  it.each(SCALAR_TYPES)("explains the type %s", (type) => {
    expect(document).toContain(`\`"${type}"\``);
  });

  const { elasticsearch, cassandra } = DEFAULT_BUDGETS;
  const names = Object.keys(elasticsearch) as (keyof typeof elasticsearch)[];

  it.each(names)("gives the default of the budget's %s", (name) => {
    const shown = [elasticsearch[name], cassandra[name]].map((value) =>
      value === null ? "none" : JSON.stringify(value),
    );
    const cell = shown[0] === shown[1] ? shown[0] : `${shown[0]}; Cassandra ${shown[1]}`;
    expect(document).toMatch(new RegExp(`\\| \`${name}\` +\\| ${cell} +\\|`));
  });

  it("gives the other defaults", () => {
    expect(document).toContain(`The default is ${String(DEFAULT_MAX_DELETED_SHARE)}.`);
    const { everyHours, reachHours } = DEFAULT_RECONCILE;
    expect(document).toContain(`The default is ${String(everyHours)} and ${String(reachHours)} (`);
    expect(document).toContain(`cut into, default ${String(DEFAULT_SPLITS)};`);
  });
});
