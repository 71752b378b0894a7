// The lines of an object: rows and keys as a source had them, which the build reads.
import { z } from "zod";

const observed = {
  /** The source's own id, or null. */
  id: z.string().nullable(),
  /** A moment at which the row is known to have been so, milliseconds since 1970. */
  observed_at: z.int().nonnegative(),
  /** What the source sent, unchanged: a number in it may be more than JSON.parse can hold. */
  doc: z.record(z.string(), z.unknown()),
};

export const objectLineSchema = z.discriminatedUnion("op", [
  /** A row as it was seen. */
  z.strictObject({
    op: z.literal("upsert"),
    ...observed,
    /** Compared in order, 64 bits each: JSON.parse rounds those beyond 2^53. */
    version: z.tuple([z.number(), z.number(), z.number()]),
  }),
  /** This key exists. Its document has the key's fields alone. */
  z.strictObject({ op: z.literal("key"), ...observed }),
]);
export type ObjectLine = z.infer<typeof objectLineSchema>;

// No line goes through an object in memory: a source's client writes these around the bytes that it has.

/** What comes before a line's id. */
export const lineOpening = (op: ObjectLine["op"]): string => `{"op":"${op}","id":`;

/** What comes after the id of an upsert line. */
export const lineVersion = (first: number, second: number, third: number): string =>
  `,"version":[${first},${second},${third}]`;

/** What comes before a line's document; after the document only its last brace is left. */
export const lineObservedAt = (observedAt: number): string => `,"observed_at":${observedAt},"doc":`;
