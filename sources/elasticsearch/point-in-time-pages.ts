// Pages of one point in time at a time, which is opened when it is needed.
import { SourceUnavailableError } from "../../contract/errors.ts";
import type { OpenRequest } from "../source.ts";
import {
  ResponseTooLargeError,
  type ElasticsearchConnection,
  PointInTimeLostError,
} from "./connection.ts";
import type { FieldSelection } from "./fields.ts";
import { type SearchLoad, shardsQuery } from "./load.ts";
import {
  afterResponse,
  afterTooLarge,
  type Measured,
  MOST_RESPONSE_BYTES,
  rowsToAsk,
} from "./page-size.ts";
import { closePointInTime, KEEP_ALIVE, openPointInTime } from "./point-in-time.ts";
import { ReceiveBuffer } from "./receive-buffer.ts";
import { LineBuffer } from "../line-buffer.ts";
import { cutPage, type Page, type PageRequest } from "./search-page.ts";

export interface PagesPlan {
  readonly index: string;
  readonly op: PageRequest["op"];
  readonly version: PageRequest["version"];
  readonly fields: FieldSelection;
  /** No page asks for more. */
  readonly pageRows: number;
  readonly load: SearchLoad;
}

/** What a page asks for, each part as JSON text. */
export interface SearchRequest {
  readonly query: string;
  readonly sort: readonly string[];
  /** Sort values to go on behind; null at the beginning. */
  readonly after: readonly string[] | null;
}

export interface SearchResponse {
  readonly page: Page;
  /** Fewer rows in the page are all that there are. */
  readonly askedRows: number;
  /** What the cluster took, with the responses that were given up, milliseconds. */
  readonly sourceMillis: number;
  /** What was transferred, with the responses that were given up. */
  readonly responseBytes: number;
}

/** What was learnt of a table's documents, kept from one reader to the next. */
export interface RowSize {
  measured: Measured | null;
}

interface OpenPointInTime {
  id: string;
  /** Milliseconds since 1970. */
  readonly openedAt: number;
}

// A point in time keeps segments on the cluster's disks from being removed.
const OLDEST_MILLIS = 25 * 60_000;
const LOSSES_IN_ONE_BATCH = 3;

export class PointInTimePages {
  readonly #connection: ElasticsearchConnection;
  readonly #plan: PagesPlan;
  readonly #held: OpenRequest["held"];
  readonly #rowSize: RowSize;
  /** Each page copies what it keeps into its lines, so that all responses share it. */
  readonly #responses = new ReceiveBuffer();
  /** The lines of one page at a time. */
  readonly #lines = new LineBuffer();
  #pit: OpenPointInTime | null = null;

  constructor(
    connection: ElasticsearchConnection,
    plan: PagesPlan,
    held: OpenRequest["held"],
    rowSize: RowSize,
  ) {
    this.#connection = connection;
    this.#plan = plan;
    this.#held = held;
    this.#rowSize = rowSize;
  }

  /** The point in time that is open, if one is. */
  get pit(): Readonly<OpenPointInTime> | null {
    return this.#pit;
  }

  get isOld(): boolean {
    return this.#pit !== null && Date.now() - this.#pit.openedAt > OLDEST_MILLIS;
  }

  /** Goes on in the point in time that an earlier reader left open. */
  adopt(pit: { readonly id: string; readonly openedAt: number }): void {
    this.#pit = { id: pit.id, openedAt: pit.openedAt };
  }

  async open(): Promise<Readonly<OpenPointInTime>> {
    const openedAt = Date.now();
    const id = await openPointInTime(this.#connection, this.#plan.index, this.#plan.load);
    this.#pit = { id, openedAt };
    await this.#held.opened(id);
    return this.#pit;
  }

  /**
   * One page of the point in time that is open. A response that is too large is asked for again with fewer rows.
   * @throws PointInTimeLostError; SourceUnavailableError if only a part was returned
   */
  async read(rowLimit: number, search: SearchRequest): Promise<SearchResponse> {
    const mostRows = Math.min(rowLimit, this.#plan.pageRows);
    let sourceMillis = 0;
    let vainBytes = 0;
    for (;;) {
      const askedRows = rowsToAsk(this.#rowSize.measured, mostRows);
      const before = performance.now();
      try {
        const response = await this.#ask(search, askedRows);
        sourceMillis += performance.now() - before;
        const page = await this.#take(response);
        const { rows } = page;
        this.#rowSize.measured = afterResponse(this.#rowSize.measured, {
          ...{ askedRows, rows, bytes: response.length },
        });
        const responseBytes = response.length + vainBytes;
        return { page, askedRows, sourceMillis, responseBytes };
      } catch (error) {
        if (!(error instanceof ResponseTooLargeError)) throw error;
        sourceMillis += performance.now() - before;
        vainBytes += MOST_RESPONSE_BYTES;
        this.#rowSize.measured = afterTooLarge(askedRows, MOST_RESPONSE_BYTES);
      }
    }
  }

  /** Reads as `read` says, again in a new point in time where one was lost, until that happens too often. */
  async survivingLoss<T>(read: () => Promise<T>, onLost: () => Promise<void>): Promise<T> {
    for (let losses = 1; ; losses += 1) {
      try {
        return await read();
      } catch (error) {
        if (!(error instanceof PointInTimeLostError)) throw error;
        await onLost();
        await this.#forget();
        if (losses > LOSSES_IN_ONE_BATCH)
          throw new SourceUnavailableError(
            `The cluster lost ${losses} points in time of "${this.#plan.index}" in a row: ${error.message}. ` +
              "Look for nodes that restart, or for search.max_open_pit_context.",
            { cause: error },
          );
      }
    }
  }

  async close(): Promise<void> {
    if (this.#pit === null) return;
    await closePointInTime(this.#connection, this.#pit.id);
    await this.#forget();
  }

  async #ask(search: SearchRequest, rows: number): Promise<Buffer> {
    return this.#connection.request({
      ...this.#request(),
      body: this.#body(search, rows),
      into: this.#responses,
      // One row is taken whatever its size, or reading would never get past it.
      ...(rows === 1 ? {} : { mostBytes: MOST_RESPONSE_BYTES }),
    });
  }

  #request() {
    const query = { allow_partial_search_results: "false", ...shardsQuery(this.#plan.load) };
    return { method: "POST", path: "/_search", query } as const;
  }

  #body({ query, sort, after }: SearchRequest, rows: number): string {
    const { fields, op, version } = this.#plan;
    const parts = [
      `"pit":{"id":${JSON.stringify(this.#opened().id)},"keep_alive":"${KEEP_ALIVE}"}`,
      `"size":${rows}`,
      '"track_total_hits":false',
      `"_source":${fields.source}`,
      `"sort":[${sort.join(",")}]`,
      `"query":${query}`,
    ];
    if (op === "upsert" && version === "cursor") parts.push('"seq_no_primary_term":true');
    if (after !== null) parts.push(`"search_after":[${after.join(",")}]`);
    return `{${parts.join(",")}}`;
  }

  async #take(response: Buffer): Promise<Page> {
    const { op, version, fields } = this.#plan;
    const request = {
      ...{ op, version },
      // The rows are as they were when the point in time was opened, whenever they are asked for.
      observedAt: this.#opened().openedAt,
      hasDocument: fields.source !== "false",
      keep: fields.keep,
    } as const;
    const page = cutPage(response, request, this.#lines);
    if (page.failedShards > 0 || page.timedOut)
      throw new SourceUnavailableError(
        `${this.#connection.where(this.#request())} returned a part only (${page.failedShards} shards failed, ` +
          `timed out: ${page.timedOut}). Nothing of it is used; it is asked again.`,
      );
    await this.#rename(page.pitId);
    return page;
  }

  #opened(): OpenPointInTime {
    if (this.#pit === null) throw new Error("The point in time is read before it was opened.");
    return this.#pit;
  }

  async #rename(id: string | null): Promise<void> {
    const pit = this.#opened();
    if (id === null || id === pit.id) return;
    const before = pit.id;
    await this.#held.opened(id);
    pit.id = id;
    await this.#held.closed(before);
  }

  async #forget(): Promise<void> {
    if (this.#pit === null) return;
    const { id } = this.#pit;
    this.#pit = null;
    await this.#held.closed(id);
  }
}
