// The leads that customers work on, from the index that serves their lists.
import { defineTable } from "sluice";
import { search } from "../sources.ts";

export const leads = defineTable({
  name: "leads",
  owner: "lead-management",
  description: "One row for each lead: a person at a company that an account is in contact with.",
  source: search,
  from: { index: "leads" },
  key: ["lead_id"],
  cursor: { column: "updated_at", lagSeconds: 2, overlapSeconds: 60 },
  deletes: { strategy: "soft-delete", column: "deleted_at" },
  columns: [
    {
      name: "lead_id",
      type: "string",
      path: ["_id"],
      nullable: false,
      description: "The lead's id.",
    },
    {
      name: "account_id",
      type: "string",
      path: ["accountId"],
      nullable: false,
      description: "The account (our customer) that the lead belongs to.",
    },
    {
      name: "company_id",
      type: "string",
      path: ["companyId"],
      description: "The company that the person works for, if known.",
    },
    { name: "email", type: "string", personal: true, description: "The person's address." },
    { name: "name", type: "string", personal: true, description: "The person's full name." },
    {
      name: "status",
      type: "string",
      nullable: false,
      description: "Where the lead stands: new, contacted, qualified, won or lost.",
    },
    {
      name: "score",
      type: "double",
      description: "How likely the lead is to buy, by the scoring service; below 0 is unlikely.",
    },
    {
      name: "stages",
      type: {
        list: {
          struct: [
            { name: "stage", type: "string" },
            { name: "at", type: "timestamp" },
          ],
        },
      },
      description: "The stages that the lead went through, in order.",
    },
    {
      name: "attributes",
      type: "json",
      personal: true,
      description: "Whatever else the account's own systems sent, as they sent it.",
    },
    {
      name: "updated_at",
      type: "timestamp",
      path: ["updatedAt"],
      nullable: false,
      description: "When the document was last written.",
    },
    {
      name: "deleted_at",
      type: "timestamp",
      path: ["deletedAt"],
      description: "When the lead was deleted; such a lead is not a row in the warehouse.",
    },
  ],
  partitioning: [{ column: "lead_id", transform: { bucket: 8 } }],
  checks: [
    {
      name: "known_status",
      badRows: "status not in ('new', 'contacted', 'qualified', 'won', 'lost')",
      severity: "error",
    },
  ],
  publish: {
    distribution: { style: "key", column: "account_id" },
    sortKeys: ["account_id", "updated_at"],
  },
});
