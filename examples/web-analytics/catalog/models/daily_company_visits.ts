// Which companies visited whose web site on which day.
import { defineModel } from "sluice";
import { companies } from "../tables/companies.ts";
import { visits } from "../tables/visits.ts";

export const dailyCompanyVisits = defineModel({
  name: "daily_company_visits",
  owner: "analytics",
  description: "Visits of each day, account and recognised company, with the company's industry.",
  inputs: [visits, companies],
  script: new URL("daily_company_visits.sql", import.meta.url),
  key: ["day", "account_id", "company_id"],
  columns: [
    { name: "day", type: "date", nullable: false, description: "The day (UTC)." },
    { name: "account_id", type: "string", nullable: false, description: "The visited account." },
    { name: "company_id", type: "string", nullable: false, description: "The visiting company." },
    {
      name: "company_name",
      type: "string",
      description: "Its name; null if the company is no longer known.",
    },
    { name: "industry", type: "string", description: "Its industry; null if not known." },
    { name: "visits", type: "long", nullable: false, description: "Number of visits." },
    { name: "pages", type: "long", description: "Number of pages seen in them." },
    { name: "duration_seconds", type: "long", description: "How long they lasted together." },
    { name: "revenue", type: { decimal: [28, 4] }, description: "What was sold, in euros." },
  ],
  partitioning: [{ column: "day", transform: "month" }],
  checks: [{ name: "has_visits", badRows: "visits < 1", severity: "error" }],
  publish: {
    distribution: { style: "key", column: "account_id" },
    sortKeys: ["day", "account_id"],
  },
});
