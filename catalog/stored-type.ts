// What a type in the Data Catalog does not say: written beside Glue's type, so that each type is written once.
import { z } from "zod";
import { parseGlueType } from "./type-map.ts";
import type { ColumnType, StructField } from "../contract/column-types.ts";

/**
 * What Glue's own type leaves open. Each list follows the type from left to right and ends at the last that differs;
 * 0 stands for one that Glue's type says rightly.
 */
export interface TypeAmendments {
  /** For each `string` that is json, and each `timestamp` that is sent as seconds since 1970. */
  readonly type?: readonly (0 | "json" | "epoch_seconds")[] | undefined;
  /** For each field of a struct whose name in the source is another. */
  readonly from?: readonly (0 | string)[] | undefined;
}

const MEANT = { json: "string", epoch_seconds: "timestamp" } as const;

export const storedWordSchema = z.enum(["json", "epoch_seconds"]);

export const typeAmendmentsSchema = z.strictObject({
  type: z
    .array(z.union([z.literal(0), storedWordSchema]))
    .readonly()
    .optional(),
  from: z
    .array(z.union([z.literal(0), z.string()]))
    .readonly()
    .optional(),
});

/** What must be written beside `glueType(type)`, so that `amendedType` gives the type back. */
export function amendmentsOf(type: ColumnType): TypeAmendments {
  const types: (0 | "json" | "epoch_seconds")[] = [];
  const froms: (0 | string)[] = [];
  const visit = (part: ColumnType): void => {
    if (part === "json") types.push("json");
    else if (part === "string" || part === "timestamp") types.push(0);
    else if (typeof part === "string" || "decimal" in part) return;
    else if ("timestamp" in part) types.push("epoch_seconds");
    else if ("list" in part) visit(part.list);
    else if ("map" in part) visit(part.map);
    else {
      for (const field of part.struct) {
        froms.push(field.from ?? 0);
        visit(field.type);
      }
    }
  };
  visit(type);
  return { type: withoutTrailingZeros(types), from: withoutTrailingZeros(froms) };
}

function withoutTrailingZeros<Item>(items: readonly (Item | 0)[]): (Item | 0)[] {
  return items.slice(0, items.findLastIndex((item) => item !== 0) + 1);
}

/**
 * The declared type, from Glue's and what is written beside it.
 *
 * @throws CatalogError if Glue's type is not one of the catalog's; Error if the amendments do not fit it
 */
export function amendedType(glue: string, amendments: TypeAmendments): ColumnType {
  const types = [...(amendments.type ?? [])];
  const froms = [...(amendments.from ?? [])];
  const scalar = (part: "string" | "timestamp"): ColumnType => {
    const amendment = types.shift() ?? 0;
    if (amendment === 0) return part;
    if (MEANT[amendment] !== part) throw new Error(`${amendment} does not fit a ${part}`);
    return amendment === "json" ? "json" : { timestamp: "epoch_seconds" };
  };
  const visit = (part: ColumnType): ColumnType => {
    if (part === "string" || part === "timestamp") return scalar(part);
    if (typeof part === "string" || "decimal" in part || "timestamp" in part) return part;
    if ("list" in part) return { list: visit(part.list) };
    if ("map" in part) return { map: visit(part.map) };
    return {
      struct: part.struct.map(({ name, type }): StructField => {
        const from = froms.shift() ?? 0;
        return from === 0 ? { name, type: visit(type) } : { name, type: visit(type), from };
      }),
    };
  };
  const type = visit(parseGlueType(glue));
  if (types.length > 0 || froms.length > 0) {
    throw new Error(`more is said of the type than ${glue} has places for`);
  }
  return type;
}
