// Tests what becomes of the ways to find changes of a Cassandra table in its definition.
import { expect, test } from "vitest";
import { resolveEntry } from "../../catalog/resolve.ts";
import type { CassandraTable } from "./table-types.ts";

const column = (name: string, type: "timestamp" | "int" | "date", path = name) => ({
  ...{ name, type, path: [path], description: name, nullable: false },
});

const views: CassandraTable = {
  ...{ name: "views", owner: "team", description: "Views." },
  source: { name: "events", system: "cassandra", owner: "team", description: "Events." },
  from: { keyspace: "tracking", table: "views" },
  key: ["day", "view"],
  deletes: { strategy: "none" },
  columns: [
    column("day", "date", "Day"),
    column("view", "int", "shardNo"),
    column("at", "timestamp", "viewedAt"),
  ],
};

function resolved(changes: CassandraTable["changes"]) {
  const definition = resolveEntry(changes === undefined ? views : { ...views, changes }, {
    ...{ deployment: "sluice", bucket: "data" },
  });
  if (definition.kind !== "table") throw new Error("no table");
  return definition;
}

test("full scans are the default, and have neither a cursor nor buckets", () => {
  const { from, cursor } = resolved(undefined);
  expect([from, cursor]).toEqual([{ keyspace: "tracking", table: "views", splits: 16 }, null]);
  expect(resolved({ strategy: "full-scan" })).toEqual(resolved(undefined));
});

test("an index becomes a cursor by the source's own name", () => {
  const { cursor } = resolved({
    strategy: "index",
    column: "at",
    lagSeconds: 5,
    overlapSeconds: 60,
  });
  expect(cursor).toMatchObject({
    column: "at",
    field: "viewedAt",
    lagSeconds: 5,
    overlapSeconds: 60,
  });
});

test("buckets become part of where the table is read from, by the source's own names", () => {
  const { from, cursor } = resolved({
    ...{
      strategy: "buckets",
      column: "day",
      unit: "day",
      lateBuckets: 2,
      values: { view: [0, 1] },
    },
  });
  expect(cursor).toBeNull();
  expect(from).toMatchObject({
    buckets: { column: "Day", unit: "day", lateBuckets: 2, values: { shardNo: [0, 1] } },
  });
});

test("another way to find the same rows builds nothing again", () => {
  const index = resolved({ strategy: "index", column: "at", lagSeconds: 5, overlapSeconds: 60 });
  expect(index.fingerprint).toBe(resolved(undefined).fingerprint);
});
