// Definitions as the Data Catalog holds them, in a file that the build's tests read too: both must understand the same.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { decodeEntry, encodeEntry, type GlueTableInput } from "../../catalog/glue.ts";
import { catalogStackOf, definitionsDatabase } from "../../catalog/placement.ts";
import { resolveEntry } from "../../catalog/resolve.ts";
import type { Model } from "../../catalog/table.ts";
import type { CassandraTable } from "./table-types.ts";
import { COLUMN_SHAPES } from "./column-shapes.ts";

const table: CassandraTable = {
  ...{ name: "every_shape", owner: "team", description: "A column of every shape.", key: ["id"] },
  source: { name: "events", system: "cassandra", owner: "team", description: "Events." },
  from: { keyspace: "app", table: "shapes" },
  deletes: { strategy: "full-scan", maxShare: 0.25 },
  columns: [...COLUMN_SHAPES],
  checks: [{ name: "has_email", badRows: "email is null", severity: "warn" }],
  partitioning: [{ column: "id", transform: { bucket: 4 } }],
};
const model: Model = {
  ...{ name: "emails_2024", owner: "team", description: "Addresses.", key: ["email"] },
  ...{ inputs: [table], script: new URL("file:///emails.py"), publish: false },
  columns: [{ name: "email", type: "string", nullable: false, description: "The address." }],
};
const context = { deployment: "sluice", scriptUri: "s3://assets/emails.py", scriptHash: "abc" };

const expected = [table, model].map((entry) => {
  const { name, columns, fingerprint } = resolveEntry(entry, context);
  return {
    database: definitionsDatabase("sluice", catalogStackOf(name, 16)),
    glue: encodeEntry(entry, context),
    columns: columns.map(({ name: column, type, path, nullable }) => ({
      ...{ name: column, type, path, nullable },
    })),
    fingerprint,
  };
});

const file = new URL("stored-definitions.json", import.meta.url);

test("the file holds what is written today", () => {
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(JSON.parse(JSON.stringify(expected)));
});

test("what is read from it is what was declared, in full", () => {
  const stored = JSON.parse(readFileSync(file, "utf8")) as { glue: GlueTableInput }[];
  expect(stored.map(({ glue }) => decodeEntry(glue))).toEqual(
    [table, model].map((entry) => resolveEntry(entry, context)),
  );
  expect(decodeEntry(expected[0]?.glue ?? {}).columns.at(-1)?.description).toBe(
    COLUMN_SHAPES.at(-1)?.description,
  );
});
