// What a source says of the fields of one of its tables, in a form that is the same for every system.
import type { SourceFields, SourceType } from "../../contract/source-fields.ts";

/** A table at its source: an index, alias or pattern, or a keyspace's table. */
export type Place =
  { readonly index: string } | { readonly keyspace: string; readonly table: string };

export interface SourceShape {
  readonly fields: SourceFields;
  /** True if documents may hold fields that the source does not tell of (Elasticsearch's `dynamic: false`). */
  readonly hidesFields: boolean;
}

/** A type as people write it: `list<udt>`, `keyword and long`. */
export function describeType({ types, element }: SourceType): string {
  const name = types.join(" and ");
  return element === undefined ? name : `${name}<${describeType(element)}>`;
}

/** A place as people write it. */
export function describePlace(place: Place): string {
  return "index" in place ? place.index : `${place.keyspace}.${place.table}`;
}
