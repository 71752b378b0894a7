// Runs Plan, the invocations of the lanes, Commit and Report as the state machine would, each in a process that can be lost.
import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { z } from "zod";
import type { LoadBudgetDefinition, TableDefinition } from "../../../catalog/definition.ts";
import { commitRun } from "../../../functions/commit/commit.ts";
import { runInvocation } from "../../../functions/extract/extract.ts";
import type { SourceClient } from "../../../sources/source.ts";
import { openLedger, type Ledger } from "../../../stores/ledger/ledger.ts";
import { planRun } from "../../../functions/plan/plan.ts";
import { keys } from "../../../contract/keys.ts";
import { type LaneState, laneStateSchema } from "../../../contract/state.ts";
import { commitFileSchema, planFileSchema } from "../../../contract/run-files.ts";
import type { LaneResult } from "../../../contract/lane-result.ts";
import type { ReportInput } from "../../../functions/report/input.ts";
import { reportRun } from "../../../functions/report/report.ts";
import { JsonStore } from "../../../stores/bucket/json-store.ts";
import { makeStores } from "../store-fixtures.ts";
import { type Faults, LambdaProcess, RETURNS, type StepName, throughProcess } from "./faults.ts";
import { letLanesExpire } from "./expired-lanes.ts";
import {
  batchMillis,
  type Clock,
  type Elsewhere,
  isAway,
  nameOf,
  realClock,
  RunClock,
  type RunOptions,
  StepLostError,
} from "./run.ts";
import { differences, type LiveTable, type Rows } from "./live-table.ts";
import { applyManifests, readManifests } from "./merge.ts";

/** The window of an index without rows ends there. */
const emptyWatermark = String(-(2n ** 63n));
/** Batches that an invocation may read before its time is up, and those that make an object full. */
const invocationBatches = 3;
const objectBatches = 2;
const realInvocationMillis = 300_000;
const realObjectBounds = { maxBytes: 20_000, maxMillis: 60_000 };
/** A source that rejected requests again and again is left alone for minutes. */
const mostRealMillis = 400_000;
const betweenRealRunsMillis = 500;
const mostRuns = 15;
const mostInvocations = 200;
const mostAttempts = 5;

/** Errors that the state machine tries a step again for. */
const retried: Readonly<Record<StepName, readonly string[]>> = {
  plan: ["StaleProgressError"],
  invocation: ["SourceUnavailableError", "StaleSplitError"],
  commit: [],
  report: [],
};

/** The AWS clients of one process, and what is built on them. */
interface Parts {
  readonly s3: S3Client;
  readonly ledger: Ledger;
  readonly store: JsonStore;
}

export interface Address {
  readonly endpoint: string;
  readonly bucket: string;
  readonly ledgerTable: string;
}

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

export class World {
  readonly address: Address;
  readonly faults: Faults;
  /** Executions that run. */
  readonly running = new Set<string>();
  readonly #tables: readonly LiveTable[];
  readonly #sockets: { s3: S3Client; dynamodb: DynamoDBClient };
  readonly #plain: Parts;
  readonly #zombies: Promise<unknown>[] = [];
  readonly #connection: object;
  #elsewhere: { step: StepName; attempt: (event: unknown) => Promise<Elsewhere> } | null = null;
  #runs = 0;

  private constructor(
    address: Address,
    connection: {
      endpoint: string;
      region: string;
      credentials: { accessKeyId: string; secretAccessKey: string };
    },
    tables: readonly LiveTable[],
    faults: Faults,
  ) {
    this.address = address;
    this.#connection = connection;
    this.#tables = tables;
    this.faults = faults;
    this.#sockets = {
      s3: new S3Client({ ...connection, forcePathStyle: true }),
      dynamodb: new DynamoDBClient(connection),
    };
    this.#plain = this.#partsOf(null);
  }

  /** A world of its own in the emulator: an empty bucket and ledger. */
  static async make(
    endpoint: string,
    tables: readonly LiveTable[],
    faults: Faults,
  ): Promise<World> {
    const { bucket, tableName } = await makeStores(endpoint);
    const credentials = { accessKeyId: "test", secretAccessKey: "test" };
    const connection = { endpoint, region: "eu-west-1", credentials };
    return new World({ endpoint, bucket, ledgerTable: tableName }, connection, tables, faults);
  }

  get ledger(): Ledger {
    return this.#plain.ledger;
  }

  /** One execution of the state machine, without build and load. Nothing is thrown for what befalls it. */
  async run(options: RunOptions = {}): Promise<void> {
    this.#runs += 1;
    const run = `run-${this.#runs}`;
    const execution = `arn:aws:states:eu-west-1:123456789012:execution:sluice:${run}`;
    const clock = options.isRealTime === true ? realClock : new RunClock();
    const sources = this.#tables.map((table) => table.definition({}).source.name);
    const { ledgerTable } = this.address;
    await letLanesExpire(this.#sockets.dynamodb, ledgerTable, sources, this.running);
    this.running.add(execution);
    const failed: ReportInput["failed"] = [];
    let lanes: LaneResult[] = [];
    const remember = (step: "plan" | "commit", error: unknown): void => {
      if (error instanceof StepLostError && error.isAborted) throw error;
      if (!(error instanceof StepLostError) && !this.#isExpected(nameOf(error))) throw error;
      failed.push({ step, error: nameOf(error), cause: String(error) });
    };
    try {
      const planned = await this.#plan(run, execution, options).catch((error: unknown) => {
        remember("plan", error);
        return null;
      });
      if (planned !== null) {
        lanes = await this.#lanes(planned, clock, options);
        await this.#commit(run, execution).catch((error: unknown) => {
          remember("commit", error);
        });
      }
      const startedAt = new Date().toISOString();
      await this.#step("report", null, reportedSchema, ({ ledger, store }) =>
        reportRun(
          { run, execution, startedAt, lanes, load: [], failed },
          {
            ...{ ledger, store, log: quiet, deployment: "sluice" },
            emitMetrics: () => undefined,
            publish: undefined,
          },
        ),
      );
    } catch (error) {
      if (!(error instanceof StepLostError)) throw error;
    } finally {
      this.running.delete(execution);
    }
  }

  /** Runs until each table was read completely by passes that began after this call. */
  async settle(options: RunOptions = {}): Promise<void> {
    const since = Date.now() + 1;
    const deadline = Date.now() + (options.isRealTime === true ? mostRealMillis : 0);
    for (let runs = 0; runs < mostRuns || Date.now() < deadline; runs += 1) {
      while (Date.now() <= since) await new Promise(setImmediate);
      await this.run(options);
      const isSettled = await Promise.all(this.#tables.map((table) => this.#isRead(table, since)));
      if (isSettled.every(Boolean)) return;
      if (options.isRealTime === true) await setTimeout(betweenRealRunsMillis);
    }
    const progress = await Promise.all(
      this.#tables.map(({ name }) => this.ledger.progress.read(name)),
    );
    const last = `run-${this.#runs}`;
    const plan = await this.#plain.store.find(keys.runPlan(last), z.json());
    const commit = await this.#plain.store.find(keys.runCommit(last), z.json());
    throw new Error(
      `the tables were not read completely in ${mostRuns} runs: ${JSON.stringify({ progress, plan, commit })}`,
    );
  }

  /** Lets all zombies go on, and waits for their ends. */
  async endZombies(): Promise<void> {
    this.faults.releaseAll();
    await Promise.all(this.#zombies.splice(0));
  }

  /**
   * In what the manifests differ from each table's source, or from a model of it; nothing, if nothing was lost.
   */
  async differences(model?: Rows): Promise<string[]> {
    const found: string[] = [];
    for (const table of this.#tables) {
      const definition = table.definition({});
      const { s3, ledger } = this.#plain;
      const manifests = await readManifests(
        { s3, ledger, bucket: this.address.bucket },
        definition,
      );
      const expected = model ?? (await table.rows());
      for (const batch of [1, 2, manifests.length]) {
        const rows = applyManifests(definition, manifests, batch);
        const some = differences(expected, rows).slice(0, 5);
        found.push(...some.map((one) => `${table.name}, ${batch} manifests at once: ${one}`));
      }
    }
    return found;
  }

  /** What the ledger still notes as open at the sources. */
  async openResources(): Promise<number> {
    const sources = new Set(this.#tables.map((table) => table.definition({}).source.name));
    let open = 0;
    for (const source of sources) open += (await this.ledger.resources.list(source)).length;
    return open;
  }

  destroy(): void {
    this.#sockets.s3.destroy();
    this.#sockets.dynamodb.destroy();
  }

  async #plan(run: string, execution: string, options: RunOptions): Promise<LaneState[]> {
    const definitions = this.#tables
      .filter(({ name }) => options.tables?.includes(name) ?? true)
      .map((table) => this.#definition(table, options));
    const { lanes } = await this.#step(
      "plan",
      { run, execution },
      plannedSchema,
      ({ ledger, store }) =>
        planRun(
          { run, execution },
          {
            ...{ ledger, store, log: quiet, nowMillis: Date.now() },
            isRunning: (other) => Promise.resolve(this.running.has(other)),
            readDefinitions: () => Promise.resolve({ definitions, broken: [] }),
            connect: (source) => Promise.resolve(this.#clientOf(source.name)),
          },
        ),
    );
    const { problems } = await this.#plain.store.get(keys.runPlan(run), planFileSchema);
    const [problem] = problems.filter(
      ({ error }) => !this.#isExpected(error) && !isAway(error, options),
    );
    if (problem !== undefined)
      throw new Error(`${problem.name}: ${problem.error}: ${problem.message}`);
    return lanes;
  }

  async #commit(run: string, execution: string): Promise<void> {
    await this.#step("commit", { run, execution }, committedSchema, ({ ledger, store }) =>
      commitRun({ run, execution }, { ledger, store, log: quiet }),
    );
    const { tables } = await this.#plain.store.get(keys.runCommit(run), commitFileSchema);
    for (const one of tables)
      if (one.status === "failed" && !this.#isExpected(one.error))
        throw new Error(`${one.table} was not committed: ${one.error}: ${one.message}`);
  }

  /** True for what a zombie may do to others: they notice, and a later run does the rest. */
  #isExpected(error: string): boolean {
    return this.faults.hasStruck && ["FencedError", "StaleProgressError"].includes(error);
  }

  async #lanes(
    planned: readonly LaneState[],
    clock: Clock,
    options: RunOptions,
  ): Promise<LaneResult[]> {
    const startedAt = clock.now();
    const results: LaneResult[] = [];
    if (options.areLanesParallel !== true) {
      for (const lane of planned)
        results.push(await this.#lane({ ...lane, startedAt }, clock, options));
      return results;
    }
    const chains = planned.map((lane) => this.#lane({ ...lane, startedAt }, clock, options));
    // When the execution is stopped the invocations of its other lanes run on, as Lambdas do.
    this.#zombies.push(Promise.allSettled(chains));
    return await Promise.all(chains);
  }

  async #lane(first: LaneState, clock: Clock, options: RunOptions): Promise<LaneResult> {
    let state = first;
    try {
      for (let invocations = 0; !state.done; invocations += 1) {
        if (invocations === mostInvocations)
          throw new Error(`the lane did not end in ${mostInvocations} invocations`);
        const input = state;
        state = await this.#step("invocation", input, laneStateSchema, (parts, process) =>
          this.#invocation(input, clock, options, parts, process),
        );
      }
      const { source, lane, invocation: invocations, rows, pace, ended } = state;
      return { status: "done", source, lane, invocations, rows, pace, ended };
    } catch (error) {
      if (error instanceof StepLostError && error.isAborted) throw error;
      const isExpected =
        error instanceof StepLostError ||
        nameOf(error) === "StaleSplitError" ||
        this.#isExpected(nameOf(error)) ||
        isAway(nameOf(error), options);
      if (!isExpected) throw error;
      const name = error instanceof StepLostError ? "Sandbox.Timedout" : nameOf(error);
      const { source, lane } = first;
      return { status: "failed", source, lane, error: name, cause: "" };
    }
  }

  #invocation(
    state: LaneState,
    clock: Clock,
    options: RunOptions,
    { s3, ledger }: Parts,
    process: LambdaProcess,
  ): Promise<LaneState> {
    const isReal = options.isRealTime === true;
    const invocationMillis = isReal ? realInvocationMillis : invocationBatches * batchMillis * 1.25;
    const end = clock.now() + invocationMillis;
    const client = (source: string): SourceClient =>
      this.#clientIn(this.#clientOf(source), clock, options, process);
    return runInvocation(state, {
      ...{ s3, ledger, bucket: this.address.bucket, clock },
      readDefinition: (name) => Promise.resolve(this.#definition(this.#table(name), options)),
      connections: {
        get: (source) => Promise.resolve(client(source.name)),
        renew: () => Promise.resolve(false),
      },
      remainingMillis: () => end - clock.now(),
      attempt: randomUUID().slice(0, 8),
      log: () => undefined,
      objectBounds: isReal
        ? realObjectBounds
        : { maxBytes: 1e9, maxMillis: (objectBatches - 1) * batchMillis },
    });
  }

  /** The source as one process sees it: its batches take their time, and none comes to a dead process. */
  #clientIn(
    client: SourceClient,
    clock: Clock,
    options: RunOptions,
    process: LambdaProcess,
  ): SourceClient {
    return {
      planWindow: (...args) => client.planWindow(...args),
      planRows: (...args) => client.planRows(...args),
      planKeys: (...args) => client.planKeys(...args),
      describe: (...args) => client.describe(...args),
      discover: (...args) => client.discover(...args),
      release: (resource) => client.release(resource),
      close: () => client.close(),
      open: async (request) => {
        const reader = await client.open(request);
        return {
          next: async (...args) => {
            await process.gate();
            await options.beforeBatch?.();
            options.onBatch?.(1);
            const batch = await reader.next(...args).finally(() => options.onBatch?.(-1));
            if (options.isRealTime !== true) await clock.sleep(batchMillis);
            await process.gate();
            return batch;
          },
          close: () => reader.close(),
        };
      },
    };
  }

  /** Has the next attempt of a step made by somebody else, in a process of its own. */
  nextInProcess(step: StepName, attempt: (event: unknown) => Promise<Elsewhere>): void {
    this.#elsewhere = { step, attempt };
  }

  /** @returns the response of a process of its own, if this step was to be made in one and that came to its end */
  async #stepElsewhere(step: StepName, event: unknown): Promise<{ response: unknown } | null> {
    if (this.#elsewhere?.step !== step) return null;
    const { attempt } = this.#elsewhere;
    this.#elsewhere = null;
    const ended = await attempt(event);
    if ("response" in ended) return ended;
    if (ended.lost === "abort") throw new StepLostError(step, true);
    return null;
  }

  /** Tries a step as often as the state machine would, each time in a new process. */
  async #step<T>(
    step: StepName,
    event: unknown,
    responses: z.ZodType<T>,
    body: (parts: Parts, process: LambdaProcess) => Promise<T>,
  ): Promise<T> {
    const elsewhere = await this.#stepElsewhere(step, event);
    if (elsewhere !== null) return responses.parse(elsewhere.response);
    for (let attempt = 1; ; attempt += 1) {
      const process = new LambdaProcess(this.faults, step);
      const response = body(this.#partsOf(process), process).then((value) =>
        process.carryOut(RETURNS, () => Promise.resolve(value)),
      );
      const ended = response.then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      );
      const outcome = await Promise.race([ended, process.lost.then((fault) => ({ fault }))]);
      if ("value" in outcome) return outcome.value;
      if ("fault" in outcome) {
        const { kind, resume } = outcome.fault;
        if (kind === "zombie") this.#zombies.push(ended);
        if (resume !== "retry") throw new StepLostError(step, resume === "abort");
      } else if (!retried[step].includes(nameOf(outcome.error)) || attempt >= mostAttempts)
        throw outcome.error;
    }
  }

  #partsOf(process: LambdaProcess | null): Parts {
    const { s3: sockets, dynamodb: dynamodbSockets } = this.#sockets;
    const through = (inner: S3Client["config"]["requestHandler"]) =>
      process === null ? inner : throughProcess(inner, process);
    const s3 = new S3Client({
      ...this.#connection,
      forcePathStyle: true,
      requestHandler: through(sockets.config.requestHandler),
    });
    const dynamodb = new DynamoDBClient({
      ...this.#connection,
      requestHandler: through(dynamodbSockets.config.requestHandler),
    });
    const { bucket, ledgerTable } = this.address;
    return {
      s3,
      ledger: openLedger({ client: dynamodb, tableName: ledgerTable }),
      store: new JsonStore({ s3, bucket }),
    };
  }

  #definition(table: LiveTable, options: RunOptions): TableDefinition {
    const { batches = 1e6, lanes = 2, pageRows = 7 } = options;
    const budget: Partial<LoadBudgetDefinition> = {
      lanes,
      pageRows,
      maxSecondsPerRun: (batches * batchMillis) / 1000 - 0.5,
    };
    return table.definition(budget);
  }

  #table(name: string): LiveTable {
    const table = this.#tables.find((one) => one.name === name);
    if (table === undefined) throw new Error(`there is no table ${name}`);
    return table;
  }

  #clientOf(source: string): SourceClient {
    const table = this.#tables.find((one) => one.definition({}).source.name === source);
    if (table === undefined) throw new Error(`there is no source ${source}`);
    return table.client;
  }

  async #isRead(table: LiveTable, since: number): Promise<boolean> {
    const { ledger, store } = this.#plain;
    const { lastManifest, watermark, passes } = await ledger.progress.read(table.name);
    const needed = new Set(["rows"]);
    // Nothing is read of an index that has never held a row.
    const isEmpty =
      watermark === emptyWatermark && passes.rows === undefined && (await table.rows()).size === 0;
    if (isEmpty) needed.delete("rows");
    const { deletes, cursor } = table.definition({});
    if (deletes.strategy === "key-scan") needed.add("keys");
    if (cursor?.lateRows != null && !isEmpty) needed.add("late");
    for (let number = lastManifest; number >= 1 && needed.size > 0; number -= 1) {
      const entry = await ledger.progress.readManifest(table.name, number);
      if (entry === undefined) return false;
      const { completed } = await store.get(entry.key, completedSchema);
      for (const { kind, startedAt } of completed) if (startedAt >= since) needed.delete(kind);
    }
    return needed.size === 0;
  }
}

const plannedSchema = z.object({ lanes: z.array(laneStateSchema) });
const committedSchema = z.object({ manifests: z.int() });
const reportedSchema = z.object({
  status: z.enum(["succeeded", "failed"]),
  failed: z.array(z.string()),
});
const completedSchema = z.looseObject({
  completed: z.array(z.looseObject({ kind: z.string(), startedAt: z.number() })),
});
