// Read whole, partitioned by a part of its key.
import { defineTable } from "sluice";
import { events } from "../sources.ts";

export const orderLines = defineTable({
  name: "order_lines",
  owner: "checkout",
  description: "One row for each product in an order.",
  source: events,
  from: { keyspace: "shop", table: "order_lines" },
  key: ["day", "order_id", "line"],
  deletes: { strategy: "full-scan" },
  columns: [
    { name: "day", type: "date", nullable: false, description: "The day (UTC) of the order." },
    { name: "order_id", type: "string", nullable: false, description: "The order's number." },
    { name: "line", type: "int", nullable: false, description: "Its place in the order, from 1." },
    { name: "product_id", type: "string", description: "What was ordered." },
    { name: "pieces", type: "int", description: "How many." },
    { name: "price", type: { decimal: [12, 2] }, description: "Euros for all of them." },
  ],
  partitioning: [{ column: "day", transform: "month" }],
});
