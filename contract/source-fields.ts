// The fields of a table as its source names them, in a form that is the same for every system.
import { z } from "zod";

/** A field's type in the source's own words. */
export interface SourceType {
  /** Names as the catalog's type map has them; more than one where the indices of an alias disagree. */
  readonly types: readonly string[];
  /** What a list or a map holds, where the source says it. */
  readonly element?: SourceType | undefined;
  /** The fields of an object or a user-defined type. */
  readonly fields?: SourceFields | undefined;
}

/** Fields by their exact names. */
export type SourceFields = Readonly<Record<string, SourceType>>;

export const sourceTypeSchema: z.ZodType<SourceType> = z.lazy(() =>
  z.strictObject({
    types: z.array(z.string()).min(1),
    element: sourceTypeSchema.optional(),
    fields: z.record(z.string(), sourceTypeSchema).optional(),
  }),
);
