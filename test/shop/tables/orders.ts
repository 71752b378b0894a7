// Read whole, in token order; a row that a reading does not see is gone.
import { defineTable } from "sluice";
import { events } from "../sources.ts";

export const orders = defineTable({
  name: "orders",
  owner: "checkout",
  description: "One row for each order.",
  source: events,
  from: { keyspace: "shop", table: "orders" },
  key: ["customer_id", "order_id"],
  deletes: { strategy: "full-scan" },
  columns: [
    { name: "customer_id", type: "string", nullable: false, description: "Who ordered." },
    { name: "order_id", type: "string", nullable: false, description: "The order's number." },
    { name: "ordered_at", type: "timestamp", description: "When it was placed." },
    { name: "total", type: { decimal: [18, 4] }, description: "Euros; negative for a return." },
    { name: "vouchers", type: { map: "string" }, description: "Codes of vouchers by campaign." },
  ],
  checks: [{ name: "has_time", badRows: "ordered_at is null", severity: "warn" }],
  publish: { distribution: { style: "key", column: "customer_id" }, sortKeys: ["ordered_at"] },
});
