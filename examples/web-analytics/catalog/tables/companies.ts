// The companies that visitors are recognised as, from the index that serves company search.
import { defineTable } from "sluice";
import { search } from "../sources.ts";

export const companies = defineTable({
  name: "companies",
  owner: "company-data",
  description: "One row for each company that a visitor can be recognised as.",
  source: search,
  from: { index: "companies" },
  key: ["company_id"],
  // The index is refreshed each second, so a row can be found two seconds after it was written. The overlap covers
  // writers whose clocks are behind, and bulk requests that hung.
  cursor: { column: "updated_at", lagSeconds: 2, overlapSeconds: 60 },
  // Companies are removed outright, so their keys are compared in each run.
  deletes: { strategy: "key-scan", everyHours: 0 },
  columns: [
    {
      name: "company_id",
      type: "string",
      path: ["companyId"],
      nullable: false,
      description: "The company's id, the same in all systems.",
    },
    { name: "name", type: "string", nullable: false, description: "The registered name." },
    { name: "domain", type: "string", description: "Its main web domain, without www." },
    { name: "industry", type: "string", description: "The industry by our own list of names." },
    { name: "employees", type: "long", description: "Number of employees, by the last report." },
    {
      name: "revenue",
      type: { decimal: [20, 2] },
      description: "Revenue of the last business year in euros; negative after corrections.",
    },
    {
      name: "founded_on",
      type: "date",
      path: ["foundedOn"],
      description: "The day on which it was founded.",
    },
    {
      name: "address",
      type: {
        struct: [
          { name: "street", type: "string" },
          { name: "city", type: "string" },
          { name: "zip", type: "string", from: "zipCode" },
          { name: "country", type: "string" },
          {
            name: "geo",
            type: {
              struct: [
                { name: "lat", type: "double" },
                { name: "lon", type: "double" },
              ],
            },
          },
        ],
      },
      description: "The address of the headquarters.",
    },
    { name: "tags", type: { list: "string" }, description: "Free words by the research team." },
    {
      name: "technologies",
      type: {
        list: {
          struct: [
            { name: "name", type: "string" },
            { name: "category", type: "string" },
            { name: "since", type: "date" },
          ],
        },
      },
      description: "Software that was seen on its web sites, and since when.",
    },
    {
      name: "updated_at",
      type: "timestamp",
      path: ["updatedAt"],
      nullable: false,
      description: "When the document was last written.",
    },
  ],
  partitioning: [{ column: "company_id", transform: { bucket: 8 } }],
  checks: [
    { name: "employees_not_negative", badRows: "employees < 0", severity: "error" },
    { name: "has_domain", badRows: "domain is null", severity: "warn" },
  ],
  publish: { distribution: { style: "all" }, sortKeys: ["industry", "company_id"] },
});
