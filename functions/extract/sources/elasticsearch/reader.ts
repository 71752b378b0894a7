// Reads one split of an Elasticsearch table by a point in time and search_after.
import { SourceUnavailableError } from "../../../protocol/errors.ts";
import type { Batch, OpenRequest, SplitReader } from "../source.ts";
import { type ElasticsearchConnection, PointInTimeLostError } from "./connection.ts";
import { cursorSort, rangeQuery, type CursorUnit } from "./cursor.ts";
import type { FieldSelection } from "./fields.ts";
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
  readonly pageRows: number;
}

interface OpenPointInTime {
  id: string;
  readonly openedAt: number;
  /** The cursor value at which reading in it began; null before its first row. */
  began: string | null;
}

// A point in time keeps segments on the cluster's disks from being removed.
const oldestPointInTimeMillis = 25 * 60_000;
const losesInOneBatch = 3;

export class ElasticsearchReader implements SplitReader {
  readonly #connection: ElasticsearchConnection;
  readonly #plan: SplitPlan;
  readonly #held: OpenRequest["held"];
  #pit: OpenPointInTime | null = null;
  #cursor: string | null;
  /** `_shard_doc` of the last row read in the present point in time. */
  #shardDoc: string | null = null;
  #isDone = false;

  constructor(
    connection: ElasticsearchConnection,
    plan: SplitPlan,
    position: Position | null,
    held: OpenRequest["held"],
  ) {
    this.#connection = connection;
    this.#plan = plan;
    this.#held = held;
    this.#cursor = position?.cursor ?? null;
    if (position?.pit != null) {
      const { id, openedAt, shardDoc } = position.pit;
      this.#pit = { id, openedAt, began: position.cursor };
      this.#shardDoc = shardDoc;
    }
  }

  async next(rowLimit: number): Promise<Batch> {
    const size = Math.max(1, Math.min(rowLimit, this.#plan.pageRows));
    await this.#replaceOldPointInTime();
    for (let loses = 0; ; loses += 1) {
      try {
        return await this.#readPage(size);
      } catch (error) {
        if (!(error instanceof PointInTimeLostError)) throw error;
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
    return !this.#isDone && this.#shardDoc !== null && !this.#hasMoved();
  }

  #hasMoved(): boolean {
    return this.#plan.kind === "rows" && this.#cursor !== this.#pit?.began;
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
    this.#isDone = page.rows < size;
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
    const plan = this.#plan;
    const parts = [
      `"pit":{"id":${JSON.stringify(pitId)},"keep_alive":"${keepAlive}"}`,
      `"size":${size}`,
      '"track_total_hits":false',
      `"_source":${plan.fields.source}`,
    ];
    if (plan.kind === "rows") {
      parts.push(`"sort":[${cursorSort(plan.field, plan.unit, "asc")},{"_shard_doc":"asc"}]`);
      parts.push('"seq_no_primary_term":true', `"query":${this.#query()}`);
      // -1 comes before every document, so that a new point in time goes on at the value, not after it.
      if (this.#cursor !== null)
        parts.push(`"search_after":[${this.#cursor},${this.#shardDoc ?? "-1"}]`);
    } else {
      parts.push('"sort":[{"_shard_doc":"asc"}]');
      if (this.#shardDoc !== null) parts.push(`"search_after":[${this.#shardDoc}]`);
    }
    return `{${parts.join(",")}}`;
  }

  #query(): string {
    const { field, unit, from, to } = this.#plan;
    const reached = this.#cursor === null ? null : BigInt(this.#cursor);
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
    const [first, second] = page.lastSort;
    if (this.#plan.kind === "keys") {
      this.#shardDoc = first ?? null;
      return;
    }
    pit.began ??= page.firstCursor;
    this.#cursor = first ?? null;
    this.#shardDoc = second ?? null;
  }

  #position(pit: OpenPointInTime): Position {
    const pointInTime =
      this.#isHandedOn() && this.#shardDoc !== null
        ? { id: pit.id, openedAt: pit.openedAt, shardDoc: this.#shardDoc }
        : null;
    return { format: 1, cursor: this.#cursor, unit: this.#plan.unit, pit: pointInTime };
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
    const isOld = this.#pit !== null && Date.now() - this.#pit.openedAt > oldestPointInTimeMillis;
    if (isOld && this.#hasMoved()) await this.#closePointInTime();
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
