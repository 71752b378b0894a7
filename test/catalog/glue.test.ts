// Tests that an entry comes back from the Data Catalog as it was written, or says what is wrong with it.
import fc from "fast-check";
import { expect, test } from "vitest";
import { CatalogError } from "../../catalog/errors.ts";
import { decodeEntry, encodeEntry, type GlueTableInput } from "../../catalog/glue.ts";
import { resolveEntry, type EntryContext } from "../../catalog/resolve.ts";
import type { Column, Table } from "../../catalog/table.ts";
import type { ElasticsearchTable } from "./table-types.ts";
import { catalog } from "../shop/index.ts";
import { modelArbitrary, tableArbitrary } from "./arbitrary-entries.ts";

const context: EntryContext = {
  deployment: "sluice",
  scriptUri: "s3://assets/script",
  scriptHash: "abc",
};

const products = catalog.tables.find(
  (table): table is ElasticsearchTable => table.name === "products" && "cursor" in table,
);
if (products === undefined) throw new Error("the catalog has no products");
const [model] = catalog.models;
if (model === undefined) throw new Error("the example has no model");

test("every valid table and model comes back with its defaults filled in", () => {
  fc.assert(
    fc.property(fc.oneof(tableArbitrary, modelArbitrary), (entry) => {
      const stored = JSON.parse(JSON.stringify(encodeEntry(entry, context))) as GlueTableInput;
      expect(decodeEntry(stored)).toEqual(resolveEntry(entry, context));
    }),
  );
});

test("what Glue limits is within its limits", () => {
  fc.assert(
    fc.property(fc.oneof(tableArbitrary, modelArbitrary), (entry) => {
      for (const { Comment: comment } of encodeEntry(entry, context).StorageDescriptor.Columns) {
        expect(Buffer.byteLength(comment)).toBeLessThanOrEqual(255);
        expect(comment).not.toMatch(/[\r\n]/);
        expect(comment).not.toContain("\ufffd");
      }
    }),
  );
});

test("a long comment is cut between characters and marked", () => {
  const columns = products.columns.map((column): Column => ({
    ...column,
    description: "é".repeat(300),
  }));
  const [column] = encodeEntry({ ...products, columns }, context).StorageDescriptor.Columns;
  expect(column?.Comment).toBe(`${"é".repeat(126)}…`);
});

test("a table's parameters are what the architecture says", () => {
  const { Parameters: parameters, StorageDescriptor: storage } = encodeEntry(products, context);
  expect(parameters).toMatchObject({
    "sluice.format": "2",
    "sluice.kind": "table",
    "sluice.owner": "storefront",
    "sluice.key": '["product_id"]',
    "sluice.from": '{"index":"products"}',
    "sluice.partitioning": '[{"column":"product_id","transform":{"bucket":8}}]',
  });
  expect(JSON.parse(parameters["sluice.source"] ?? "")).toMatchObject({
    secret: "sluice/source/search",
    budget: { lanes: 1, dutyCycle: 0.25 },
  });
  expect(JSON.parse(parameters["sluice.cursor"] ?? "")).toEqual({
    column: "changed_at",
    field: "changedAt",
    lagSeconds: 2,
    overlapSeconds: 60,
    lateRows: { everyHours: 168, reachHours: 192 },
  });
  expect(parameters).toMatchObject({
    "sluice.required": "product_id,name,changed_at",
    "sluice.personal": "",
    "sluice.paths":
      '{"product_id":"productId","listed_on":"listedOn","price_changes":"priceChanges","changed_at":"changedAt"}',
    "sluice.types": '{"maker":{"from":[0,"zipCode"]}}',
    "sluice.descriptions": "{}",
  });
  expect(storage.Columns[0]).toEqual({
    Name: "product_id",
    Type: "string",
    Comment: "The product's number.",
  });
});

test("a model cannot be encoded without its script's address and hash", () => {
  expect(() => encodeEntry(model, { deployment: "sluice" })).toThrow("scriptUri is missing");
  expect(() => encodeEntry(model, { deployment: "sluice", scriptUri: "s3://a/b" })).toThrow(
    "scriptHash is missing",
  );
});

const fingerprintOf = (entry: Table, with_: Partial<EntryContext> = {}): string =>
  resolveEntry(entry, { ...context, ...with_ }).fingerprint;

test("words, costs and the deployment do not change the fingerprint", () => {
  const same = fingerprintOf(products);
  expect(fingerprintOf({ ...products, owner: "others", description: "others" })).toBe(same);
  expect(fingerprintOf({ ...products, publish: false, checks: [] })).toBe(same);
  expect(fingerprintOf({ ...products, source: { ...products.source, budget: { lanes: 2 } } })).toBe(
    same,
  );
  expect(fingerprintOf({ ...products, deletes: { strategy: "key-scan", everyHours: 7 } })).toBe(
    same,
  );
  expect(fingerprintOf({ ...products, cursor: { ...products.cursor, lagSeconds: 9 } })).toBe(same);
  expect(fingerprintOf(products, { deployment: "other" })).toBe(same);
});

test.each<[string, Partial<ElasticsearchTable>]>([
  ["key", { key: ["product_id", "changed_at"] }],
  ["columns", { columns: products.columns.slice(0, -2).concat(products.columns.slice(-1)) }],
  [
    "a path",
    { columns: products.columns.map((column) => ({ ...column, path: ["x", column.name] })) },
  ],
  ["nullable", { columns: products.columns.map((column) => ({ ...column, nullable: false })) }],
  ["deletes", { deletes: { strategy: "none" } }],
  ["partitioning", { partitioning: [] }],
])("a change of %s changes the fingerprint", (_, change) => {
  expect(fingerprintOf({ ...products, ...change })).not.toBe(fingerprintOf(products));
});

test("a changed script changes a model's fingerprint, its address alone does not", () => {
  const { fingerprint } = resolveEntry(model, context);
  expect(resolveEntry(model, { ...context, scriptHash: "abd" }).fingerprint).not.toBe(fingerprint);
  expect(resolveEntry(model, { ...context, scriptUri: "s3://x/y" }).fingerprint).toBe(fingerprint);
});

const stored = encodeEntry(products, context);

function damaged(parameter: string, value: string | undefined): GlueTableInput {
  const others = Object.entries(stored.Parameters).filter(([name]) => name !== parameter);
  const given: [string, string][] = value === undefined ? [] : [[parameter, value]];
  const parameters: Record<string, string> = Object.fromEntries([...others, ...given]);
  return { ...stored, Parameters: parameters };
}

test.each([
  ["sluice.format", "1", "this version reads 2"],
  ["sluice.format", undefined, "it is missing"],
  ["sluice.kind", "view", "Invalid option"],
  ["sluice.key", undefined, "it is missing"],
  ["sluice.key", "product_id", "it is not JSON: product_id"],
  ["sluice.source", '{"name":"search"}', "system"],
  ["sluice.cursor", '{"column":"changed_at"}', "lagSeconds"],
  ["sluice.fingerprint", "abc", "Invalid string"],
  ["sluice.types", undefined, "it is missing"],
  ["sluice.personal", undefined, "it is missing"],
  ["sluice.types", '{"name":"strng"}', "strng"],
  ["sluice.required", "product_id,nam", 'the table has no columns ["nam"]'],
  ["sluice.paths", '{"nam":"n"}', 'the table has no columns ["nam"]'],
  ["sluice.paths", '{"name":[]}', "Too small"],
  ["sluice.descriptions", '{"name":"x"}', "the description of name goes on"],
  [
    "sluice.types",
    '{"name":"epoch_seconds"}',
    "the type of name can't be read: epoch_seconds does not fit a string",
  ],
  [
    "sluice.types",
    '{"maker":{"from":["a","b","c","d","e","f","g","h"]}}',
    "more is said of the type than",
  ],
])(
  "%s = %j is rejected with the table, the parameter and what is wrong",
  (parameter, value, words) => {
    const read = (): unknown => decodeEntry(damaged(parameter, value));
    expect(read).toThrow(CatalogError);
    expect(read).toThrow(`Glue table products, parameter ${parameter}`);
    expect(read).toThrow(words);
  },
);
