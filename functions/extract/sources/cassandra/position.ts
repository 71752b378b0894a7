// Where the reading of a Cassandra split goes on: JSON text kept in the ledger between readers.
import { z } from "zod";
import { ProtocolError } from "../../../protocol/errors.ts";

const positionSchema = z.strictObject({
  format: z.literal(1),
  /** The cluster's page state, hexadecimal; null after the last page. */
  pageState: z
    .string()
    .regex(/^[0-9a-f]+$/)
    .nullable(),
  /** Of the query, range and schema that the page state belongs to: with another query it would give wrong rows. */
  fingerprint: z.string(),
  /** The lower bound that the query was asked with. */
  after: z.string().regex(/^-?\d+$/),
  /** The last row's token, from which reading goes on where the page state cannot be used; null before any row. */
  token: z
    .string()
    .regex(/^-?\d+$/)
    .nullable(),
});
export type Position = z.infer<typeof positionSchema>;

/** @throws ProtocolError */
export function parsePosition(text: string): Position {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  const parsed = positionSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ProtocolError(
    `The position ${text.slice(0, 200)} in the ledger is not one of a Cassandra split that this version knows. ` +
      "Deploy the version that wrote it, or remove the split's position to read it from its beginning.",
  );
}
