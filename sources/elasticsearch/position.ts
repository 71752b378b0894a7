// Where the reading of an Elasticsearch split goes on: JSON text kept in the ledger between readers.
import { z } from "zod";
import { ProtocolError } from "../../contract/errors.ts";

const pointInTimeSchema = z.strictObject({
  id: z.string(),
  /** Milliseconds since 1970. */
  openedAt: z.int(),
  /** `_shard_doc` of the last row as text; it means something in this point in time only. */
  shardDoc: z.string().regex(/^\d+$/),
});

const positionSchema = z.strictObject({
  format: z.literal(1),
  /** Where reading goes on: the last row's cursor value as text; null before the first row. */
  cursor: z
    .string()
    .regex(/^-?\d+$/)
    .nullable(),
  unit: z.enum(["ms", "ns", "value"]),
  /**
   * The point in time that the next reader may use again; only where the cursor value alone would not bring it
   * forward: as long as all rows since it was opened have one cursor value.
   */
  pit: pointInTimeSchema.nullable(),
  /** Set while the rows of the cursor value are read in the order of a unique field. */
  tie: z
    .strictObject({
      field: z.string(),
      /** The last row's value as the JSON text that came. */
      after: z.string(),
    })
    .nullable(),
});
export type Position = z.infer<typeof positionSchema>;

const wholePositionSchema = z.strictObject({
  format: z.literal(1),
  /** The fields that the whole index is read in the order of. */
  order: z.array(z.string()).min(1),
  /** The last row's values of those fields as the JSON text that came; null before the first row. */
  after: z.array(z.string()).nullable(),
  /** Which indices were read by number, whose numbers mean something in them only; null before the first. */
  indices: z.string().nullable(),
  /** As in a position by cursor. */
  pit: pointInTimeSchema.nullable(),
});
/** Where a reading of the whole index goes on. */
export type WholePosition = z.infer<typeof wholePositionSchema>;

/** @throws ProtocolError */
export function parsePosition(text: string): Position {
  return parse(text, positionSchema);
}

/** @throws ProtocolError */
export function parseWholePosition(text: string): WholePosition {
  return parse(text, wholePositionSchema);
}

function parse<T>(text: string, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ProtocolError(
    `The position ${text.slice(0, 200)} in the ledger is not one of an Elasticsearch split that this version knows. ` +
      "Deploy the version that wrote it, or remove the split's position to read it from its beginning.",
  );
}
