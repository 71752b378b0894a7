// Read by a cursor; deletes are found by comparing keys. It has a column of most kinds of types.
import { defineTable } from "sluice";
import { search } from "../sources.ts";

export const products = defineTable({
  name: "products",
  owner: "storefront",
  description: "One row for each product that is or was for sale.",
  source: search,
  from: { index: "products" },
  key: ["product_id"],
  cursor: { column: "changed_at", lagSeconds: 2, overlapSeconds: 60 },
  deletes: { strategy: "key-scan", everyHours: 24 },
  columns: [
    {
      name: "product_id",
      type: "string",
      path: ["productId"],
      nullable: false,
      description: "The product's number.",
    },
    { name: "name", type: "string", nullable: false, description: "What customers read." },
    { name: "stock", type: "long", description: "Pieces in all warehouses." },
    { name: "price", type: { decimal: [12, 2] }, description: "Euros for a piece." },
    { name: "listed_on", type: "date", path: ["listedOn"], description: "First day of sale." },
    {
      name: "maker",
      type: {
        struct: [
          { name: "name", type: "string" },
          { name: "zip", type: "string", from: "zipCode" },
          {
            name: "place",
            type: {
              struct: [
                { name: "lat", type: "double" },
                { name: "lon", type: "double" },
              ],
            },
          },
        ],
      },
      description: "Who makes it, and where.",
    },
    { name: "colours", type: { list: "string" }, description: "In which it can be had." },
    {
      name: "price_changes",
      type: {
        list: {
          struct: [
            { name: "price", type: { decimal: [12, 2] } },
            { name: "since", type: "date" },
          ],
        },
      },
      path: ["priceChanges"],
      description: "What it has cost since when.",
    },
    {
      name: "changed_at",
      type: "timestamp",
      path: ["changedAt"],
      nullable: false,
      description: "When the document was last written.",
    },
  ],
  partitioning: [{ column: "product_id", transform: { bucket: 8 } }],
  checks: [
    { name: "stock_not_negative", badRows: "stock < 0", severity: "error" },
    { name: "has_price", badRows: "price is null", severity: "warn" },
  ],
  publish: { distribution: { style: "all" }, sortKeys: ["listed_on", "product_id"] },
});
