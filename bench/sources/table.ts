// The systems that benchmarks read, and the one table that they read of each.
import type { TableDefinition } from "../../catalog/definition.ts";
import { resolveEntry } from "../../catalog/resolve.ts";
import { leads } from "../../examples/web-analytics/catalog/tables/leads.ts";
import { visits } from "../../examples/web-analytics/catalog/tables/visits.ts";

export const SYSTEMS = ["elasticsearch", "cassandra"] as const;
export type System = (typeof SYSTEMS)[number];

/** The table that is read, as the Data Catalog would have it. */
export function tableOf(system: System): TableDefinition {
  const entry = system === "elasticsearch" ? leads : visits;
  const definition = resolveEntry(entry, { deployment: "bench" });
  if (definition.kind === "table") return definition;
  throw new Error(`${entry.name} is not a table`);
}
