// Compares the type that a warehouse column has with the one that a delta brings.

interface ParsedType {
  readonly kind: string;
  /** Length of a varchar in bytes, or precision and scale of a decimal. */
  readonly sizes: readonly number[];
}

/** Names that mean the same; the catalog, Redshift and PostgreSQL each print their own. */
const SAME_NAMES: Readonly<Record<string, string>> = {
  "character varying": "varchar",
  numeric: "decimal",
  int: "integer",
  int4: "integer",
  int8: "bigint",
  float4: "real",
  float8: "double precision",
  bool: "boolean",
  "timestamp without time zone": "timestamp",
};

/** Kinds whose every value fits the other kind as well. */
const WIDER_KINDS: Readonly<Record<string, string>> = {
  integer: "bigint",
  real: "double precision",
};

function parse(type: string): ParsedType {
  const [, name = type, sizes = ""] = /^([a-z0-9 ]+?)\s*(?:\(([\d, ]+)\))?$/i.exec(type) ?? [];
  const kind = name.toLowerCase();
  return {
    kind: SAME_NAMES[kind] ?? kind,
    sizes: sizes === "" ? [] : sizes.split(",").map(Number),
  };
}

/** True if the two texts name the same type. */
export function isSameType(one: string, other: string): boolean {
  const [left, right] = [parse(one), parse(other)];
  return left.kind === right.kind && left.sizes.join() === right.sizes.join();
}

/**
 * What has to be done to a column before it can take values of another type: nothing (`fits`), a wider VARCHAR
 * (`widen`, the only change of type that Redshift makes in place), or a new table (`incompatible`).
 */
export function compareTypes(column: string, values: string): "fits" | "widen" | "incompatible" {
  const [has, brings] = [parse(column), parse(values)];
  if (has.kind !== brings.kind) {
    return WIDER_KINDS[brings.kind] === has.kind ? "fits" : "incompatible";
  }
  if (has.kind === "varchar") {
    return (has.sizes[0] ?? 0) >= (brings.sizes[0] ?? 0) ? "fits" : "widen";
  }
  if (has.kind === "decimal") {
    const [hasPrecision = 0, hasScale = 0] = has.sizes;
    const [precision = 0, scale = 0] = brings.sizes;
    const holds = hasScale >= scale && hasPrecision - hasScale >= precision - scale;
    return holds ? "fits" : "incompatible";
  }
  return "fits";
}
