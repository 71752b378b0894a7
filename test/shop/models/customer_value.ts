// A model in Python, kept in the lake only.
import { defineModel } from "sluice";
import { orders } from "../tables/orders.ts";

export const customerValue = defineModel({
  name: "customer_value",
  owner: "analytics",
  description: "What each customer has ordered so far.",
  inputs: [orders],
  script: new URL("customer_value.py", import.meta.url),
  key: ["customer_id"],
  columns: [
    { name: "customer_id", type: "string", nullable: false, description: "The customer." },
    { name: "orders", type: "long", nullable: false, description: "Number of orders." },
    { name: "total", type: { decimal: [28, 4] }, description: "Euros for all of them." },
  ],
  publish: false,
});
