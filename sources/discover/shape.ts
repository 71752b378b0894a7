// What a source says of the fields of one of its tables, in a form that is the same for every system.
import type { SourceFields, SourceType } from "../../contract/source-fields.ts";
export interface SourceShape {
  readonly fields: SourceFields;
  /** True if documents may hold fields that the source does not show (Elasticsearch's `dynamic: false`). */
  readonly hidesFields: boolean;
}

/** A type as people write it: `list<udt>`, `keyword and long`. */
export function describeType({ types, element }: SourceType): string {
  const name = types.join(" and ");
  return element === undefined ? name : `${name}<${describeType(element)}>`;
}
