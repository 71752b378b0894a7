// The column types of the catalog, and the one total map from each to Glue, Spark and Redshift.

/** Types that need no further words. Timestamps are UTC with microseconds; `json` is any JSON value kept as text. */
export const SCALAR_TYPES = [
  "string",
  "boolean",
  "int",
  "long",
  "float",
  "double",
  "date",
  "timestamp",
  "binary",
  "json",
] as const;

export type ScalarType = (typeof SCALAR_TYPES)[number];

/**
 * The type of a column, as plain data.
 *
 * - `{decimal: [precision, scale]}`, precision at most 38
 * - `{timestamp: "epoch_seconds"}`: a timestamp the source sends as seconds since 1970; plain `"timestamp"` accepts
 *   ISO-8601 text and integers that are milliseconds since 1970 (Elasticsearch's default date format)
 * - `{list: type}`, `{map: type}` (keys are text), `{struct: fields}`
 */
export type ColumnType =
  | ScalarType
  | { readonly decimal: readonly [precision: number, scale: number] }
  | { readonly timestamp: "epoch_seconds" }
  | { readonly list: ColumnType }
  | { readonly map: ColumnType }
  | { readonly struct: readonly StructField[] };

/** A field of a struct; `from` is its exact name in the source where that differs from `name`. */
export interface StructField {
  readonly name: string;
  readonly type: ColumnType;
  readonly from?: string;
}
