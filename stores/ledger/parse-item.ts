// Parses the ledger's items into checked records.
import type { z } from "zod";
import { ProtocolError } from "../../contract/errors.ts";

/**
 * Parses an item's attributes, its key left aside.
 * @throws ProtocolError naming the item and what is wrong with it
 */
export function parseItem<Schema extends z.ZodType>(
  schema: Schema,
  item: Record<string, unknown>,
): z.output<Schema> {
  const { pk, sk, ...attributes } = item;
  const parsed = schema.safeParse(attributes);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new ProtocolError(
    `ledger item ${String(pk)} / ${String(sk)} is not as this version expects (${issues.join("; ")}); ` +
      `was it written by another version of Sluice?`,
  );
}
