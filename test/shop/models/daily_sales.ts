// A model in SQL.
import { defineModel } from "sluice";
import { orderLines } from "../tables/order_lines.ts";
import { products } from "../tables/products.ts";

export const dailySales = defineModel({
  name: "daily_sales",
  owner: "analytics",
  description: "What was sold of each product on each day.",
  inputs: [orderLines, products],
  script: new URL("daily_sales.sql", import.meta.url),
  key: ["day", "product_id"],
  columns: [
    { name: "day", type: "date", nullable: false, description: "The day (UTC)." },
    { name: "product_id", type: "string", nullable: false, description: "The product." },
    { name: "product", type: "string", description: "Its name, if it is still known." },
    { name: "pieces", type: "long", description: "How many were ordered." },
    { name: "revenue", type: { decimal: [22, 2] }, description: "Euros for all of them." },
  ],
  checks: [{ name: "pieces_above_0", badRows: "pieces < 1", severity: "error" }],
});
