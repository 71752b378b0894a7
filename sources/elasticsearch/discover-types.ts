// The one total map from each field type of an Elasticsearch mapping to what to declare it as in the catalog.
import type { ColumnType } from "../../contract/column-types.ts";

export const FIELD_TYPES = [
  ...["aggregate_metric_double", "alias", "annotated_text", "binary", "boolean", "byte"],
  ...["completion", "constant_keyword", "counted_keyword", "date", "date_nanos", "date_range"],
  ...["dense_vector", "double", "double_range", "flattened", "float", "float_range", "geo_point"],
  ...["geo_shape", "half_float", "histogram", "icu_collation_keyword", "integer", "integer_range"],
  ...["ip", "ip_range", "join", "keyword", "long", "long_range", "match_only_text", "murmur3"],
  ...["nested", "object", "passthrough", "percolator", "point", "rank_feature", "rank_features"],
  ...["rank_vectors", "scaled_float", "search_as_you_type", "semantic_text", "shape", "short"],
  ...["sparse_vector", "text", "token_count", "unsigned_long", "version", "wildcard"],
] as const;
export type FieldType = (typeof FIELD_TYPES)[number];

/** `fields`: what is inside decides. `nothing`: documents hold no value of it. */
export type ProposedType = ColumnType | "fields" | "nothing";

/**
 * Arrays look like single values in a mapping, so what is said here holds for one value. What is indexed as a float may
 * stand in the document with more digits, and dynamic mapping makes floats of all fractions, so those are doubles.
 */
export const PROPOSED_TYPES: Readonly<Record<FieldType, ProposedType>> = {
  aggregate_metric_double: "json",
  alias: "nothing",
  annotated_text: "string",
  binary: "binary",
  boolean: "boolean",
  byte: "int",
  completion: "json",
  constant_keyword: "string",
  counted_keyword: { list: "string" },
  date: "timestamp",
  date_nanos: "timestamp",
  date_range: "json",
  dense_vector: { list: "float" },
  double: "double",
  double_range: "json",
  flattened: "json",
  float: "double",
  float_range: "json",
  geo_point: "json",
  geo_shape: "json",
  half_float: "double",
  histogram: "json",
  icu_collation_keyword: "string",
  integer: "int",
  integer_range: "json",
  ip: "string",
  ip_range: "json",
  join: "json",
  keyword: "string",
  long: "long",
  long_range: "json",
  match_only_text: "string",
  murmur3: "nothing",
  nested: "fields",
  object: "fields",
  passthrough: "fields",
  percolator: "json",
  point: "json",
  rank_feature: "double",
  rank_features: "json",
  rank_vectors: "json",
  scaled_float: "double",
  search_as_you_type: "string",
  semantic_text: "json",
  shape: "json",
  short: "int",
  sparse_vector: "json",
  text: "string",
  token_count: "int",
  unsigned_long: { decimal: [20, 0] },
  version: "string",
  wildcard: "string",
};

/** What to declare a field type as; one that is not known here is kept as JSON, which takes any value. */
function proposedType(type: string): ProposedType {
  return isFieldType(type) ? PROPOSED_TYPES[type] : "json";
}

export function isFieldType(type: string): type is FieldType {
  return FIELD_TYPES.some((known) => known === type);
}

/** From narrow to wide: what one index has and what another has fit the wider one. */
const WIDENINGS: readonly (readonly FieldType[])[] = [
  ["byte", "short", "integer", "long"],
  ["half_float", "float", "double"],
  ["byte", "short", "integer", "half_float", "float", "double"],
  ["date", "date_nanos"],
  ["constant_keyword", "keyword", "wildcard", "text", "match_only_text", "ip", "version"],
  ["object", "nested"],
];

/** What to declare a field as that has these types in different indices. */
export function commonType(types: readonly string[]): ProposedType {
  const [first = "object", ...others] = types;
  if (others.length === 0) return proposedType(first);
  for (const order of WIDENINGS) {
    const places = types.map((type) => order.findIndex((known) => known === type));
    if (places.every((place) => place >= 0))
      return proposedType(order[Math.max(...places)] ?? first);
  }
  const isText = types.every((type) => {
    const proposed = proposedType(type);
    return typeof proposed === "string"
      ? !["json", "fields", "nothing", "binary"].includes(proposed)
      : "decimal" in proposed;
  });
  // Numbers and booleans are kept as their text.
  return isText ? "string" : "json";
}

export interface DateReading {
  readonly type: "timestamp" | "date" | "string" | { readonly timestamp: "epoch_seconds" };
  readonly remark: string | null;
}

const ISO_NAMES =
  /^(strict_)?(date_optional_time|date_optional_time_nanos|date_time|date_time_no_millis|date_hour|date_hour_minute|date_hour_minute_second(_millis|_fraction)?)$/;
const DAY_NAMES = /^(strict_)?(date|year_month_day)$/;
const ISO_PATTERN = /^(yyyy|uuuu)-MM-dd/;

/** How the build must read values of a date field with this mapping `format`. */
export function readingOfDates(format: string | null): DateReading {
  const parts = (format ?? "strict_date_optional_time||epoch_millis").split("||");
  const isDay = (part: string): boolean =>
    DAY_NAMES.test(part) || part === "yyyy-MM-dd" || part === "uuuu-MM-dd";
  const unknown = parts.filter(
    (part) =>
      !isDay(part) &&
      !ISO_NAMES.test(part) &&
      !ISO_PATTERN.test(part) &&
      part !== "epoch_millis" &&
      part !== "epoch_second",
  );
  if (unknown.length > 0)
    return {
      type: "string",
      remark: `its dates are written as ${unknown.join(" or ")}, which is read as text; a model can make times of it`,
    };
  if (parts.includes("epoch_second")) {
    const remark = parts.includes("epoch_millis")
      ? "its numbers may be seconds or milliseconds since 1970: find out which"
      : null;
    return { type: { timestamp: "epoch_seconds" }, remark };
  }
  return { type: parts.every(isDay) ? "date" : "timestamp", remark: null };
}
