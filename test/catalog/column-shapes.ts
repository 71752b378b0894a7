// Columns of every shape, with names, descriptions and types as people write them.
import type { Column } from "../../catalog/table.ts";

export const COLUMN_SHAPES: readonly Column[] = [
  { name: "id", type: "string", description: "The id." },
  {
    name: "company_id",
    type: "string",
    path: ["companyId"],
    nullable: false,
    description: "The company's id, the same in all systems.",
  },
  { name: "employees", type: "long", description: "Number of employees, by the last report." },
  {
    name: "revenue",
    type: { decimal: [20, 2] },
    description: "Revenue of the last business year in euros; negative after corrections.",
  },
  {
    name: "email",
    type: "string",
    path: ["contact", "emailAddress"],
    personal: true,
    description: 'Where the person is written to, if "may be contacted" is set.',
  },
  {
    name: "address",
    type: {
      struct: [
        { name: "street_name", type: "string", from: "streetName" },
        { name: "postal_code", type: "string", from: "postalCode" },
        { name: "city", type: "string" },
        {
          name: "geo_point",
          type: {
            struct: [
              { name: "lat", type: "double" },
              { name: "lon", type: "double" },
            ],
          },
          from: "geoPoint",
        },
      ],
    },
    description: "The address of the headquarters.",
  },
  {
    name: "events",
    type: {
      list: {
        struct: [
          { name: "seen_at", type: { timestamp: "epoch_seconds" }, from: "seenAt" },
          { name: "body", type: "json" },
          { name: "labels", type: { map: "string" } },
        ],
      },
    },
    description: "What happened.",
  },
  { name: "payload", type: "json", description: "The whole document." },
  {
    name: "created_at",
    type: { timestamp: "epoch_seconds" },
    path: ["createdAt"],
    nullable: false,
    description: "When it was created.",
  },
  {
    name: "notes",
    type: "string",
    description: "What the sales team writes down after each call, word by word. ".repeat(8).trim(),
  },
];
