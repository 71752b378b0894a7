// What the compiler rejects of a catalog's entries, by the system of their source; checked by `tsc`.
import { expect, test } from "vitest";
import { defineSource, defineTable } from "../../catalog/define.ts";

const words = { owner: "team", description: "d" };
const search = defineSource({ ...words, name: "search", system: "elasticsearch" });
const events = defineSource({ ...words, name: "events", system: "cassandra" });
const entry = { ...words, name: "things", key: ["id"], columns: [] } as const;
const cursor = { column: "at", lagSeconds: 1, overlapSeconds: 0 };
const index = { index: "things" };
const place = { keyspace: "app", table: "things" };

test("a source's and a table's fields are those of its system", () => {
  const tables = [
    defineTable({ ...entry, source: search, from: index, cursor, deletes: { strategy: "none" } }),
    defineTable({ ...entry, source: search, from: index, deletes: { strategy: "full-scan" } }),
    defineTable({
      ...entry,
      source: events,
      from: place,
      splits: 4,
      deletes: { strategy: "none" },
    }),
    // @ts-expect-error -- a Cassandra table is read from a keyspace
    defineTable({ ...entry, source: events, from: index, deletes: { strategy: "none" } }),
    // @ts-expect-error -- an index is not a keyspace
    defineTable({ ...entry, source: search, from: place, deletes: { strategy: "none" } }),
    // @ts-expect-error -- what is missing from a window is not gone
    defineTable({
      ...entry,
      source: search,
      from: index,
      cursor,
      deletes: { strategy: "full-scan" },
    }),
    // @ts-expect-error -- a strategy must say which one it is
    defineTable({ ...entry, source: events, from: place, deletes: {} }),
    // @ts-expect-error -- all is missing but the source
    defineTable({ source: events }),
  ];
  expect(tables).toHaveLength(8);
  const sources = [
    defineSource({ ...words, name: "a", system: "cassandra", budget: { dataCenter: "dc1" } }),
    // @ts-expect-error -- shards are Elasticsearch's
    defineSource({ ...words, name: "a", system: "cassandra", budget: { shardsAtOnce: 2 } }),
    // @ts-expect-error -- there is no such system
    defineSource({ ...words, name: "a", system: "oracle" }),
  ];
  expect(sources).toHaveLength(3);
});
