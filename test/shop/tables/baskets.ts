// Read by a cursor, with Elasticsearch's id as the key; deletes are marked.
import { defineTable } from "sluice";
import { search } from "../sources.ts";

export const baskets = defineTable({
  name: "baskets",
  owner: "storefront",
  description: "One row for each basket that has not been ordered yet.",
  source: search,
  from: { index: "baskets" },
  key: ["basket_id"],
  cursor: { column: "changed_at", lagSeconds: 2, overlapSeconds: 60 },
  deletes: { strategy: "soft-delete", column: "emptied_at" },
  columns: [
    { name: "basket_id", type: "string", path: ["_id"], nullable: false, description: "Its id." },
    { name: "customer_id", type: "string", nullable: false, description: "Whose it is." },
    { name: "email", type: "string", personal: true, description: "The customer's address." },
    { name: "content", type: "json", description: "What is in it, as the storefront wrote it." },
    { name: "changed_at", type: "timestamp", nullable: false, description: "Its last change." },
    { name: "emptied_at", type: "timestamp", description: "When it was thrown away." },
  ],
});
