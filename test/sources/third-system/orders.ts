// A source and a table of the made-up system, as an engineer writes them.
import "./register.ts";
import { defineCatalog, defineSource, defineTable } from "../../../catalog/define.ts";

export const shop = defineSource({
  name: "shop",
  system: "jsonl",
  owner: "shop",
  description: "The orders of the shop.",
  budget: { dutyCycle: 1, pageRows: 2, linesAtOnce: 1 },
});

export const orders = defineTable({
  name: "orders",
  owner: "shop",
  description: "One row for each order.",
  source: shop,
  from: { file: "orders.jsonl" },
  key: ["order_id"],
  deletes: { strategy: "full-scan", maxShare: 1 },
  columns: [
    { name: "order_id", type: "long", path: ["id"], description: "Its number.", nullable: false },
    { name: "customer", type: "string", description: "Who ordered." },
    { name: "lines", type: { list: "string" }, description: "What was ordered." },
  ],
});

export const catalog = defineCatalog({ sources: [shop], tables: [orders], models: [] });
