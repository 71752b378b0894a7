// Reads the partitions of some time buckets of a Cassandra table by their exact keys, page by page.
import type { Batch, SplitReader } from "../source.ts";
import { type BucketUnit, bucketStart } from "./buckets.ts";
import type { Page, Pages } from "./pages.ts";
import type { BucketPosition } from "./position.ts";
import { type PageQuery, partitionQuery, type Target } from "./query.ts";

export interface BucketPlan {
  readonly target: Target;
  readonly unit: BucketUnit;
  /** The partition key's column that holds the bucket. */
  readonly column: string;
  readonly write: (start: number) => unknown;
  /** What the partition key's other columns hold, one entry for each partition of a bucket; never empty. */
  readonly others: readonly (readonly { readonly column: string; readonly value: unknown }[])[];
  /** First moment of the first bucket, milliseconds since 1970. */
  readonly from: number;
  /** Buckets that begin before it are read. */
  readonly to: number;
}

export class BucketReader implements SplitReader {
  readonly #pages: Pages;
  readonly #plan: BucketPlan;
  #bucket: number;
  #partition = 0;
  #pageState: string | null = null;

  constructor(pages: Pages, plan: BucketPlan, position: BucketPosition | null) {
    this.#pages = pages;
    this.#plan = plan;
    this.#bucket = position?.bucket ?? plan.from;
    if (position === null) return;
    // Other values than those that were read so far make other partitions: then the bucket is read from its first one.
    this.#partition = Math.min(position.partition, plan.others.length - 1);
    if (position.fingerprint !== this.#query().fingerprint) this.#partition = 0;
    else if (position.pageState === null) this.#advance();
    else this.#pageState = position.pageState;
  }

  async next(rowLimit: number): Promise<Batch> {
    let query = this.#query();
    let page = await this.#ask(query, rowLimit);
    if (page === null) {
      this.#pageState = null;
      query = this.#query();
      page = await this.#ask(query, rowLimit);
    }
    if (page === null) throw new Error("a page state was rejected, but none was given");
    const { lines, rows, observedAt, sourceMillis, pageState } = page;
    this.#pageState = pageState;
    const position = this.#position(query);
    if (pageState === null) this.#advance();
    return {
      ...{ lines, rows, observedAt, sourceMillis, position },
      done: this.#bucket >= this.#plan.to,
    };
  }

  reached(): { cursor: string; unit: "ms" } {
    return { cursor: String(this.#bucket), unit: "ms" };
  }

  /** The cluster holds nothing for a reader. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  #ask(query: PageQuery, rowLimit: number): Promise<Page | null> {
    return this.#pages.ask(query, { pageState: this.#pageState, rowLimit, token: null });
  }

  #query(): PageQuery {
    const { target, column, write, others } = this.#plan;
    const bucket = { column, value: write(this.#bucket) };
    return partitionQuery(target, [bucket, ...(others[this.#partition] ?? [])]);
  }

  #advance(): void {
    this.#pageState = null;
    this.#partition += 1;
    if (this.#partition < this.#plan.others.length) return;
    this.#partition = 0;
    this.#bucket = bucketStart(this.#plan.unit, this.#bucket, 1);
  }

  #position({ fingerprint }: PageQuery): string {
    const position: BucketPosition = {
      ...{ format: 1, pageState: this.#pageState, fingerprint },
      ...{ bucket: this.#bucket, partition: this.#partition },
    };
    return JSON.stringify(position);
  }
}
