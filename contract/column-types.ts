// The types of columns, as definitions and deltas have them.
import { z } from "zod";

/** Types without parameters. Timestamps are UTC with microseconds; `json` is any JSON value kept as text. */
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

/** How a type is written, for messages. */
export const TYPE_FORMS = `one of ${SCALAR_TYPES.join(", ")}, or {decimal: [precision, scale]}, {timestamp: "epoch_seconds"}, {list: type}, {map: type}, {struct: [{name, type}]}`;

/** A scalar type by its name, and each type with parameters by the name of its parameter. */
export type TypeKind = ScalarType | "decimal" | "epoch_seconds" | "list" | "map" | "struct";

/** The row of a type map that a type is found in. */
export function typeKind(type: ColumnType): TypeKind {
  if (typeof type === "string") return type;
  if ("decimal" in type) return "decimal";
  if ("timestamp" in type) return "epoch_seconds";
  if ("list" in type) return "list";
  return "map" in type ? "map" : "struct";
}

/** Parses a type as it stands in a definition or a delta. */
export const columnTypeSchema: z.ZodType<ColumnType> = z.lazy(() =>
  z.union([
    z.enum(SCALAR_TYPES),
    z.strictObject({ decimal: z.tuple([z.int().min(1).max(38), z.int().min(0).max(38)]) }),
    z.strictObject({ timestamp: z.literal("epoch_seconds") }),
    z.strictObject({ list: columnTypeSchema }),
    z.strictObject({ map: columnTypeSchema }),
    z.strictObject({
      struct: z
        .array(
          z
            .strictObject({
              name: z.string(),
              type: columnTypeSchema,
              from: z.string().optional(),
            })
            .transform(({ name, type, from }) =>
              from === undefined ? { name, type } : { name, type, from },
            ),
        )
        .min(1),
    }),
  ]),
);
