// Definitions for the planner's tests.
import type { ModelDefinition, TableDefinition } from "../../../catalog/definition.ts";
import { column, tableDefinition } from "../extract/fixtures.ts";

const published = { distribution: { style: "even" as const }, sortKeys: [] };

export const leads = {
  ...tableDefinition({
    name: "leads",
    system: "elasticsearch",
    columns: [column("id"), column("changed_at", "timestamp")],
    from: { index: "leads" },
    cursor: {
      column: "changed_at",
      field: "changed_at",
      lagSeconds: 5,
      overlapSeconds: 60,
      lateRows: null,
    },
  }),
  deletes: { strategy: "key-scan" as const, everyHours: 24, maxShare: 0.1 },
  publish: published,
} satisfies TableDefinition;

export const events = {
  ...tableDefinition({
    name: "events",
    system: "cassandra",
    columns: [column("id")],
    from: { keyspace: "shop", table: "events", splits: 4 },
    cursor: null,
  }),
  deletes: { strategy: "full-scan" as const, maxShare: 0.1 },
} satisfies TableDefinition;

export const model = (
  name: string,
  inputs: string[],
  publish: ModelDefinition["publish"] = published,
): ModelDefinition => ({
  ...{ kind: "model", name, owner: "team", description: "", key: ["id"], columns: [column("id")] },
  ...{ partitioning: [], checks: [], publish, fingerprint: "f" },
  ...{ language: "sql", script: "s3://b/s.sql", inputs },
});
