// Reads a whole index, for a table that has no cursor: in an order that outlives a lost point in time.
import { SourceUnavailableError } from "../../contract/errors.ts";
import type { Batch, OpenRequest, SplitReader } from "../source.ts";
import type { ElasticsearchConnection } from "./connection.ts";
import type { FieldSelection } from "./fields.ts";
import { identifyIndices, type TieBreaker, uniqueSort } from "./inspection.ts";
import type { SearchLoad } from "./load.ts";
import type { WholePosition } from "./position.ts";
import { type RowSize, PointInTimePages } from "./point-in-time-pages.ts";

/** What is read, decided before the first request. */
export interface WholePlan {
  readonly index: string;
  /** The fields of the table's key if all of them can be sorted by, or null. */
  readonly keyFields: readonly TieBreaker[] | null;
  readonly fields: FieldSelection;
  readonly pageRows: number;
  readonly load: SearchLoad;
}

const bySequence = ["_seq_no"];
const MOST_SWAPS = 3;

/**
 * Reads in the order of `_seq_no`: a change only ever moves a document forward in it, so that nothing can slip behind
 * the place that was reached, and it is the cheapest order that a cluster can sort by (a third of a keyword's). A new
 * point in time goes on at the last number, inclusive; rows that come twice fall out by key.
 *
 * The numbers mean something in their own index only. When an alias or pattern stands for other indices than before,
 * all is read again from the beginning, now in the order of the key, which holds in any index; where the key cannot be
 * sorted by (`_id` cannot), by number again.
 */
export class WholeReader implements SplitReader {
  readonly #connection: ElasticsearchConnection;
  readonly #plan: WholePlan;
  readonly #warn: OpenRequest["warn"];
  readonly #pages: PointInTimePages;
  /** True once the indices have changed while they were read by number. */
  #isByKey = false;
  /** The last row's values of the order's fields; null before the first row. */
  #after: readonly string[] | null = null;
  /** Those values where reading in the present point in time began; null before its first row. */
  #began: readonly string[] | null = null;
  /** `_shard_doc` of the last row read in the present point in time. */
  #shardDoc: string | null = null;
  #indices: string | null = null;
  #isDone = false;

  constructor(
    connection: ElasticsearchConnection,
    plan: WholePlan,
    position: WholePosition | null,
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
    this.#pages = new PointInTimePages(
      connection,
      { index, op: "upsert", version: "observation", fields, pageRows, load },
      held,
      rowSize,
    );
    if (position === null) return;
    this.#isByKey = !areEqual(position.order, bySequence);
    this.#after = position.after;
    this.#indices = position.indices;
    if (position.pit === null) return;
    this.#pages.adopt(position.pit);
    this.#began = position.after;
    this.#shardDoc = position.pit.shardDoc;
  }

  async next(rowLimit: number): Promise<Batch> {
    if (this.#pages.isOld && !this.#isStuck()) await this.#pages.close();
    return this.#pages.survivingLoss(
      () => this.#readPage(rowLimit),
      () => {
        if (this.#isStuck()) this.#warnOfRepeatedRows();
        this.#shardDoc = null;
        return Promise.resolve();
      },
    );
  }

  async close(): Promise<void> {
    if (!this.#isDone && this.#isStuck()) return;
    await this.#pages.close().catch(() => undefined);
  }

  /** True if rows were read in the present point in time, all with the same values: a new one would repeat them. */
  #isStuck(): boolean {
    return this.#shardDoc !== null && areEqual(this.#after, this.#began);
  }

  async #readPage(rowLimit: number): Promise<Batch> {
    const { openedAt } = this.#pages.pit ?? (await this.#openPointInTime());
    const { page, askedRows, sourceMillis, responseBytes } = await this.#pages.read(rowLimit, {
      query: '{"match_all":{}}',
      sort: [...this.#sort(), '{"_shard_doc":"asc"}'],
      // -1 comes before every document, so that a new point in time goes on at the values, not after them.
      after: this.#after === null ? null : [...this.#after, this.#shardDoc ?? "-1"],
    });
    if (page.rows > 0) {
      this.#after = page.lastSort.slice(0, -1);
      this.#shardDoc = page.lastSort.at(-1) ?? null;
    }
    this.#isDone = page.rows < askedRows;
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

  #order(): string[] {
    const { keyFields } = this.#plan;
    return this.#isByKey && keyFields !== null ? keyFields.map(namesOf) : [...bySequence];
  }

  #sort(): string[] {
    const { keyFields } = this.#plan;
    return this.#isByKey && keyFields !== null
      ? keyFields.map(uniqueSort)
      : bySequence.map((name) => `{"${name}":"asc"}`);
  }

  #position(): WholePosition {
    const pit = this.#pages.pit;
    const shardDoc = this.#isDone || !this.#isStuck() ? null : this.#shardDoc;
    return {
      format: 1,
      order: this.#order(),
      after: this.#after === null ? null : [...this.#after],
      indices: this.#indices,
      pit:
        pit !== null && shardDoc !== null ? { id: pit.id, openedAt: pit.openedAt, shardDoc } : null,
    };
  }

  async #openPointInTime(): Promise<{ readonly openedAt: number }> {
    const opened = this.#isByKey ? await this.#pages.open() : await this.#openKnownIndices();
    this.#began = this.#after;
    this.#shardDoc = null;
    return opened;
  }

  /** Opens a point in time of which it is certain which indices it shows. */
  async #openKnownIndices(): Promise<{ readonly openedAt: number }> {
    const { index } = this.#plan;
    let before = await identifyIndices(this.#connection, index);
    for (let swaps = 0; swaps < MOST_SWAPS; swaps += 1) {
      const opened = await this.#pages.open();
      const after = await identifyIndices(this.#connection, index);
      if (after === before) {
        if (this.#indices !== null && this.#indices !== after) this.#beginAgain();
        this.#indices = after;
        return opened;
      }
      await this.#pages.close();
      before = after;
    }
    throw new SourceUnavailableError(
      `Source index "${index}" stood for other indices at each look, so that no reading of it could begin. ` +
        "It is tried again; look for what makes and removes its indices.",
    );
  }

  #beginAgain(): void {
    this.#after = null;
    this.#isByKey = this.#plan.keyFields !== null;
    if (this.#isByKey) return;
    this.#warn(
      "The indices behind the name are others than before, and are read from the beginning. Where that happens more " +
        "often than a pass takes, the reading never ends: give the table a key that can be sorted by.",
      { index: this.#plan.index },
    );
  }

  #warnOfRepeatedRows(): void {
    this.#warn(
      "The point in time was lost among documents with the same values of the key, which are read again. A key " +
        "identifies one row: make the documents' keys distinct, and none of them empty.",
      { index: this.#plan.index, order: this.#order(), values: this.#after },
    );
  }
}

/** True if what the position says still holds: its order is by number, or that of the key as it is now. */
export function isPositionOf(
  { order }: WholePosition,
  keyFields: readonly TieBreaker[] | null,
): boolean {
  return areEqual(order, bySequence) || areEqual(order, keyFields?.map(namesOf) ?? null);
}

const namesOf = ({ field }: TieBreaker): string => field;

function areEqual(one: readonly string[] | null, other: readonly string[] | null): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
