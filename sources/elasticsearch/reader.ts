// Reads one split of an Elasticsearch table by its cursor, in a point in time and with search_after.
import type { Batch, OpenRequest, SplitReader } from "../source.ts";
import type { ElasticsearchConnection } from "./connection.ts";
import {
  cursorSort,
  LARGEST_LONG,
  rangeQuery,
  scanQuery,
  tieQuery,
  type CursorUnit,
} from "./cursor.ts";
import type { FieldSelection } from "./fields.ts";
import { findTieBreaker, smallestValue, type TieBreaker, uniqueSort } from "./inspection.ts";
import type { SearchLoad } from "./load.ts";
import type { Position } from "./position.ts";
import type { Page } from "./search-page.ts";
import { endOfRange, rangeAfter } from "./cursor-range.ts";
import { type SearchRequest, type RowSize, PointInTimePages } from "./point-in-time-pages.ts";

/** What is read, decided before the first request. */
export interface SplitPlan {
  readonly index: string;
  readonly kind: "rows" | "keys";
  readonly field: string;
  readonly unit: CursorUnit;
  /** The unit that people are shown, in which whole numbers may be a time. */
  readonly shownUnit: CursorUnit;
  readonly from: bigint | null;
  readonly to: bigint | null;
  readonly fields: FieldSelection;
  /** The field of the table's key, if it is one field; whether it can be sorted by is asked when it is needed. */
  readonly uniqueField: string | null;
  readonly pageRows: number;
  readonly load: SearchLoad;
}

/** The rows of the present cursor value, read in the order of a unique field. */
interface Tie {
  readonly breaker: TieBreaker;
  /** The last row's value as JSON text; null before the first row. */
  after: string | null;
}

/**
 * Reads in the order of the cursor, so that a lost point in time costs no more than the rows of one cursor value:
 * a new one goes on at the last value, not after it. Rows that come twice fall out by key.
 *
 * Where the rows of one value alone outlast a point in time, a new one goes on in the order of the key's field, if
 * that can be sorted by. That is slower, so it is done there only.
 *
 * A full scan of keys follows the cursor as well. A document whose cursor moves backwards while it lasts, past the value
 * that was reached, is not seen. It does not count as missing if its change was read as a row since the full scan began;
 * a cursor that moves backwards by more than the table's overlap breaks the table's contract and is not read as one.
 */
export class ElasticsearchReader implements SplitReader {
  readonly #connection: ElasticsearchConnection;
  readonly #plan: SplitPlan;
  readonly #warn: OpenRequest["warn"];
  readonly #pages: PointInTimePages;
  /** The cursor value at which reading in the present point in time began; null before its first row. */
  #began: string | null = null;
  #cursor: string | null;
  /** `_shard_doc` of the last row read in the present point in time. */
  #shardDoc: string | null = null;
  #tie: Tie | null = null;
  /** How far pages reach, in the cursor's unit; null: to the end. */
  #range: bigint | null = null;
  /** The tie that an earlier reader was in, until the mapping has shown that its field is still there. */
  #tieToResume: Position["tie"];
  /** What the mapping says of the plan's unique field; undefined until it was asked. */
  #tieBreaker: TieBreaker | null | undefined;
  #isDone = false;

  constructor(
    connection: ElasticsearchConnection,
    plan: SplitPlan,
    position: Position | null,
    {
      held,
      warn,
      rowSize,
    }: Pick<OpenRequest, "held" | "warn"> & {
      readonly rowSize: RowSize;
    },
  ) {
    this.#connection = connection;
    this.#plan = plan;
    this.#warn = warn;
    const { index, fields, pageRows, load } = plan;
    const op = plan.kind === "rows" ? "upsert" : "key";
    this.#pages = new PointInTimePages(
      connection,
      { index, op, version: "cursor", fields, pageRows, load },
      held,
      rowSize,
    );
    this.#cursor = position?.cursor ?? null;
    this.#tieToResume = position?.tie ?? null;
    if (position?.pit != null) {
      this.#pages.adopt(position.pit);
      this.#began = position.cursor;
      this.#shardDoc = position.pit.shardDoc;
    }
  }

  async next(rowLimit: number): Promise<Batch> {
    await this.#resumeTie();
    await this.#replaceOldView();
    return this.#pages.survivingLoss(
      () => this.#readPage(rowLimit),
      async () => {
        if (this.#isStuck() && !(await this.#enterTie())) this.#warnOfRepeatedTie();
        this.#shardDoc = null;
      },
    );
  }

  reached(): { cursor: string; unit: CursorUnit } | null {
    return this.#cursor === null ? null : { cursor: this.#cursor, unit: this.#plan.shownUnit };
  }

  async close(): Promise<void> {
    if (this.#isHandedOn()) return;
    await this.#pages.close().catch(() => undefined);
  }

  // The next reader goes on in this point in time where the cursor value alone would begin the same rows again.
  #isHandedOn(): boolean {
    return !this.#isDone && this.#isStuck();
  }

  /** True if rows were read in the present point in time, all of one cursor value. */
  #isStuck(): boolean {
    return this.#tie === null && this.#shardDoc !== null && this.#cursor === this.#began;
  }

  async #readPage(rowLimit: number): Promise<Batch> {
    const { openedAt } = this.#pages.pit ?? (await this.#openPointInTime());
    const end = this.#endOfPage();
    const { page, askedRows, sourceMillis, responseBytes } = await this.#pages.read(
      rowLimit,
      this.#searchRequest(end),
    );
    const mostRows = Math.min(rowLimit, this.#plan.pageRows);
    this.#range = rangeOf(page, askedRows, mostRows);
    this.#moveTo(page);
    if (page.rows < askedRows) {
      if (end === null) this.#isDone = this.#isDoneAfterLastPage();
      else this.#goOnAt(end);
    }
    return {
      lines: page.lines,
      rows: page.rows,
      observedAt: openedAt,
      sourceMillis,
      responseBytes,
      position: JSON.stringify(this.#position()),
      done: this.#isDone,
    };
  }

  /** Where a page ends that does not reach to the end of the split; null if it does. */
  #endOfPage(): bigint | null {
    const { from, to, unit } = this.#plan;
    if (this.#tie !== null || this.#cursor === null) return null;
    const reached = BigInt(this.#cursor);
    // A document of several values is sorted by its smallest. As long as that lies before the split, its others may lie
    // anywhere in it.
    if (from !== null && reached < from) return null;
    return endOfRange(reached, this.#range, to, unit);
  }

  #searchRequest(end: bigint | null): SearchRequest {
    const { field, unit } = this.#plan;
    const order = cursorSort(field, unit, "asc");
    // -1 comes before every document, so that a new point in time goes on at the value, not after it.
    const shardDoc = this.#shardDoc ?? "-1";
    const query = this.#query(end);
    if (this.#tie === null || this.#cursor === null) {
      const after = this.#cursor === null ? null : [this.#cursor, shardDoc];
      return { query, sort: [order, '{"_shard_doc":"asc"}'], after };
    }
    const { breaker, after } = this.#tie;
    return {
      query,
      sort: [order, uniqueSort(breaker), '{"_shard_doc":"asc"}'],
      // From the first on: a document of several values is found by each, and sorted by its smallest.
      after: [this.#cursor, after ?? smallestValue(breaker), shardDoc],
    };
  }

  #query(end: bigint | null): string {
    const { field, unit, kind, from, to } = this.#plan;
    const reached = this.#cursor === null ? null : BigInt(this.#cursor);
    if (this.#tie !== null && reached !== null) return tieQuery(field, unit, reached);
    if (kind === "keys" && end === null) return scanQuery(field, unit, reached);
    const lower = from !== null && reached !== null ? (from > reached ? from : reached) : from;
    return rangeQuery(field, unit, lower ?? reached, end ?? to);
  }

  #moveTo(page: Page): void {
    if (page.rows === 0) return;
    this.#shardDoc = page.lastSort.at(-1) ?? null;
    const [first, second] = page.lastSort;
    if (this.#tie !== null) {
      this.#tie.after = second ?? null;
      return;
    }
    this.#began ??= page.firstCursor;
    this.#cursor = first ?? null;
  }

  /** All before `end` was read, and the next page begins there. */
  #goOnAt(end: bigint): void {
    this.#cursor = String(end);
    this.#shardDoc = null;
  }

  /** After the last page of a tie reading goes on behind its value. */
  #isDoneAfterLastPage(): boolean {
    if (this.#tie === null) return true;
    const { to } = this.#plan;
    const next = BigInt(this.#cursor ?? LARGEST_LONG) + 1n;
    this.#tie = null;
    this.#shardDoc = null;
    if (next > LARGEST_LONG || (to !== null && next >= to)) return true;
    this.#cursor = String(next);
    return false;
  }

  #position(): Position {
    const tie = this.#tie;
    const pit = this.#pages.pit;
    return {
      format: 1,
      cursor: this.#cursor,
      unit: this.#plan.unit,
      pit:
        pit !== null && this.#isHandedOn() && this.#shardDoc !== null
          ? { id: pit.id, openedAt: pit.openedAt, shardDoc: this.#shardDoc }
          : null,
      tie: tie?.after == null ? null : { field: tie.breaker.field, after: tie.after },
    };
  }

  async #resumeTie(): Promise<void> {
    if (this.#tieToResume === null) return;
    const { field, after } = this.#tieToResume;
    const breaker = await this.#findTieBreaker();
    this.#tieToResume = null;
    // Otherwise the key or the mapping was changed, and the rows of the value are read from their beginning.
    if (breaker?.field === field) this.#tie = { breaker, after };
  }

  /** Goes on in the order of the unique field, from the beginning of the cursor value; false if there is none. */
  async #enterTie(): Promise<boolean> {
    const breaker = await this.#findTieBreaker();
    if (breaker === null) return false;
    this.#tie = { breaker, after: null };
    return true;
  }

  async #findTieBreaker(): Promise<TieBreaker | null> {
    const { index, uniqueField } = this.#plan;
    if (this.#tieBreaker === undefined)
      this.#tieBreaker =
        uniqueField === null ? null : await findTieBreaker(this.#connection, index, uniqueField);
    return this.#tieBreaker;
  }

  #warnOfRepeatedTie(): void {
    const { index, field, kind } = this.#plan;
    this.#warn(
      "The point in time was lost among rows of one cursor value, which are read from the first again. If they are " +
        "more than a run can read, the reading never ends: give the table a key of one field that can be sorted by.",
      { index, field, kind, value: this.#cursor },
    );
  }

  async #openPointInTime(): Promise<{ readonly openedAt: number }> {
    const opened = await this.#pages.open();
    this.#began = this.#cursor;
    this.#shardDoc = null;
    return opened;
  }

  async #replaceOldView(): Promise<void> {
    if (!this.#pages.isOld) return;
    if (this.#isStuck() && !(await this.#enterTie())) return;
    await this.#pages.close();
    this.#shardDoc = null;
  }
}

function rangeOf(page: Page, askedRows: number, mostRows: number): bigint | null {
  const { rows, firstCursor, lastSort } = page;
  const [last] = lastSort;
  if (firstCursor === null || last === undefined) return null;
  return rangeAfter({
    ...{ rows, askedRows, mostRows, first: BigInt(firstCursor), last: BigInt(last) },
  });
}
