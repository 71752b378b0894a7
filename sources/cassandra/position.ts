// Where the reading of a Cassandra split goes on: JSON text kept in the ledger between readers.
import { z } from "zod";
import { ProtocolError } from "../../contract/errors.ts";

const integer = z.string().regex(/^-?\d+$/);

const shared = {
  format: z.literal(1),
  /** The cluster's page state, hexadecimal; null after the last page of a query. */
  pageState: z
    .string()
    .regex(/^[0-9a-f]+$/)
    .nullable(),
  /** Of the query, range and schema that the page state belongs to: with another query it would give wrong rows. */
  fingerprint: z.string(),
};

const rangePositionSchema = z.strictObject({
  ...shared,
  /** The lower bound that the query was asked with. */
  after: integer,
  /** The last row's token, from which reading goes on where the page state cannot be used; null before any row. */
  token: integer.nullable(),
});
export type RangePosition = z.infer<typeof rangePositionSchema>;

const bucketPositionSchema = z.strictObject({
  ...shared,
  /** First moment of the bucket that was read last, milliseconds since 1970. */
  bucket: z.int(),
  /** Which partition of it, counted from 0. */
  partition: z.int().nonnegative(),
});
export type BucketPosition = z.infer<typeof bucketPositionSchema>;

/** @throws ProtocolError */
export function parseRangePosition(text: string): RangePosition {
  return parse(rangePositionSchema, text, "a token range");
}

/** @throws ProtocolError */
export function parseBucketPosition(text: string): BucketPosition {
  return parse(bucketPositionSchema, text, "buckets");
}

function parse<T>(schema: z.ZodType<T>, text: string, what: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ProtocolError(
    `The position ${text.slice(0, 200)} in the ledger is not one of a Cassandra split of ${what} that this version ` +
      "knows. Deploy the version that wrote it, or remove the split's position to read it from its beginning.",
  );
}
