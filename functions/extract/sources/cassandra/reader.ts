// Reads one token range of a Cassandra table, page by page.
import cassandra from "cassandra-driver";
import type { Batch, SplitReader } from "../source.ts";
import { isPageStateRefused, translateError } from "./errors.ts";
import type { Position } from "./position.ts";
import { type SweepQuery, sweepQuery, type SweepTarget } from "./query.ts";
import type { ToJson } from "./to-json.ts";

export interface RangePlan {
  readonly where: string;
  readonly target: SweepTarget;
  /** A writer for each of the target's columns. */
  readonly writers: readonly ToJson[];
  readonly after: bigint;
  readonly upTo: bigint;
  /** The rows' version. */
  readonly passNumber: number;
  readonly pageRows: number;
}

export class CassandraReader implements SplitReader {
  readonly #client: cassandra.Client;
  readonly #plan: RangePlan;
  readonly #names: readonly string[];
  #after: bigint;
  #query: SweepQuery;
  #pageState: string | null = null;
  #token: bigint | null = null;

  constructor(client: cassandra.Client, plan: RangePlan, position: Position | null) {
    this.#client = client;
    this.#plan = plan;
    this.#names = plan.target.columns.map((name) => JSON.stringify(name));
    this.#after = position === null ? plan.after : BigInt(position.after);
    this.#query = sweepQuery(plan.target, this.#after, plan.upTo);
    if (position === null) return;
    this.#token = position.token === null ? null : BigInt(position.token);
    if (position.fingerprint === this.#query.fingerprint) this.#pageState = position.pageState;
    else this.#startAtToken();
  }

  async next(rowLimit: number): Promise<Batch> {
    try {
      return await this.#readPage(rowLimit);
    } catch (error) {
      if (this.#pageState === null || !isPageStateRefused(error))
        throw translateError(this.#plan.where, error);
    }
    this.#startAtToken();
    try {
      return await this.#readPage(rowLimit);
    } catch (error) {
      throw translateError(this.#plan.where, error);
    }
  }

  /** The cluster holds nothing for a reader. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  // The last partition is read again from its beginning: a page may have ended in the middle of it.
  #startAtToken(): void {
    this.#after = this.#token === null ? this.#plan.after : this.#token - 1n;
    this.#query = sweepQuery(this.#plan.target, this.#after, this.#plan.upTo);
    this.#pageState = null;
  }

  async #readPage(rowLimit: number): Promise<Batch> {
    const observedAt = Date.now();
    const before = performance.now();
    const result = await this.#client.execute(this.#query.text, [...this.#query.parameters], {
      prepare: true,
      isIdempotent: true,
      autoPage: false,
      consistency: cassandra.types.consistencies.localQuorum,
      fetchSize: Math.max(1, Math.min(rowLimit, this.#plan.pageRows)),
      ...(this.#pageState === null ? {} : { pageState: this.#pageState }),
    });
    const sourceMillis = performance.now() - before;
    const suffix = `"version":[${this.#plan.passNumber},0,0],"observed_at":${observedAt},"doc":`;
    const lines = result.rows.map(
      (row) => `{"op":"upsert","id":null,${suffix}${this.#doc(row)}}\n`,
    );
    const last = result.rows.at(-1);
    if (last !== undefined) this.#token = BigInt(String(last.get(this.#names.length)));
    // Typed as text, but absent after the last page.
    const pageState: unknown = result.pageState;
    this.#pageState = typeof pageState === "string" ? pageState : null;
    return {
      lines: Buffer.from(lines.join("")),
      rows: lines.length,
      observedAt,
      sourceMillis,
      position: this.#position(),
      done: this.#pageState === null,
    };
  }

  #doc(row: cassandra.types.Row): string {
    const members = this.#plan.writers.map((write, index) => {
      const value: unknown = row.get(index);
      return `${this.#names[index] ?? ""}:${write(value)}`;
    });
    return `{${members.join(",")}}`;
  }

  #position(): string {
    const position: Position = {
      format: 1,
      pageState: this.#pageState,
      fingerprint: this.#query.fingerprint,
      after: String(this.#after),
      token: this.#token === null ? null : String(this.#token),
    };
    return JSON.stringify(position);
  }
}
