// Reads a table back from the warehouse as rows that can be compared with the generator's record of truth.
import type { Table } from "../../catalog/table.ts";
import type { ColumnType } from "../../contract/column-types.ts";
import type { Connection } from "../../cli/connection.ts";
import { queryWarehouse } from "../../cli/warehouse.ts";
import {
  parseNested,
  type TruthRow,
  type TruthValue,
} from "../../examples/web-analytics/sample-data/truth-row.ts";

const isNested = (type: ColumnType): boolean =>
  type === "json" ||
  (typeof type === "object" && ("list" in type || "map" in type || "struct" in type));

/** Text of a value in the form that the record of truth has. */
function truthValue(type: ColumnType, text: string): TruthValue {
  if (isNested(type)) return nestedValue(type, parseNested(text));
  if (typeof type === "object") {
    if ("decimal" in type) return text;
    return timestamp(text);
  }
  switch (type) {
    case "long":
      return BigInt(text);
    case "int":
      return Number(text);
    case "float":
    case "double":
      return Number(text);
    case "boolean":
      return text === "true" || text === "t";
    case "timestamp":
      return timestamp(text);
    case "string":
    case "date":
    case "binary":
    case "json":
      return text;
  }
}

/** Timestamps inside nested values have microseconds in the warehouse, and milliseconds in the record of truth. */
function nestedValue(type: ColumnType, value: TruthValue): TruthValue {
  if (value === null) return null;
  if (typeof type === "string") {
    return type === "timestamp" && typeof value === "string" ? timestamp(value) : value;
  }
  if ("timestamp" in type && typeof value === "string") return timestamp(value);
  if ("list" in type && Array.isArray(value)) {
    return value.map((item: TruthValue) => nestedValue(type.list, item));
  }
  if (typeof value !== "object" || Array.isArray(value)) return value;
  const typeOf = (name: string): ColumnType | undefined =>
    "map" in type
      ? type.map
      : "struct" in type
        ? type.struct.find((field) => field.name === name)?.type
        : undefined;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]: [string, TruthValue]): [string, TruthValue] => {
      const inner = typeOf(name);
      return [name, inner === undefined ? member : nestedValue(inner, member)];
    }),
  );
}

/** `2026-01-02 03:04:05.678` to ISO-8601 with milliseconds. */
const timestamp = (text: string): string =>
  new Date(`${text.replace(" ", "T")}${/[Z+]/.test(text) ? "" : "Z"}`).toISOString();

/** All rows of a table's view. */
export async function warehouseRows(connection: Connection, table: Table): Promise<TruthRow[]> {
  const columns = table.columns
    .map(({ name, type }) => (isNested(type) ? name : `cast(${name} as varchar) as ${name}`))
    .join(", ");
  const answer = await queryWarehouse(connection, `select ${columns} from mart.${table.name}`);
  return answer.rows.map((row) =>
    Object.fromEntries(
      table.columns.map(({ name, type }, index): [string, TruthValue] => {
        const value = row[index] ?? null;
        return [name, value === null ? null : truthValue(type, String(value))];
      }),
    ),
  );
}
