// What a project imports: `import { defineTable } from "sluice"`.
export { defineCatalog, defineModel, defineSource, defineTable } from "./catalog/define.ts";
export { CatalogError } from "./catalog/errors.ts";
export type * from "./catalog/table.ts";
export type { ColumnType } from "./contract/column-types.ts";
