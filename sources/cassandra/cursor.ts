// Windows by a cursor column that an index finds: times in milliseconds since 1970.
import type { TableDefinition } from "../../catalog/definition.ts";
import { SourceConfigurationError } from "../../contract/errors.ts";
import { type Described, typesOf } from "./describe.ts";
import type { CursorRange } from "./query.ts";
import { codes } from "./to-json.ts";

type Cursor = NonNullable<TableDefinition["cursor"]>;

export interface CursorColumn {
  readonly column: string;
  /** A time as the driver needs it for the column's type. */
  readonly write: (millis: string) => unknown;
}

/** @throws SourceConfigurationError if the column does not exist or holds no time */
export function describeCursor(
  described: Described,
  table: TableDefinition,
  { field }: Cursor,
): CursorColumn {
  const [found] = typesOf(described, table, [field]);
  const problem = (what: string): SourceConfigurationError =>
    new SourceConfigurationError(
      `Table "${table.name}" finds changes by the column "${field}" of ${described.keyspace}.${described.table}, which ${what}. ` +
        'Name a column of CQL type timestamp (or bigint with milliseconds since 1970) in "changes", or write changes: {strategy: "full-scan"}.',
    );
  if (described.staticColumns.has(field)) throw problem("is static, and changes without its rows");
  if (found?.type.code === codes.timestamp)
    return { column: field, write: (millis) => new Date(Number(millis)) };
  if (found?.type.code === codes.bigint) return { column: field, write: BigInt };
  throw problem("holds no time");
}

/** From the watermark less the overlap to now less the lag; the first window has no beginning. */
export function cursorWindow(
  { lagSeconds, overlapSeconds }: Pick<Cursor, "lagSeconds" | "overlapSeconds">,
  watermark: string | null,
  nowMillis: number,
): { from: string | null; to: string } {
  const back = BigInt(Math.ceil(overlapSeconds * 1000));
  return {
    from: watermark === null ? null : String(BigInt(watermark) - back),
    to: String(Math.floor(nowMillis - lagSeconds * 1000)),
  };
}

export function cursorRange(
  { column, write }: CursorColumn,
  range: { readonly from: string; readonly to: string },
): CursorRange {
  return { column, from: write(range.from), to: write(range.to) };
}
