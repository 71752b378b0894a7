// The pages that were seen in each visit, from the table that the tracking script writes to.
import { defineTable } from "sluice";
import { events } from "../sources.ts";

export const pageViews = defineTable({
  name: "page_views",
  owner: "tracking",
  description: "One row for each page that was seen in a visit.",
  source: events,
  from: { keyspace: "tracking", table: "page_views" },
  key: ["account_id", "day", "visit_id", "view_number"],
  deletes: { strategy: "full-scan" },
  columns: [
    {
      name: "account_id",
      type: "string",
      nullable: false,
      description: "The account (our customer) whose web site was visited.",
    },
    { name: "day", type: "date", nullable: false, description: "The day (UTC) the visit began." },
    { name: "visit_id", type: "string", nullable: false, description: "The visit it is part of." },
    {
      name: "view_number",
      type: "int",
      nullable: false,
      description: "The page's place in the visit, from 1.",
    },
    { name: "viewed_at", type: "timestamp", description: "When the page was opened." },
    {
      name: "url",
      type: "string",
      personal: true,
      description: "The page's address with its query, which may hold personal data.",
    },
    { name: "title", type: "string", description: "The page's title." },
    { name: "load_ms", type: "int", description: "How long it took to load, in milliseconds." },
    { name: "scroll", type: "double", description: "How far it was scrolled, from 0 to 1." },
    {
      name: "sequence",
      type: "long",
      description: "The collector's own counter; beyond 2^53, so no double can hold it.",
    },
  ],
  partitioning: [{ column: "day", transform: "month" }],
  checks: [{ name: "scroll_is_a_share", badRows: "scroll < 0 or scroll > 1", severity: "warn" }],
  publish: {
    distribution: { style: "key", column: "account_id" },
    sortKeys: ["day", "account_id"],
  },
});
