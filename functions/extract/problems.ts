// Tables that cannot be read in this run: kept in the bucket, since a lane's state stays constant in size.
import { z } from "zod";
import { CatalogError } from "../../catalog/errors.ts";
import {
  ProtocolError,
  SourceAuthenticationError,
  SourceConfigurationError,
} from "../../contract/errors.ts";
import type { JsonStore } from "../../stores/bucket/json-store.ts";

/** Where all problems of a run stand, one file a table. */
export const problemPrefix = (run: string): string => `runs/${run}/problems/`;

export const problemKey = (run: string, table: string): string =>
  `${problemPrefix(run)}${table}.json`;

export const problemSchema = z.strictObject({
  format: z.literal(1),
  run: z.string(),
  table: z.string(),
  source: z.string(),
  lane: z.int().nonnegative(),
  /** The error's name. */
  error: z.string(),
  message: z.string(),
  /** ISO 8601, UTC. */
  at: z.string(),
});
export type Problem = z.infer<typeof problemSchema>;

const longestMessage = 4000;

/** True for an error that lasts until people mend the table or its source, so that only this table is left out. */
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

  /** True if an earlier link, or another lane, gave the table up in this run. */
  async has(table: string): Promise<boolean> {
    const known = this.#known.get(table);
    if (known !== undefined) return known;
    const found = await this.#store.find(problemKey(this.#run, table), problemSchema);
    this.#known.set(table, found !== undefined);
    return found !== undefined;
  }

  async record(problem: Omit<Problem, "format" | "run" | "at">): Promise<void> {
    const { table } = problem;
    const stored: Problem = {
      ...problem,
      format: 1,
      run: this.#run,
      message: problem.message.slice(0, longestMessage),
      at: new Date().toISOString(),
    };
    await this.#store.put(problemKey(this.#run, table), stored);
    this.#known.set(table, true);
  }
}
