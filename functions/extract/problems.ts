// Tables that cannot be read in this run: kept in the bucket, since a lane's state stays constant in size.
import { CatalogError } from "../../catalog/errors.ts";
import {
  ProtocolError,
  SourceAuthenticationError,
  SourceConfigurationError,
} from "../../contract/errors.ts";
import { extractProblemSchema, type ExtractProblem } from "../../contract/extract-problem.ts";
import { keys } from "../../contract/keys.ts";
import type { JsonStore } from "../../stores/bucket/json-store.ts";

const LONGEST_MESSAGE = 4000;

/** True for an error that lasts until people fix the table or its source, so that only this table is left out. */
export function isTableProblem(error: unknown): error is Error {
  return (
    error instanceof SourceConfigurationError ||
    error instanceof SourceAuthenticationError ||
    error instanceof ProtocolError ||
    error instanceof CatalogError
  );
}

/** The problems of one run, each table looked up once. */
export class Problems {
  readonly #store: JsonStore;
  readonly #run: string;
  readonly #known = new Map<string, boolean>();

  constructor(store: JsonStore, run: string) {
    this.#store = store;
    this.#run = run;
  }

  /** True if an earlier invocation, or another lane, gave the table up in this run. */
  async has(table: string): Promise<boolean> {
    const known = this.#known.get(table);
    if (known !== undefined) return known;
    const found = await this.#store.find(
      keys.extractProblem(this.#run, table),
      extractProblemSchema,
    );
    this.#known.set(table, found !== undefined);
    return found !== undefined;
  }

  async record(problem: Omit<ExtractProblem, "format" | "run" | "at">): Promise<void> {
    const { table } = problem;
    const stored: ExtractProblem = {
      ...problem,
      format: 1,
      run: this.#run,
      message: problem.message.slice(0, LONGEST_MESSAGE),
      at: new Date().toISOString(),
    };
    await this.#store.put(keys.extractProblem(this.#run, table), stored);
    this.#known.set(table, true);
  }
}
