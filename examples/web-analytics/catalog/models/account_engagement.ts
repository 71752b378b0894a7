// How much goes on for each account: visits, companies, page views and leads.
import { defineModel } from "sluice";
import { leads } from "../tables/leads.ts";
import { pageViews } from "../tables/page_views.ts";
import { visits } from "../tables/visits.ts";

export const accountEngagement = defineModel({
  name: "account_engagement",
  owner: "analytics",
  description: "One row for each account that has a visit or a lead.",
  inputs: [visits, pageViews, leads],
  script: new URL("account_engagement.py", import.meta.url),
  key: ["account_id"],
  columns: [
    { name: "account_id", type: "string", nullable: false, description: "The account." },
    { name: "visits", type: "long", nullable: false, description: "Number of visits." },
    {
      name: "companies",
      type: "long",
      nullable: false,
      description: "Number of different companies among the visits.",
    },
    { name: "last_visit_at", type: "timestamp", description: "When the last visit began." },
    { name: "page_views", type: "long", nullable: false, description: "Number of pages seen." },
    { name: "leads", type: "long", nullable: false, description: "Number of leads." },
    { name: "won_leads", type: "long", nullable: false, description: "Leads with status won." },
    { name: "best_score", type: "double", description: "The highest score of its leads." },
  ],
  checks: [{ name: "won_within_leads", badRows: "won_leads > leads", severity: "error" }],
  publish: { distribution: { style: "all" }, sortKeys: ["account_id"] },
});
