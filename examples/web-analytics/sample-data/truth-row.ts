// A row as the warehouse should have it, and a hash by which rows of either side can be compared.
import { createHash } from "node:crypto";

/**
 * Longs are bigints, decimals texts, dates `YYYY-MM-DD`, timestamps ISO-8601 in UTC with milliseconds; lists, maps,
 * structs and json are JSON values, whose whole numbers that no double holds are bigints.
 */
export type TruthValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly TruthValue[]
  | { readonly [name: string]: TruthValue };

export type TruthRow = Readonly<Record<string, TruthValue>>;

/**
 * The same text for the same content: members in the order of their names, and none for a member of an object that is
 * null, since JSON made from a struct may leave it out.
 */
export function canonicalText(value: TruthValue): string {
  if (value === null || typeof value !== "object") {
    return typeof value === "bigint" ? String(value) : JSON.stringify(value);
  }
  if (isList(value)) return `[${value.map(canonicalText).join(",")}]`;
  const members = Object.entries(value)
    .filter(([, member]) => member !== null)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalText(member)}`);
  return `{${members.join(",")}}`;
}

/** A JSON text as a value in which no whole number lost a digit: what the warehouse sends for nested and json columns. */
export function parseNested(text: string): TruthValue {
  return JSON.parse(text, (_name, value: TruthValue, context?: { source?: string }) =>
    typeof value === "number" &&
    !Number.isSafeInteger(value) &&
    /^-?\d+$/.test(context?.source ?? "")
      ? BigInt(context?.source ?? "")
      : value,
  ) as TruthValue;
}

/** SHA-256 of a row's content, hexadecimal; columns may come in any order. */
export function rowHash(row: TruthRow): string {
  return createHash("sha256").update(canonicalText(row)).digest("hex");
}

function isList(value: TruthValue): value is readonly TruthValue[] {
  return Array.isArray(value);
}
