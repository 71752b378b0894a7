// Reads one split of an Elasticsearch table by a point in time and search_after.
import { SourceUnavailableError } from "../../../protocol/errors.ts";
import type { Batch, OpenRequest, SplitReader } from "../source.ts";
import { type ElasticsearchConnection, PointInTimeLostError } from "./connection.ts";
import {
  cursorSort,
  LARGEST_LONG,
  rangeQuery,
  sweepQuery,
  tieQuery,
  type CursorUnit,
} from "./cursor.ts";
import type { FieldSelection } from "./fields.ts";
import { findTieBreaker, type TieBreaker } from "./inspection.ts";
import { openPointInTime, closePointInTime, keepAlive } from "./point-in-time.ts";
import type { Position } from "./position.ts";
import { cutPage, type Page } from "./search-page.ts";

/** What is read, decided before the first request. */
export interface SplitPlan {
  readonly index: string;
  readonly kind: "rows" | "keys";
  readonly field: string;
  readonly unit: CursorUnit;
  readonly from: bigint | null;
  readonly to: bigint | null;
  readonly fields: FieldSelection;
  /** The field of the table's key, if it is one field; whether it can be sorted by is asked when it is needed. */
  readonly uniqueField: string | null;
  readonly pageRows: number;
}

interface OpenPointInTime {
  id: string;
  readonly openedAt: number;
  /** The cursor value at which reading in it began; null before its first row. */
  began: string | null;
}

/** The rows of the present cursor value, read in the order of a unique field. */
interface Tie {
  readonly breaker: TieBreaker;
  /** The last row's value as JSON text; null before the first row. */
  after: string | null;
}

// A point in time keeps segments on the cluster's disks from being removed.
const oldestPointInTimeMillis = 25 * 60_000;
const losesInOneBatch = 3;

/**
 * Reads in the order of the cursor, so that a lost point in time costs no more than the rows of one cursor value:
 * a new one goes on at the last value, not after it. Rows that come twice fall out by key.
 *
 * Where the rows of one value alone outlast a point in time, a new one goes on in the order of the key's field, if
 * that can be sorted by. That is slower, so it is done there only.
 *
 * A sweep of keys follows the cursor as well. A document whose cursor moves backwards while it lasts, past the value
 * that was reached, is not seen. It does not count as absent if its change was read as a row since the sweep began;
 * a cursor that moves backwards by more than the table's overlap breaks the table's contract and is not read as one.
 */
export class ElasticsearchReader implements SplitReader {
  readonly #connection: ElasticsearchConnection;
  readonly #plan: SplitPlan;
  readonly #held: OpenRequest["held"];
  readonly #warn: OpenRequest["warn"];
  #pit: OpenPointInTime | null = null;
  #cursor: string | null;
  /** `_shard_doc` of the last row read in the present point in time. */
  #shardDoc: string | null = null;
  #tie: Tie | null = null;
  /** The tie that an earlier reader was in, until the mapping has shown that its field is still there. */
  #tieToResume: Position["tie"];
  /** What the mapping says of the plan's unique field; undefined until it was asked. */
  #tieBreaker: TieBreaker | null | undefined;
  #isDone = false;

  constructor(
    connection: ElasticsearchConnection,
    plan: SplitPlan,
    position: Position | null,
    { held, warn }: Pick<OpenRequest, "held" | "warn">,
  ) {
    this.#connection = connection;
    this.#plan = plan;
    this.#held = held;
    this.#warn = warn;
    this.#cursor = position?.cursor ?? null;
    this.#tieToResume = position?.tie ?? null;
    if (position?.pit != null) {
      const { id, openedAt, shardDoc } = position.pit;
      this.#pit = { id, openedAt, began: position.cursor };
      this.#shardDoc = shardDoc;
    }
  }

  async next(rowLimit: number): Promise<Batch> {
    const size = Math.max(1, Math.min(rowLimit, this.#plan.pageRows));
    await this.#resumeTie();
    await this.#replaceOldPointInTime();
    for (let loses = 0; ; loses += 1) {
      try {
        return await this.#readPage(size);
      } catch (error) {
        if (!(error instanceof PointInTimeLostError)) throw error;
        if (this.#isStuck() && !(await this.#enterTie())) this.#warnOfRepeatedTie();
        await this.#forgetPointInTime();
        if (loses === losesInOneBatch)
          throw new SourceUnavailableError(
            `The cluster lost ${loses + 1} points in time of "${this.#plan.index}" in a row: ${error.message}. ` +
              "Look for nodes that restart, or for search.max_open_pit_context.",
            { cause: error },
          );
      }
    }
  }

  async close(): Promise<void> {
    if (this.#pit === null || this.#isHandedOn()) return;
    await this.#closePointInTime().catch(() => undefined);
  }

  // The next reader goes on in this point in time where the cursor value alone would begin the same rows again.
  #isHandedOn(): boolean {
    return !this.#isDone && this.#isStuck();
  }

  /** True if rows were read in the present point in time, all of one cursor value. */
  #isStuck(): boolean {
    return this.#tie === null && this.#shardDoc !== null && this.#cursor === this.#pit?.began;
  }

  async #readPage(size: number): Promise<Batch> {
    const pit = this.#pit ?? (await this.#openPointInTime());
    const request = {
      method: "POST",
      path: "/_search",
      query: { allow_partial_search_results: "false" },
      body: this.#searchBody(pit.id, size),
    } as const;
    const before = performance.now();
    const answer = await this.#connection.request(request);
    const sourceMillis = performance.now() - before;
    const page = cutPage(answer, {
      op: this.#plan.kind === "rows" ? "upsert" : "key",
      // The rows are as they were when the point in time was opened, whenever they are asked for.
      observedAt: pit.openedAt,
      hasDocument: this.#plan.fields.source !== "false",
      keep: this.#plan.fields.keep,
    });
    this.#refusePartial(page, this.#connection.where(request));
    await this.#renamePointInTime(pit, page.pitId);
    this.#moveTo(pit, page);
    if (page.rows < size) this.#isDone = this.#isDoneAfterLastPage();
    return {
      lines: page.lines,
      rows: page.rows,
      observedAt: pit.openedAt,
      sourceMillis,
      position: JSON.stringify(this.#position(pit)),
      done: this.#isDone,
    };
  }

  #searchBody(pitId: string, size: number): string {
    const { field, unit, kind, fields } = this.#plan;
    const tie = this.#tie;
    const sort = [cursorSort(field, unit, "asc"), '{"_shard_doc":"asc"}'];
    if (tie !== null) sort.splice(1, 0, tieSort(tie.breaker));
    const parts = [
      `"pit":{"id":${JSON.stringify(pitId)},"keep_alive":"${keepAlive}"}`,
      `"size":${size}`,
      '"track_total_hits":false',
      `"_source":${fields.source}`,
      `"sort":[${sort.join(",")}]`,
      `"query":${this.#query()}`,
    ];
    if (kind === "rows") parts.push('"seq_no_primary_term":true');
    // -1 comes before every document, so that a new point in time goes on at the value, not after it.
    const shardDoc = this.#shardDoc ?? "-1";
    if (tie === null && this.#cursor !== null)
      parts.push(`"search_after":[${this.#cursor},${shardDoc}]`);
    if (tie?.after != null)
      parts.push(`"search_after":[${this.#cursor ?? ""},${tie.after},${shardDoc}]`);
    return `{${parts.join(",")}}`;
  }

  #query(): string {
    const { field, unit, kind, from, to } = this.#plan;
    const reached = this.#cursor === null ? null : BigInt(this.#cursor);
    if (this.#tie !== null && reached !== null) return tieQuery(field, unit, reached);
    if (kind === "keys") return sweepQuery(field, unit, reached);
    const lower = from !== null && reached !== null ? (from > reached ? from : reached) : from;
    return rangeQuery(field, unit, lower ?? reached, to);
  }

  #refusePartial(page: Page, where: string): void {
    if (page.failedShards === 0 && !page.timedOut) return;
    throw new SourceUnavailableError(
      `${where} answered a part only (${page.failedShards} shards failed, timed out: ${page.timedOut}). ` +
        "Nothing of it is used; it is asked again.",
    );
  }

  #moveTo(pit: OpenPointInTime, page: Page): void {
    if (page.rows === 0) return;
    this.#shardDoc = page.lastSort.at(-1) ?? null;
    const [first, second] = page.lastSort;
    if (this.#tie !== null) {
      this.#tie.after = second ?? null;
      return;
    }
    pit.began ??= page.firstCursor;
    this.#cursor = first ?? null;
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

  #position(pit: OpenPointInTime): Position {
    const tie = this.#tie;
    return {
      format: 1,
      cursor: this.#cursor,
      unit: this.#plan.unit,
      pit:
        this.#isHandedOn() && this.#shardDoc !== null
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

  async #openPointInTime(): Promise<OpenPointInTime> {
    const openedAt = Date.now();
    const id = await openPointInTime(this.#connection, this.#plan.index);
    const pit = { id, openedAt, began: this.#cursor };
    this.#pit = pit;
    this.#shardDoc = null;
    await this.#held.opened(id);
    return pit;
  }

  async #replaceOldPointInTime(): Promise<void> {
    if (this.#pit === null || Date.now() - this.#pit.openedAt <= oldestPointInTimeMillis) return;
    if (!this.#isStuck() || (await this.#enterTie())) await this.#closePointInTime();
  }

  async #renamePointInTime(pit: OpenPointInTime, id: string | null): Promise<void> {
    if (id === null || id === pit.id) return;
    const before = pit.id;
    await this.#held.opened(id);
    pit.id = id;
    await this.#held.closed(before);
  }

  async #closePointInTime(): Promise<void> {
    if (this.#pit === null) return;
    await closePointInTime(this.#connection, this.#pit.id);
    await this.#forgetPointInTime();
  }

  async #forgetPointInTime(): Promise<void> {
    if (this.#pit === null) return;
    const { id } = this.#pit;
    this.#pit = null;
    this.#shardDoc = null;
    await this.#held.closed(id);
  }
}

function tieSort({ field, type }: TieBreaker): string {
  return `{${JSON.stringify(field)}:{"order":"asc","missing":"_last","unmapped_type":"${type}"}}`;
}
