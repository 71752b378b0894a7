// The one total map from each column type to Glue (and so Spark), Redshift and the source types it may come from; the
// systems' columns of it are in their declarations.
import { CatalogError } from "./errors.ts";
import {
  SCALAR_TYPES,
  type ColumnType,
  type ScalarType,
  type StructField,
  typeKind,
  type TypeKind,
} from "../contract/column-types.ts";
import types from "../glue-jobs/sluice_build/contract/type_map.json" with { type: "json" };
import { declarationOf } from "../sources/declarations.ts";

interface TypeRule {
  /**
   * Glue's and Athena's name, which is Spark's DDL too; `{precision}`, `{scale}`, `{element}` and `{fields}` are filled
   * in.
   */
  readonly glue: string;
  /** Redshift's name, with the same blanks. Binary is hexadecimal text: a COPY of Parquet has no way into VARBYTE. */
  readonly redshift: string;
}

/**
 * What each type is in the lake and the warehouse, in the file that the build reads too. A new type does not compile
 * until it is there.
 */
export const TYPE_MAP: Readonly<Record<TypeKind, TypeRule>> = types;

/** The names of a source's types that may be declared as a type of the catalog. */
export function sourceTypes(system: string, type: ColumnType): readonly string[] {
  return declarationOf(system).types[typeKind(type)];
}

/** The type as the Glue Data Catalog writes it, such as `array<struct<stage:string,at:timestamp>>`. */
export function glueType(type: ColumnType): string {
  const text = TYPE_MAP[typeKind(type)].glue;
  if (typeof type === "string" || "timestamp" in type) return text;
  if ("decimal" in type) {
    const [precision, scale] = type.decimal;
    return text.replace("{precision}", String(precision)).replace("{scale}", String(scale));
  }
  if ("list" in type) return text.replace("{element}", () => glueType(type.list));
  if ("map" in type) return text.replace("{element}", () => glueType(type.map));
  return text.replace("{fields}", () =>
    type.struct.map((field) => `${field.name}:${glueType(field.type)}`).join(","),
  );
}

const GLUE_SCALARS: ReadonlyMap<string, ScalarType> = new Map(
  SCALAR_TYPES.filter((name) => name !== "json").map((name) => [TYPE_MAP[name].glue, name]),
);

/**
 * Reads a type as `glueType` writes it. Glue has no word for json and for seconds since 1970: those come
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
