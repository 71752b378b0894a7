// What a source says of the fields of one of its tables, in a form that is the same for every system.
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

export interface SourceShape {
  readonly fields: SourceFields;
  /** True if documents may hold fields that the source does not tell of (Elasticsearch's `dynamic: false`). */
  readonly hidesFields: boolean;
}

export const sourceTypeSchema: z.ZodType<SourceType> = z.lazy(() =>
  z.strictObject({
    types: z.array(z.string()).min(1),
    element: sourceTypeSchema.optional(),
    fields: z.record(z.string(), sourceTypeSchema).optional(),
  }),
);

/** A type as people write it: `list<udt>`, `keyword and long`. */
export function describeType({ types, element }: SourceType): string {
  const name = types.join(" and ");
  return element === undefined ? name : `${name}<${describeType(element)}>`;
}
