// Schemas of single values whose mistakes are reported with the value and the fix.
import { z } from "zod";
import { shown } from "./mistake.ts";

interface Check<Value> {
  readonly isSound: (value: Value) => boolean;
  /** What a value that fails is: `is out of range`. */
  readonly problem: string;
  /** What to write: `a whole number from 1 to 40`. */
  readonly wanted: string;
}

/**
 * A number that passes a check. A missing one is reported as missing, any other value with the check's words.
 *
 * @param byDefault what holds where none is written
 */
export function checkedNumber(check: Omit<Check<number>, "problem">): z.ZodType<number, number>;
export function checkedNumber(
  check: Omit<Check<number>, "problem">,
  byDefault: number,
): z.ZodDefault<z.ZodType<number, number>>;
export function checkedNumber(
  { isSound, wanted }: Omit<Check<number>, "problem">,
  byDefault?: number,
): z.ZodType<number, number> | z.ZodDefault<z.ZodType<number, number>> {
  const words = byDefault === undefined ? wanted : `${wanted}; the default is ${byDefault}`;
  const schema = checked<number>(
    { isSound, problem: "is out of range", wanted: words },
    (value) => typeof value === "number",
  );
  return byDefault === undefined ? schema : schema.default(byDefault);
}

/** A text that passes a check. */
export function checkedText(check: Check<string>): z.ZodType<string, string> {
  return checked<string>(check, (value) => typeof value === "string");
}

function checked<Value>(
  { isSound, problem, wanted }: Check<Value>,
  isOfKind: (value: unknown) => value is Value,
): z.ZodType<Value, Value> {
  return z.custom<Value>((value) => isOfKind(value) && isSound(value), {
    error: ({ input }) => `${shown(input)} ${problem}`,
    params: { wanted, fix: `write ${wanted}` },
  });
}

/** Whole numbers of a range, both ends in it. */
export function wholeFrom(from: number, to: number): Omit<Check<number>, "problem"> {
  return {
    isSound: (value) => Number.isInteger(value) && value >= from && value <= to,
    wanted: `a whole number from ${from} to ${to}`,
  };
}

/** True for a text of more than white space. */
export function isText(value: unknown): value is string {
  return typeof value === "string" && value.trim() !== "";
}
