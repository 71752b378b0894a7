// Everything particular to Elasticsearch: windows by a cursor field, and sweeps of all keys.
import type { TableDefinition } from "../../../catalog/schema/definition.ts";
import { SourceConfigurationError } from "../../protocol/errors.ts";
import type { Bounds } from "../../protocol/records.ts";
import { ElasticsearchConnection, type ElasticsearchSecret } from "./elasticsearch/connection.ts";
import {
  boundInUnit,
  cutWindow,
  SMALLEST_LONG,
  timeInUnit,
  type Window,
  windowTo,
} from "./elasticsearch/cursor.ts";
import { selectFields } from "./elasticsearch/fields.ts";
import {
  countRows,
  findCursorField,
  findExtreme,
  refuseShortLag,
} from "./elasticsearch/inspection.ts";
import { closePointInTime } from "./elasticsearch/point-in-time.ts";
import { parsePosition } from "./elasticsearch/position.ts";
import { ElasticsearchReader } from "./elasticsearch/reader.ts";
import type { OpenRequest, SourceClient, SplitReader } from "./source.ts";

const rowsPerSplit = 500_000;
const mostSplits = 64;

export class ElasticsearchSource implements SourceClient {
  readonly #connection: ElasticsearchConnection;

  constructor(sourceName: string, secret: ElasticsearchSecret) {
    this.#connection = new ElasticsearchConnection(sourceName, secret);
  }

  /**
   * By a date, the window ends the lag before now. By an integer it ends after the greatest value that is searchable;
   * what becomes searchable late is found by the overlap.
   */
  async planWindow(
    table: TableDefinition,
    watermark: string | null,
    nowMillis: number,
  ): Promise<Window> {
    const cursor = await findCursorField(this.#connection, table, indexOf(table));
    const { lagSeconds, overlapSeconds } = table.cursor ?? { lagSeconds: 0, overlapSeconds: 0 };
    if (cursor.unit === "value") {
      const greatest = await findExtreme(this.#connection, cursor, "desc");
      const end = greatest === null ? SMALLEST_LONG : greatest + 1n;
      return windowTo(end, watermark, overlapSeconds, cursor.unit);
    }
    await refuseShortLag(this.#connection, table, cursor.index, lagSeconds);
    const end = timeInUnit(nowMillis - lagSeconds * 1000, cursor.unit);
    return windowTo(end, watermark, overlapSeconds, cursor.unit);
  }

  async planRows(table: TableDefinition, window: Window | null): Promise<Bounds[]> {
    if (window === null)
      throw new SourceConfigurationError(
        `Table "${table.name}" is read from Elasticsearch and needs a window. Add "cursor" to its file.`,
      );
    const cursor = await findCursorField(this.#connection, table, indexOf(table));
    const from = window.from === null ? null : boundInUnit(window.from, cursor.unit);
    const to = boundInUnit(window.to, cursor.unit);
    const rows = await countRows(this.#connection, cursor, from, to);
    const parts = Math.min(mostSplits, Math.ceil(rows / rowsPerSplit));
    const exact = { from: from === null ? null : String(from), to: String(to) };
    if (parts <= 1) return cutWindow(exact, to, 1);
    const lowest = from ?? (await findExtreme(this.#connection, cursor, "asc")) ?? to;
    return cutWindow(exact, lowest, parts);
  }

  /** One split: a sweep of keys follows the cursor from one run to the next, and ends with what has no cursor. */
  planKeys(): Promise<Bounds[]> {
    return Promise.resolve([{ by: "cursor", from: null, to: null }]);
  }

  async open({ table, kind, bounds, position, held, warn }: OpenRequest): Promise<SplitReader> {
    if (bounds.by !== "cursor")
      throw new SourceConfigurationError(
        `Table "${table.name}" is read from Elasticsearch, but its split is a range of tokens. ` +
          "Its source was changed while a pass was open; remove the pass from the ledger.",
      );
    const index = indexOf(table);
    const { field, unit } = await findCursorField(this.#connection, table, index);
    const stored = position === null ? null : parsePosition(position);
    // A position in another unit (a date that became date_nanos) says nothing: the split is read from its beginning.
    const at = stored?.unit === unit ? stored : null;
    if (at?.pit != null) await held.opened(at.pit.id);
    const columns =
      kind === "rows"
        ? table.columns
        : table.columns.filter((column) => table.key.includes(column.name));
    return new ElasticsearchReader(
      this.#connection,
      {
        index,
        kind,
        field,
        unit,
        from: bounds.from === null ? null : boundInUnit(bounds.from, unit),
        to: bounds.to === null ? null : boundInUnit(bounds.to, unit),
        fields: selectFields(columns),
        uniqueField: uniqueFieldOf(table),
        pageRows: table.source.budget.pageRows,
      },
      at,
      { held, warn },
    );
  }

  async release(resource: string): Promise<void> {
    await closePointInTime(this.#connection, resource);
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }
}

/** The field of a key of one column; `_id` is unique too, but clusters refuse to sort by it. */
function uniqueFieldOf(table: TableDefinition): string | null {
  const [name, ...more] = table.key;
  const path = table.columns.find((column) => column.name === name)?.path ?? ["_id"];
  return more.length > 0 || (path.length === 1 && path[0] === "_id") ? null : path.join(".");
}

function indexOf(table: TableDefinition): string {
  if ("index" in table.from) return table.from.index;
  throw new SourceConfigurationError(
    `Table "${table.name}" names a keyspace, but its source "${table.source.name}" is Elasticsearch. ` +
      'Name an index in "from", or another source.',
  );
}
