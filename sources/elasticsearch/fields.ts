// Which fields of a document are asked for, and where to leave the others away.
import type { ColumnDefinition } from "../../catalog/definition.ts";
import type { ColumnType } from "../../contract/column-types.ts";

export interface FieldSelection {
  /** The `_source` of the search body, as JSON text. */
  readonly source: string;
  /** Members that we keep ourselves, or null where the server has left the others away. */
  readonly keep: ReadonlySet<string> | null;
}

/**
 * The server filters documents by path, but rewrites their numbers as doubles (1.10 becomes 1.1, 1e400 a text).
 * Where a column could show that, the whole document is fetched and its other top-level members are left away here.
 */
export function selectFields(columns: readonly ColumnDefinition[]): FieldSelection {
  const paths = columns.map(({ path }) => path).filter((path) => !isId(path));
  if (paths.length === 0) return { source: "false", keep: null };
  const isExact = columns.every(({ type }) => survivesDoubles(type));
  if (isExact) {
    const includes = [...new Set(paths.map((path) => path.join(".")))];
    return { source: JSON.stringify({ includes }), keep: null };
  }
  // A document's own key may contain dots, so every beginning of a path may be a member's name.
  const keep = new Set(
    paths.flatMap((path) => path.map((_, index) => path.slice(0, index + 1).join("."))),
  );
  return { source: "true", keep };
}

function isId(path: readonly string[]): boolean {
  return path.length === 1 && path[0] === "_id";
}

function survivesDoubles(type: ColumnType): boolean {
  if (typeof type === "string") return type !== "json";
  if ("decimal" in type) return false;
  if ("timestamp" in type) return true;
  if ("list" in type) return survivesDoubles(type.list);
  if ("map" in type) return survivesDoubles(type.map);
  return type.struct.every((field) => survivesDoubles(field.type));
}
