// Everything particular to Elasticsearch: windows by a cursor field, full scans of all keys, and whole readings.
import type { TableDefinition } from "../../catalog/definition.ts";
import type { Discovery } from "../discover/discovery.ts";
import type { SourceShape } from "../discover/shape.ts";
import type { JsonObject } from "../../contract/json.ts";
import { SourceConfigurationError } from "../../contract/errors.ts";
import { cursorWords } from "../../contract/cursor-time.ts";
import type { Bounds, CursorUnit } from "../../contract/records.ts";
import { ElasticsearchConnection } from "./connection.ts";
import { elasticsearch, placeSchema } from "./declaration.ts";
import { loadOf } from "./load.ts";
import { type ElasticsearchSecret, elasticsearchSecretSchema } from "./secret.ts";
import { placeIn } from "../place.ts";
import {
  boundInUnit,
  cutWindow,
  LARGEST_LONG,
  SMALLEST_LONG,
  timeInUnit,
  type Window,
  windowTo,
} from "./cursor.ts";
import { countBehind, markWrites } from "./write-mark.ts";
import { selectFields } from "./fields.ts";
import {
  countRows,
  countWithoutCursor,
  type CursorField,
  findCursorField,
  findExtreme,
  findTieBreaker,
  identifyIndices,
  rejectShortLag,
  type TieBreaker,
} from "./inspection.ts";
import { closePointInTime } from "./point-in-time.ts";
import { parsePosition, parseWholePosition } from "./position.ts";
import { ElasticsearchReader } from "./reader.ts";
import type { RowSize } from "./point-in-time-pages.ts";
import { isPositionOf, WholeReader } from "./whole-reader.ts";
import { discoverIndex, type SampleOptions } from "./discover.ts";
import { readShape } from "./discover-shape.ts";
import type {
  ConnectSource,
  OpenRequest,
  PlannedWindow,
  SourceClient,
  SplitReader,
  UnreadRows,
} from "../source.ts";

const ROWS_PER_SPLIT = 500_000;
const MOST_SPLITS = 64;

export const connectElasticsearch: ConnectSource = ({ name }, secret) =>
  new ElasticsearchSource(name, elasticsearchSecretSchema.parse(secret));

export class ElasticsearchSource implements SourceClient {
  readonly #connection: ElasticsearchConnection;
  /** What was learnt of each table's documents, by table and kind. */
  readonly #rowSizes = new Map<string, RowSize>();

  constructor(sourceName: string, secret: ElasticsearchSecret) {
    this.#connection = new ElasticsearchConnection(sourceName, secret);
  }

  /**
   * By a date, the window ends the lag before now. By an integer it ends after the greatest value that is searchable;
   * what becomes searchable late is found by the overlap. A table without a cursor has no window.
   */
  async planWindow(
    table: TableDefinition,
    watermark: string | null,
    nowMillis: number,
  ): Promise<PlannedWindow | null> {
    if (table.cursor === null) return null;
    const cursor = await findCursorField(this.#connection, table, indexOf(table));
    const { lagSeconds, overlapSeconds } = table.cursor;
    if (cursor.unit === "value") {
      const greatest = await findExtreme(this.#connection, cursor, "desc");
      if (greatest === LARGEST_LONG) throw nothingGreater(table.name, cursor);
      const end = greatest === null ? SMALLEST_LONG : greatest + 1n;
      const window = windowTo(end, watermark, overlapSeconds, cursor.unit);
      return { ...window, unit: shownUnit(table, cursor.unit) };
    }
    await rejectShortLag(this.#connection, table, cursor.index, lagSeconds);
    const end = timeInUnit(nowMillis - lagSeconds * 1000, cursor.unit);
    return { ...windowTo(end, watermark, overlapSeconds, cursor.unit), unit: cursor.unit };
  }

  async planRows(table: TableDefinition, window: Window | null): Promise<Bounds[]> {
    if (window === null) {
      // So that an index that is not there is reported before anything is opened.
      await identifyIndices(this.#connection, indexOf(table));
      return [{ by: "whole" }];
    }
    const cursor = await findCursorField(this.#connection, table, indexOf(table));
    const from = window.from === null ? null : boundInUnit(window.from, cursor.unit);
    const to = boundInUnit(window.to, cursor.unit);
    const rows = await countRows(this.#connection, cursor, from, to);
    const parts = Math.min(MOST_SPLITS, Math.ceil(rows / ROWS_PER_SPLIT));
    const exact = { from: from === null ? null : String(from), to: String(to) };
    if (parts <= 1) return cutWindow(exact, to, 1);
    const lowest = from ?? (await findExtreme(this.#connection, cursor, "asc")) ?? to;
    return cutWindow(exact, lowest, parts);
  }

  async countUnread(table: TableDefinition): Promise<UnreadRows | null> {
    if (table.cursor === null) return null;
    const cursor = await findCursorField(this.#connection, table, indexOf(table));
    const rows = await countWithoutCursor(this.#connection, cursor);
    if (rows === 0) return null;
    return {
      rows,
      reason:
        `${rows} documents of "${cursor.index}" have no "${cursor.field}" and are never read. ` +
        'Set it in them, or remove "cursor" from the table\'s file, so that the index is read whole.',
    };
  }

  async markWrites(table: TableDefinition): Promise<string> {
    return markWrites(this.#connection, indexOf(table), loadOf(table));
  }

  async countBehind(
    table: TableDefinition,
    mark: string,
    watermark: string,
  ): Promise<UnreadRows | null> {
    if (table.cursor === null) return null;
    const { overlapSeconds, lateRows } = table.cursor;
    const cursor = await findCursorField(this.#connection, table, indexOf(table));
    const { from } = windowTo(SMALLEST_LONG, watermark, overlapSeconds, cursor.unit);
    const rows =
      from === null ? 0 : await countBehind(this.#connection, cursor, mark, BigInt(from));
    if (from === null || rows === 0) return null;
    const found =
      lateRows === null
        ? "no later run reads them"
        : `only the reading of past rows each ${lateRows.everyHours} hours finds them, ${lateRows.reachHours} hours back`;
    return {
      rows,
      reason:
        `${rows} or more documents of "${cursor.index}" were written since the last window was planned, with a ` +
        `"${cursor.field}" before ${cursorWords(from, shownUnit(table, cursor.unit))}, where the next one begins: ${found}. ` +
        'Have each write raise it, raise overlapSeconds, or remove "cursor" from the table\'s file, so that the index ' +
        "is read whole.",
    };
  }

  /** One split: a full scan of keys follows the cursor from one run to the next, and ends with what has no cursor. */
  planKeys(): Promise<Bounds[]> {
    return Promise.resolve([{ by: "cursor", from: null, to: null }]);
  }

  async open(request: OpenRequest): Promise<SplitReader> {
    const { table, bounds } = request;
    switch (bounds.by) {
      case "cursor":
        return this.#openByCursor(request, bounds);
      case "whole":
        return this.#openWhole(request);
      case "token":
        throw new SourceConfigurationError(
          `Table "${table.name}" is read from Elasticsearch, but its split is a range of tokens. ` +
            "Its source was changed while a pass was open; remove the pass from the ledger.",
        );
    }
  }

  async #openByCursor(
    { table, kind, position, held, warn }: OpenRequest,
    bounds: Extract<Bounds, { by: "cursor" }>,
  ): Promise<SplitReader> {
    const index = indexOf(table);
    const { field, unit, load } = await findCursorField(this.#connection, table, index);
    const stored = position === null ? null : parsePosition(position);
    // A position in another unit (a date that became date_nanos) says nothing: the split is read from its beginning.
    const at = stored?.unit === unit ? stored : null;
    if (at?.pit != null) await held.opened(at.pit.id);
    const columns =
      kind === "rows"
        ? table.columns
        : table.columns.filter((column) => table.key.includes(column.name));
    const keyFields = keyFieldsOf(table);
    return new ElasticsearchReader(
      this.#connection,
      {
        index,
        kind,
        field,
        unit,
        shownUnit: shownUnit(table, unit),
        from: bounds.from === null ? null : boundInUnit(bounds.from, unit),
        to: bounds.to === null ? null : boundInUnit(bounds.to, unit),
        fields: selectFields(columns),
        uniqueField: keyFields.length === 1 ? (keyFields[0] ?? null) : null,
        pageRows: table.source.budget.pageRows,
        load,
      },
      at,
      { held, warn, rowSize: this.#rowSize(table, kind) },
    );
  }

  async #openWhole({ table, position, held, warn }: OpenRequest): Promise<SplitReader> {
    const index = indexOf(table);
    const keyFields = await this.#sortableKey(table, index);
    const stored = position === null ? null : parseWholePosition(position);
    // A position in the order of another key (or of one whose mapping was changed) says nothing: all is read again.
    const at = stored !== null && isPositionOf(stored, keyFields) ? stored : null;
    if (at?.pit != null) await held.opened(at.pit.id);
    return new WholeReader(
      this.#connection,
      {
        index,
        keyFields,
        fields: selectFields(table.columns),
        pageRows: table.source.budget.pageRows,
        load: loadOf(table),
      },
      at,
      { held, warn, rowSize: this.#rowSize(table, "rows") },
    );
  }

  async #sortableKey(table: TableDefinition, index: string): Promise<TieBreaker[] | null> {
    const found: TieBreaker[] = [];
    for (const field of keyFieldsOf(table)) {
      const one = field === null ? null : await findTieBreaker(this.#connection, index, field);
      if (one === null) return null;
      found.push(one);
    }
    return found;
  }

  #rowSize(table: TableDefinition, kind: "rows" | "keys"): RowSize {
    const name = `${table.name} ${kind}`;
    const known = this.#rowSizes.get(name) ?? { measured: null };
    this.#rowSizes.set(name, known);
    return known;
  }

  async describe(place: JsonObject): Promise<SourceShape> {
    return readShape(this.#connection, placeIn(placeSchema, place, elasticsearch).index);
  }

  async discover(place: JsonObject, options: SampleOptions): Promise<Discovery> {
    return discoverIndex(
      this.#connection,
      placeIn(placeSchema, place, elasticsearch).index,
      options,
    );
  }

  async release(resource: string): Promise<void> {
    await closePointInTime(this.#connection, resource);
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }
}

// A watermark behind it would never find another row, and one before it would never pass.
/** What people are shown: whole numbers that are declared as times are milliseconds since 1970. */
function shownUnit({ columns, cursor }: TableDefinition, unit: CursorUnit): CursorUnit {
  const declared = columns.find(({ name }) => name === cursor?.column)?.type;
  return unit === "value" && declared === "timestamp" ? "ms" : unit;
}

function nothingGreater(table: string, { index, field }: CursorField): SourceConfigurationError {
  return new SourceConfigurationError(
    `The cursor of table "${table}", "${field}" of "${index}", holds ${LARGEST_LONG}, the greatest long: no change ` +
      "could come after it. Find those documents by a term query, and give them a real value or none.",
  );
}

/** The key's fields; null for `_id`, which is unique but which clusters do not sort by. */
function keyFieldsOf(table: TableDefinition): (string | null)[] {
  return table.key.map((name) => {
    const path = table.columns.find((column) => column.name === name)?.path ?? ["_id"];
    return path.length === 1 && path[0] === "_id" ? null : path.join(".");
  });
}

function indexOf(table: TableDefinition): string {
  return placeIn(placeSchema, table.from, elasticsearch).index;
}
