// Starts a run of the state machine and follows it to its end, showing what it does.
import { GetObjectCommand, NoSuchKey } from "@aws-sdk/client-s3";
import { DescribeExecutionCommand, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { openLedger, type Ledger } from "../stores/ledger/ledger.ts";
import { decisionSchema } from "../contract/decision.ts";
import { keys } from "../contract/keys.ts";
import type { RunRecord } from "../contract/run.ts";
import { lastLines } from "../local/toolchain/log-tail.ts";
import type { Connection } from "./connection.ts";
import { formatCount, type Output } from "./output.ts";
import { passProgress } from "./reading-progress.ts";
import { openPasses } from "../contract/passes.ts";

const POLL_MILLIS = 500;

const planSchema = z.object({
  tables: z.array(z.object({ table: z.string(), source: z.string() })),
});
type PlannedTable = z.infer<typeof planSchema>["tables"][number];

export interface FinishedRun {
  readonly run: string;
  readonly status: string;
  readonly seconds: number;
  /** What the run recorded, if it came that far. */
  readonly record: RunRecord | undefined;
  /** The execution's own cause, if it failed. */
  readonly cause: string | undefined;
}

/**
 * Starts a run over the named tables (none: all) and waits for its end.
 * @throws Error if it cannot be started
 */
export async function runPipeline(
  connection: Connection,
  tables: readonly string[],
  output: Output,
): Promise<FinishedRun> {
  const run = `run-${new Date().toISOString().replace(/[-:.]/g, "").toLowerCase()}`;
  const startedAt = Date.now();
  const started = await connection.sfn.send(
    new StartExecutionCommand({
      stateMachineArn: connection.deployment.stateMachineArn,
      name: run,
      input: JSON.stringify(tables.length === 0 ? {} : { tables }),
    }),
  );
  const ledger = openLedger({
    client: connection.dynamodb,
    tableName: connection.deployment.ledger,
  });
  const watcher = new RunWatcher(connection, ledger, run);
  for (;;) {
    const execution = await connection.sfn.send(
      new DescribeExecutionCommand({ executionArn: started.executionArn }),
    );
    if (execution.status !== "RUNNING") {
      return {
        run,
        status: execution.status ?? "UNKNOWN",
        seconds: (Date.now() - startedAt) / 1000,
        record: await ledger.runs.read(run),
        cause: execution.cause ?? execution.error,
      };
    }
    const seconds = Math.round((Date.now() - startedAt) / 1000);
    output.progress(`${run}  ${String(seconds)} s  ${await watcher.look()}`);
    await delay(POLL_MILLIS);
  }
}

/** Shows what a run does now, from what its steps have written so far. */
class RunWatcher {
  readonly #connection: Connection;
  readonly #ledger: Ledger;
  readonly #run: string;
  #tables: readonly PlannedTable[] | undefined;
  #committed = false;
  #built = false;
  readonly #firstRows = new Map<string, number>();
  readonly #extractFrom = Date.now();

  constructor(connection: Connection, ledger: Ledger, run: string) {
    this.#connection = connection;
    this.#ledger = ledger;
    this.#run = run;
  }

  async look(): Promise<string> {
    if (this.#tables === undefined) {
      const text = await this.#read(keys.runPlan(this.#run));
      if (text === undefined) return "planning";
      this.#tables = planSchema.parse(JSON.parse(text)).tables;
    }
    this.#committed ||= (await this.#read(keys.runCommit(this.#run))) !== undefined;
    if (!this.#committed) return `extracting  ${await this.#extraction(this.#tables)}`;
    this.#built ||= (await this.#isNothingToBuild()) || (await this.#isBuilt());
    if (!this.#built) return `building  ${this.#buildStep()}`;
    return "loading";
  }

  async #isBuilt(): Promise<boolean> {
    return (await this.#read(keys.buildResult(this.#run))) !== undefined;
  }

  async #isNothingToBuild(): Promise<boolean> {
    const text = await this.#read(keys.runDecision(this.#run));
    return text !== undefined && !decisionSchema.parse(JSON.parse(text)).build;
  }

  /** Rows read so far per table, and the rate of all since the run began to read. */
  async #extraction(tables: readonly PlannedTable[]): Promise<string> {
    const parts: string[] = [];
    let newRows = 0;
    const sources = [...new Set(tables.map(({ source }) => source))];
    const notes = (
      await Promise.all(sources.map((source) => this.#ledger.readings.list(source)))
    ).flatMap((all) => all.filter(({ run }) => run === this.#run));
    for (const { table } of tables) {
      const progress = await this.#ledger.progress.read(table);
      let rows = 0;
      let done = 0;
      let splits = 0;
      const reached: string[] = [];
      for (const pass of openPasses(progress)) {
        const records = await this.#ledger.splits.list(table, pass);
        const now = passProgress(table, pass.id, records, notes);
        rows += now.rows;
        done += now.done;
        splits += now.splits;
        // A split that is done is not being read any more.
        if (now.done < now.splits) reached.push(...now.reached);
      }
      if (!this.#firstRows.has(table)) this.#firstRows.set(table, rows);
      newRows += rows - (this.#firstRows.get(table) ?? 0);
      if (splits > 0) {
        const at = reached.length === 0 ? "" : `, at ${reached.join(" and ")}`;
        parts.push(
          `${table} ${formatCount(rows)} rows, ${String(done)}/${String(splits)} splits${at}`,
        );
      }
    }
    const rate = Math.round((newRows * 1000) / Math.max(1, Date.now() - this.#extractFrom));
    return `${formatCount(rate)} rows/s  ${parts.join("  ")}`;
  }

  /** The build's own last line; its log is at hand only on this machine. */
  #buildStep(): string {
    const folder = this.#connection.local?.logFolder;
    if (folder === undefined) return `(Glue job ${this.#connection.deployment.buildJob})`;
    const logs = readdirSync(folder)
      .filter((name) => name.startsWith("glue-"))
      .map((name) => join(folder, name))
      .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
    const newest = logs[0];
    if (newest === undefined) return "starting Spark";
    return (
      lastLines(newest, 200)
        .filter((line) => line.startsWith("build "))
        .at(-1) ?? "starting Spark"
    );
  }

  async #read(key: string): Promise<string | undefined> {
    try {
      const response = await this.#connection.s3.send(
        new GetObjectCommand({ Bucket: this.#connection.deployment.bucket, Key: key }),
      );
      return await response.Body?.transformToString();
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      throw error;
    }
  }
}
