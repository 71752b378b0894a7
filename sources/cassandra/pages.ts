// Asks a Cassandra table for one page and writes its rows as object lines.
import cassandra from "cassandra-driver";
import type { ObjectLine } from "../../contract/object-line.ts";
import { isPageStateRejected } from "./errors.ts";
import { afterPage, rowsToAsk, type RowSize } from "./page-size.ts";
import type { PageQuery } from "./query.ts";
import { rawRowsOf } from "./raw-rows.ts";
import { lineHead, RowWriter } from "./row-writer.ts";

/** What all pages of a reader have in common. */
export interface PagePlan {
  /** Names source and table, for messages. */
  readonly where: string;
  readonly op: ObjectLine["op"];
  /** The names of the columns that a line's document has: the first that each query selects. */
  readonly columns: readonly string[];
  /** Which of the selected columns' nulls are counted; null for none. */
  readonly countedColumn: number | null;
  /** The rows' version. */
  readonly passNumber: number;
  readonly pageRows: number;
  /** What is known of the rows' size, kept from one reader of a table to the next. */
  readonly size: { value: RowSize | null };
  /** The driver's error as ours. */
  readonly explain: (where: string, error: unknown) => Promise<Error>;
}

export interface Page {
  readonly lines: Buffer;
  readonly rows: number;
  /** Of the last row; null without rows. */
  readonly lastToken: bigint | null;
  /** Rows whose counted column is null. */
  readonly nulls: number;
  /** When it was asked for, milliseconds since 1970. */
  readonly observedAt: number;
  readonly sourceMillis: number;
  /** Where the query goes on; null after its last page. */
  readonly pageState: string | null;
}

export class Pages {
  readonly #client: cassandra.Client;
  readonly #plan: PagePlan;
  readonly #writer: RowWriter;

  constructor(client: cassandra.Client, plan: PagePlan) {
    this.#client = client;
    this.#plan = plan;
    this.#writer = new RowWriter(plan.columns, plan.countedColumn);
  }

  /**
   * The next page, or null if the cluster rejects the page state.
   * @param token a token whose replicas shall respond; where it is null, the query's own partition key decides
   */
  async ask(
    query: PageQuery,
    at: { pageState: string | null; rowLimit: number; token: bigint | null },
  ): Promise<Page | null> {
    try {
      return await this.#ask(query, at);
    } catch (error) {
      if (at.pageState !== null && isPageStateRejected(error)) return null;
      throw await this.#plan.explain(this.#plan.where, error);
    }
  }

  async #ask(
    query: PageQuery,
    at: { pageState: string | null; rowLimit: number; token: bigint | null },
  ): Promise<Page> {
    const { pageRows, size } = this.#plan;
    const askedRows = rowsToAsk(size.value, Math.min(at.rowLimit, pageRows));
    const options: cassandra.QueryOptions = {
      prepare: true,
      isIdempotent: true,
      autoPage: false,
      consistency: cassandra.types.consistencies.localQuorum,
      fetchSize: askedRows,
      ...(at.pageState === null ? {} : { pageState: at.pageState }),
    };
    if (at.token !== null) Object.assign(options, this.#routing(at.token));
    const observedAt = Date.now();
    const before = performance.now();
    const result = await this.#client.execute(query.text, [...query.parameters], options);
    const sourceMillis = performance.now() - before;
    const { op, passNumber } = this.#plan;
    const head = lineHead(op, passNumber, observedAt);
    const written = this.#writer.write(rawRowsOf(result), head);
    const { rows, lines } = written;
    size.value = afterPage(size.value, { askedRows, rows, bytes: lines.length });
    // Typed as text, but missing after the last page.
    const pageState: unknown = result.pageState;
    return {
      ...written,
      observedAt,
      sourceMillis,
      pageState: typeof pageState === "string" ? pageState : null,
    };
  }

  // The driver takes a token here too, from which it finds the replicas; its types know of the key's bytes only.
  #routing(token: bigint): object {
    return { routingKey: this.#client.metadata.newToken(String(token)) };
  }
}
