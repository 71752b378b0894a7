// Reads one token range of a Cassandra table, or what an index finds in it, page by page.
import type { Batch, OpenRequest, SplitReader } from "../source.ts";
import type { Pages } from "./pages.ts";
import type { RangePosition } from "./position.ts";
import { type CursorRange, type PageQuery, rangeQuery, type Target } from "./query.ts";
import { GREATEST_TOKEN } from "./token-ranges.ts";

export interface RangePlan {
  readonly target: Target;
  readonly after: bigint;
  readonly upTo: bigint;
  /** Only rows whose column lies in it; null for all. */
  readonly cursor: CursorRange | null;
}

export class RangeReader implements SplitReader {
  readonly #pages: Pages;
  readonly #plan: RangePlan;
  readonly #warn: OpenRequest["warn"];
  #after: bigint;
  #query: PageQuery;
  #pageState: string | null = null;
  #token: bigint | null = null;
  #rowsWithoutCursor = 0;

  constructor(
    pages: Pages,
    plan: RangePlan,
    position: RangePosition | null,
    warn: OpenRequest["warn"],
  ) {
    this.#pages = pages;
    this.#warn = warn;
    this.#plan = plan;
    this.#after = position === null ? plan.after : BigInt(position.after);
    this.#query = this.#makeQuery();
    if (position === null) return;
    this.#token = position.token === null ? null : BigInt(position.token);
    if (position.fingerprint === this.#query.fingerprint) this.#pageState = position.pageState;
    else this.#startAtToken();
  }

  async next(rowLimit: number): Promise<Batch> {
    let page = await this.#ask(rowLimit);
    if (page === null) {
      this.#startAtToken();
      page = await this.#ask(rowLimit);
    }
    if (page === null) throw new Error("a page state was rejected, but none was given");
    const { lines, rows, lastToken, nulls, observedAt, sourceMillis, pageState } = page;
    this.#token = lastToken ?? this.#token;
    this.#pageState = pageState;
    this.#rowsWithoutCursor += nulls;
    return {
      ...{ lines, rows, observedAt, sourceMillis },
      position: this.#position(),
      done: pageState === null,
    };
  }

  /** The cluster holds nothing for a reader. */
  close(): Promise<void> {
    if (this.#rowsWithoutCursor > 0)
      this.#warn(
        "Rows have no value in the cursor's column, so that no window finds what changes in them. Write it with each row.",
        { rows: this.#rowsWithoutCursor },
      );
    return Promise.resolve();
  }

  #ask(rowLimit: number): ReturnType<Pages["ask"]> {
    // A page may begin in the middle of the last row's partition; else the next token's replicas are mostly the same.
    const next = this.#after < GREATEST_TOKEN ? this.#after + 1n : this.#after;
    const token = this.#token ?? next;
    return this.#pages.ask(this.#query, { pageState: this.#pageState, rowLimit, token });
  }

  // The last partition is read again from its beginning: a page may have ended in the middle of it.
  #startAtToken(): void {
    this.#after = this.#token === null ? this.#plan.after : this.#token - 1n;
    this.#query = this.#makeQuery();
    this.#pageState = null;
  }

  #makeQuery(): PageQuery {
    const { target, upTo, cursor } = this.#plan;
    return rangeQuery(target, this.#after, upTo, cursor);
  }

  #position(): string {
    const position: RangePosition = {
      format: 1,
      pageState: this.#pageState,
      fingerprint: this.#query.fingerprint,
      after: String(this.#after),
      token: this.#token === null ? null : String(this.#token),
    };
    return JSON.stringify(position);
  }
}
