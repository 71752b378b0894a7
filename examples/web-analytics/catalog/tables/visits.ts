// The visits of the customers' web sites, from the table that serves their live view.
import { defineTable } from "sluice";
import { events } from "../sources.ts";

export const visits = defineTable({
  name: "visits",
  owner: "tracking",
  description: "One row for each visit of a customer's web site, with the company it came from.",
  source: events,
  from: { keyspace: "tracking", table: "visits" },
  key: ["account_id", "day", "visit_id"],
  // Rows are removed outright, by people's wish and by age.
  deletes: { strategy: "full-scan" },
  columns: [
    {
      name: "account_id",
      type: "string",
      nullable: false,
      description: "The account (our customer) whose web site was visited.",
    },
    { name: "day", type: "date", nullable: false, description: "The day (UTC) it began on." },
    {
      name: "visit_id",
      type: "string",
      nullable: false,
      description: "The visit's id, a time-based UUID.",
    },
    {
      name: "company_id",
      type: "string",
      description: "The company that the visitor was recognised as; null if none.",
    },
    { name: "started_at", type: "timestamp", description: "When the visit began." },
    { name: "duration_seconds", type: "int", description: "How long it lasted, in seconds." },
    { name: "referrer", type: "string", description: "The page that led here; empty if typed." },
    { name: "page_count", type: "int", description: "How many pages were seen." },
    {
      name: "utm",
      type: { map: "string" },
      description: "The campaign's parameters, by their names without utm_.",
    },
    { name: "labels", type: { list: "string" }, description: "Labels that rules put on it." },
    {
      name: "device",
      type: {
        struct: [
          { name: "os", type: "string" },
          { name: "browser", type: "string" },
          {
            name: "screen",
            type: {
              struct: [
                { name: "width", type: "int" },
                { name: "height", type: "int" },
              ],
            },
          },
        ],
      },
      description: "What the visitor used; sizes in pixels.",
    },
    {
      name: "revenue",
      type: { decimal: [18, 4] },
      description: "What was sold in the visit, in euros; negative for a return.",
    },
  ],
  // Both columns are part of the key, so a row never moves to another partition.
  partitioning: [{ column: "day", transform: "month" }],
  checks: [
    { name: "duration_not_negative", badRows: "duration_seconds < 0", severity: "error" },
    { name: "visits_have_pages", badRows: "page_count < 1", severity: "warn" },
  ],
  publish: {
    distribution: { style: "key", column: "account_id" },
    sortKeys: ["day", "account_id"],
  },
});
