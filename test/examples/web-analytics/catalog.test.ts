// Tests what the catalog must keep beside its language's rules; a new entry is tested by being in the index.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { catalog } from "../../../examples/web-analytics/catalog/index.ts";
import { decodeEntry, encodeEntry } from "../../../catalog/glue.ts";
import { resolveEntry } from "../../../catalog/resolve.ts";
import { mistakesInCatalog } from "../../../catalog/validate.ts";

const context = { deployment: "sluice", bucket: "data", scriptUri: "s3://a/b", scriptHash: "c" };
const entries = [...catalog.tables, ...catalog.models].map((entry) => [entry.name, entry] as const);

test("the catalog has no mistakes", () => {
  expect([...mistakesInCatalog(catalog, () => true)]).toEqual([]);
});

test.each(entries)("%s comes back from the Data Catalog", (_, entry) => {
  expect(decodeEntry(encodeEntry(entry, context))).toEqual(resolveEntry(entry, context));
});

test.each(entries)("%s marks columns that sound personal", (_, entry) => {
  for (const { name, personal } of entry.columns) {
    if (/(^|_)(e_?mail|phone|first_name|last_name|ip)($|_)/.test(name)) expect(personal).toBe(true);
  }
});

test.each(catalog.models.map((model) => [model.name, model] as const))(
  "%s has a script that reads each of its inputs",
  (_, model) => {
    const script = readFileSync(model.script, "utf8");
    for (const input of model.inputs) expect(script).toMatch(new RegExp(`\\b${input.name}\\b`));
  },
);
