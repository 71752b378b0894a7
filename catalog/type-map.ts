// The one total map from each column type to Glue, Spark, Redshift and the source types it may come from.
import { CatalogError } from "./errors.ts";
import {
  SCALAR_TYPES,
  type ColumnType,
  type ScalarType,
  type StructField,
} from "../contract/column-types.ts";

/** A scalar type by its name, and each type with parameters by the name of its parameter. */
export type TypeKind = ScalarType | "decimal" | "epoch_seconds" | "list" | "map" | "struct";

interface TypeRule {
  /** Glue's and Athena's name; `{precision}`, `{scale}`, `{element}` and `{fields}` are filled in. */
  readonly glue: string;
  /** Spark's name in DDL, with the same blanks. */
  readonly spark: string;
  /** Redshift's name, with the same blanks. */
  readonly redshift: string;
  /** Field types of an Elasticsearch mapping that may be declared so. Each may also hold an array of it. */
  readonly elasticsearch: readonly string[];
  /** CQL types that may be declared so, without `frozen` and type parameters; `udt` is any user-defined type. */
  readonly cassandra: readonly string[];
}

const ES_TEXT = [
  ...["keyword", "constant_keyword", "wildcard", "text", "match_only_text", "ip", "version"],
  ...["annotated_text", "search_as_you_type", "icu_collation_keyword", "counted_keyword"],
];
const ES_INTEGERS = ["byte", "short", "integer", "token_count"];
const ES_FRACTIONS = ["half_float", "float", "double", "scaled_float"];
const ES_OBJECTS = ["object", "nested", "flattened", "passthrough"];
const ES_SHAPES = ["geo_point", "geo_shape", "point", "shape"];
const ES_RANGES = [
  ...["integer_range", "long_range", "float_range", "double_range", "date_range", "ip_range"],
];
const ES_SEARCH_AIDS = [
  ...["completion", "dense_vector", "histogram", "join", "percolator", "rank_features"],
  ...["rank_vectors", "semantic_text", "sparse_vector", "aggregate_metric_double"],
];
const CQL_TEXT = ["ascii", "text", "varchar", "uuid", "timeuuid", "inet"];
const CQL_INTEGERS = ["tinyint", "smallint", "int"];

/** A new type, or a new target, does not compile until every case is here. */
export const TYPE_MAP: Readonly<Record<TypeKind, TypeRule>> = {
  string: {
    glue: "string",
    spark: "string",
    redshift: "VARCHAR(65535)",
    elasticsearch: [
      ...[...ES_TEXT, ...ES_INTEGERS, ...ES_FRACTIONS, "long", "unsigned_long", "boolean"],
      ...["date", "date_nanos"],
    ],
    cassandra: [
      ...[...CQL_TEXT, ...CQL_INTEGERS, "bigint", "counter", "varint", "decimal", "boolean"],
      ...["date", "time", "timestamp", "duration"],
    ],
  },
  boolean: {
    glue: "boolean",
    spark: "boolean",
    redshift: "BOOLEAN",
    elasticsearch: ["boolean"],
    cassandra: ["boolean"],
  },
  int: {
    glue: "int",
    spark: "int",
    redshift: "INTEGER",
    elasticsearch: ES_INTEGERS,
    cassandra: CQL_INTEGERS,
  },
  long: {
    glue: "bigint",
    spark: "bigint",
    redshift: "BIGINT",
    elasticsearch: [...ES_INTEGERS, "long"],
    cassandra: [...CQL_INTEGERS, "bigint", "counter", "time"],
  },
  float: {
    glue: "float",
    spark: "float",
    redshift: "REAL",
    elasticsearch: ["half_float", "float"],
    cassandra: ["float"],
  },
  double: {
    glue: "double",
    spark: "double",
    redshift: "DOUBLE PRECISION",
    elasticsearch: [...ES_FRACTIONS, ...ES_INTEGERS, "long", "rank_feature"],
    cassandra: ["float", "double", ...CQL_INTEGERS],
  },
  decimal: {
    glue: "decimal({precision},{scale})",
    spark: "decimal({precision},{scale})",
    redshift: "DECIMAL({precision},{scale})",
    elasticsearch: [...ES_FRACTIONS, ...ES_INTEGERS, "long", "unsigned_long", "keyword"],
    cassandra: [...CQL_INTEGERS, "bigint", "counter", "varint", "decimal"],
  },
  date: {
    glue: "date",
    spark: "date",
    redshift: "DATE",
    elasticsearch: ["date"],
    cassandra: ["date"],
  },
  timestamp: {
    glue: "timestamp",
    spark: "timestamp",
    redshift: "TIMESTAMP",
    elasticsearch: ["date", "date_nanos", "long"],
    cassandra: ["timestamp"],
  },
  epoch_seconds: {
    glue: "timestamp",
    spark: "timestamp",
    redshift: "TIMESTAMP",
    elasticsearch: ["date", "integer", "long"],
    cassandra: ["int", "bigint"],
  },
  binary: {
    glue: "binary",
    spark: "binary",
    // As hexadecimal text: a COPY of Parquet has no way into VARBYTE.
    redshift: "VARCHAR(65535)",
    elasticsearch: ["binary"],
    cassandra: ["blob"],
  },
  json: {
    glue: "string",
    spark: "string",
    redshift: "SUPER",
    elasticsearch: [
      ...[...ES_OBJECTS, ...ES_SHAPES, ...ES_RANGES, ...ES_SEARCH_AIDS],
      ...[...ES_FRACTIONS, "long"],
    ],
    cassandra: ["udt", "map", "set", "list", "tuple", "vector", "text", "custom"],
  },
  list: {
    glue: "array<{element}>",
    spark: "array<{element}>",
    redshift: "SUPER",
    // Any field may hold an array; "nested" is a list of structs.
    elasticsearch: ["nested", "dense_vector"],
    cassandra: ["list", "set", "vector"],
  },
  map: {
    glue: "map<string,{element}>",
    spark: "map<string,{element}>",
    redshift: "SUPER",
    elasticsearch: ["object", "flattened", "passthrough"],
    cassandra: ["map"],
  },
  struct: {
    glue: "struct<{fields}>",
    spark: "struct<{fields}>",
    redshift: "SUPER",
    elasticsearch: ["object", "passthrough", "geo_point"],
    cassandra: ["udt"],
  },
};

/** The row of the map that a type is found in. */
export function typeKind(type: ColumnType): TypeKind {
  if (typeof type === "string") return type;
  if ("decimal" in type) return "decimal";
  if ("timestamp" in type) return "epoch_seconds";
  if ("list" in type) return "list";
  return "map" in type ? "map" : "struct";
}

function render(type: ColumnType, target: "glue" | "spark" | "redshift"): string {
  const text = TYPE_MAP[typeKind(type)][target];
  if (typeof type === "string" || "timestamp" in type) return text;
  if ("decimal" in type) {
    const [precision, scale] = type.decimal;
    return text.replace("{precision}", String(precision)).replace("{scale}", String(scale));
  }
  if ("list" in type) return text.replace("{element}", () => render(type.list, target));
  if ("map" in type) return text.replace("{element}", () => render(type.map, target));
  return text.replace("{fields}", () =>
    type.struct.map((field) => `${field.name}:${render(field.type, target)}`).join(","),
  );
}

/** The type as the Glue Data Catalog writes it, such as `array<struct<stage:string,at:timestamp>>`. */
export function glueType(type: ColumnType): string {
  return render(type, "glue");
}

/** The type in Spark's DDL. */
export function sparkType(type: ColumnType): string {
  return render(type, "spark");
}

/** The type of the column in Redshift; nested values and json are SUPER, binary is hexadecimal text. */
export function redshiftType(type: ColumnType): string {
  return render(type, "redshift");
}

const GLUE_SCALARS: ReadonlyMap<string, ScalarType> = new Map([
  ...SCALAR_TYPES.filter((name) => name !== "json").map((name): [string, ScalarType] => [
    TYPE_MAP[name].glue,
    name,
  ]),
  ["tinyint", "int"],
  ["smallint", "int"],
  ["integer", "int"],
  ["char", "string"],
  ["varchar", "string"],
]);

/**
 * Reads a type as the Glue Data Catalog writes it. Glue has no word for json and for seconds since 1970: those come
 * back as `string` and `timestamp`.
 *
 * @throws CatalogError with the place in the text, for a type the catalog has no word for or text that does not end
 */
export function parseGlueType(text: string): ColumnType {
  return new GlueTypeReader(text).whole();
}

class GlueTypeReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): ColumnType {
    const type = this.#type();
    if (this.#at < this.#text.length) this.#fail("the text to end here");
    return type;
  }

  #type(): ColumnType {
    const start = this.#at;
    const word = this.#take(/[a-z_]+/iy, "a type").toLowerCase();
    switch (word) {
      case "array": {
        const [list] = this.#between("<", ">", () => this.#type());
        return { list };
      }
      case "map":
        return this.#map();
      case "struct":
        return this.#struct();
      case "decimal":
        return this.#decimal();
      default: {
        const scalar = GLUE_SCALARS.get(word);
        if (scalar === undefined) {
          this.#at = start;
          return this.#fail(
            `one of ${[...GLUE_SCALARS.keys()].join(", ")}, decimal, array, map, struct`,
          );
        }
        if (word === "char" || word === "varchar") this.#between("(", ")", () => this.#number());
        return scalar;
      }
    }
  }

  #map(): ColumnType {
    const [map] = this.#between("<", ">", () => {
      const start = this.#at;
      if (this.#type() !== "string") {
        this.#at = start;
        this.#fail("string, for the keys of a map are text");
      }
      this.#take(/\s*,\s*/y, "a comma and the type of the map's values");
      return this.#type();
    });
    return { map };
  }

  #struct(): ColumnType {
    const struct = this.#between("<", ">", (): StructField => {
      const name = this.#take(/[^:<>,()\s]+/y, "the name of a field");
      this.#take(/\s*:\s*/y, "a colon and the field's type");
      return { name, type: this.#type() };
    });
    return { struct };
  }

  #decimal(): ColumnType {
    // Hive's plain `decimal` is decimal(10,0).
    if (this.#text[this.#at] !== "(") return { decimal: [10, 0] };
    const [precision, scale = 0] = this.#between("(", ")", () => this.#number());
    return { decimal: [precision, scale] };
  }

  #number(): number {
    return Number(this.#take(/\d+/y, "a number"));
  }

  /** One or more items, with commas between them. */
  #between<Item>(open: string, close: string, item: () => Item): [Item, ...Item[]] {
    this.#skip(open);
    const items: [Item, ...Item[]] = [item()];
    while (this.#peek() === ",") {
      this.#skip(",");
      items.push(item());
    }
    this.#skip(close);
    return items;
  }

  #peek(): string | undefined {
    return this.#text.slice(this.#at).trimStart()[0];
  }

  #skip(sign: string): void {
    this.#take(
      sign === "(" || sign === ")"
        ? new RegExp(`\\s*\\${sign}\\s*`, "y")
        : new RegExp(`\\s*${sign}\\s*`, "y"),
      `"${sign}"`,
    );
  }

  #take(pattern: RegExp, expected: string): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) return this.#fail(expected);
    this.#at = pattern.lastIndex;
    return found[0];
  }

  #fail(expected: string): never {
    const rest = this.#text.slice(this.#at);
    throw new CatalogError([
      {
        place: `Glue type ${JSON.stringify(this.#text)}, character ${this.#at + 1}`,
        problem:
          rest === "" ? "the type ends too early" : `${JSON.stringify(rest)} is not understood`,
        fix: `write ${expected}`,
      },
    ]);
  }
}
