// What discovering one table of a source yields, before it is made into a catalog entry.
import type { ColumnType } from "../../contract/column-types.ts";
import type { CursorEvidence } from "./cursor-evidence.ts";
import type { Observation } from "./observe.ts";
import type { JsonObject } from "../../contract/json.ts";

/** A field that can be a column. */
export interface FoundField {
  /** Where its value stands in the source's document. */
  readonly path: readonly string[];
  readonly type: ColumnType;
  /** The type in the source's words. */
  readonly sourceType: string;
  /** True if the source can find and sort rows by it cheaply. */
  readonly isSortable: boolean;
  /** True if it is part of the key that the source itself has. */
  readonly isKey: boolean;
  /** What the source's own people wrote about it. */
  readonly description: string | null;
  readonly observed: Observation | null;
  /** What was asked about it as a cursor; null if nothing was. */
  readonly cursorEvidence: CursorEvidence | null;
  /** What a person should decide. */
  readonly remarks: readonly string[];
}

export interface Discovery {
  readonly system: string;
  /** As `from` of a table says it. */
  readonly place: JsonObject;
  readonly description: string | null;
  /** In the source's order. */
  readonly fields: readonly FoundField[];
  readonly sampledDocuments: number;
  /** How long a row takes to become searchable, at most. Elasticsearch. */
  readonly refreshSeconds: number | null;
  /** The ids of the sampled documents, in their order. Elasticsearch. */
  readonly sampledIds: readonly string[];
  /** What concerns the table as a whole. */
  readonly remarks: readonly string[];
}
