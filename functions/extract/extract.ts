// One invocation of a lane: reads batches at the pace that the source allows, puts them into objects and records each.
import type { S3Client } from "@aws-sdk/client-s3";
import { z } from "zod";
import type { SourceDefinition, TableDefinition } from "../../catalog/definition.ts";
import type { Ledger } from "../../stores/ledger/ledger.ts";
import {
  ProtocolError,
  SourceAuthenticationError,
  SourceUnavailableError,
} from "../../contract/errors.ts";
import type { SplitRecord } from "../../contract/records.ts";
import {
  type LaneEnd,
  laneStateSchema,
  type LaneState,
  type WorkItem,
  workListSchema,
} from "../../contract/state.ts";
import { isOpenThroughout } from "../source-access/hours.ts";
import { type LanePace, lanePace } from "./governor/pace.ts";
import type { ObjectBounds } from "./object-writer.ts";
import { type Clock, Pacer } from "./pacer.ts";
import { isTableProblem, Problems } from "./problems.ts";
import { ReadingNotes } from "./reading-notes.ts";
import { JsonStore } from "../../stores/bucket/json-store.ts";
import type { SourceConnections } from "../source-access/source-connections.ts";
import {
  type Batch,
  type SourceClient,
  SourceOverloadedError,
  SourceUnreachableError,
  type SplitReader,
} from "../../sources/source.ts";
import { type Outcome, SplitExtraction } from "./split-extraction.ts";

/** What an invocation does with the ledger. */
export interface ExtractLedger {
  readonly leases: Pick<Ledger["leases"], "renew">;
  readonly lanes: Pick<Ledger["lanes"], "claim" | "renew" | "release">;
  readonly splits: Pick<Ledger["splits"], "read">;
  readonly transactions: Pick<Ledger["transactions"], "recordObject">;
  readonly resources: Pick<Ledger["resources"], "hold" | "forget">;
  readonly pauses: Pick<Ledger["pauses"], "give" | "read">;
  readonly readings: Pick<Ledger["readings"], "note">;
}

export interface ExtractDependencies {
  readonly s3: S3Client;
  readonly bucket: string;
  readonly ledger: ExtractLedger;
  readonly readDefinition: (table: string) => Promise<TableDefinition>;
  readonly connections: Pick<SourceConnections, "get" | "renew">;
  /** Milliseconds that this invocation has left. */
  readonly remainingMillis: () => number;
  readonly clock: Clock;
  /** A random id of this invocation, part of the objects' keys. */
  readonly attempt: string;
  readonly log: (message: string, details: Readonly<Record<string, unknown>>) => void;
  readonly objectBounds?: ObjectBounds;
}

// Leases outlive the invocation by this, so that nobody else takes what it still uses when its time is up.
const LEASE_MARGIN_MILLIS = 60_000;
// Longer than an object takes, after which the note is renewed, and than a source keeps what is not asked for.
const HELD_MILLIS = 10 * 60_000;
const MOST_SAFETY_MILLIS = 45_000;
const SAFETY_SHARE = 0.2;
// In which a cluster can recover, and another run does not have to try; short enough for the next scheduled run to try again.
const SOURCE_PAUSE_MILLIS = 2 * 60_000;
const LONGEST_REASON = 500;
// A rotation is followed for this long before the table is left out.
const SECRET_LOOK_MILLIS = 2000;
const MOST_SECRET_LOOKS = 10;

/**
 * Reads on from where the lane's state and the ledger say, until the invocation's time or the run's budget is nearly
 * used up, the source's hours close, it rejects requests again and again, or all work is done.
 * @returns the state for the next invocation
 * @throws FencedError if another run took over; StaleSplitError if another attempt of this invocation did;
 *   SourceUnavailableError if the source rejects requests again and again and gave no response at all in this run;
 *   ProtocolError if the state or the work list has a form that this version does not know
 */
export async function runInvocation(
  input: unknown,
  dependencies: ExtractDependencies,
): Promise<LaneState> {
  const state = parseState(input);
  const store = new JsonStore(dependencies);
  const { items } = await store.get(state.work, workListSchema);
  return await new Invocation(state, items, new Problems(store, state.run), dependencies).run();
}

interface OpenTable {
  readonly definition: TableDefinition;
  readonly pace: LanePace;
}

class Invocation {
  readonly #state: LaneState;
  readonly #work: readonly WorkItem[];
  readonly #deps: ExtractDependencies;
  readonly #problems: Problems;
  readonly #pacer: Pacer;
  readonly #notes: ReadingNotes;
  readonly #safetyMillis: number;
  /** After it this invocation certainly writes no more. */
  readonly #leaseEnd: number;
  readonly #tables = new Map<string, OpenTable>();
  /** Tables whose requests were rejected too often, with no response since: is it they, or the source? */
  readonly #rejected = new Map<string, SourceUnavailableError>();
  /** What is open at the source, and since when. */
  readonly #held = new Map<string, number>();
  #rows: number;
  #credentialsRenewed = false;
  /** Why the lane's reading in this run is over; null while it is not. */
  #ended: LaneEnd | null = null;

  constructor(
    state: LaneState,
    work: readonly WorkItem[],
    problems: Problems,
    deps: ExtractDependencies,
  ) {
    this.#state = state;
    this.#work = work;
    this.#deps = deps;
    this.#problems = problems;
    this.#pacer = new Pacer(state, deps.clock);
    this.#notes = new ReadingNotes({
      write: (note) => deps.ledger.readings.note(state.source, state.lane, note),
      ...{ clock: deps.clock, log: deps.log },
    });
    const remainingMillis = deps.remainingMillis();
    this.#safetyMillis = Math.min(MOST_SAFETY_MILLIS, remainingMillis * SAFETY_SHARE);
    this.#leaseEnd = deps.clock.now() + remainingMillis + LEASE_MARGIN_MILLIS;
    this.#rows = state.rows;
  }

  async run(): Promise<LaneState> {
    try {
      return await this.#run();
    } finally {
      await this.#notes.end();
    }
  }

  async #run(): Promise<LaneState> {
    const { lane, laneToken: token, source, execution } = this.#state;
    const { ledger, attempt } = this.#deps;
    await ledger.lanes.claim({
      source,
      lane,
      token,
      execution,
      attempt,
      expiresAt: this.#leaseEnd,
    });
    await this.#honourPause();
    let index = this.#state.item;
    for (; index < this.#work.length; index += 1) {
      const item = this.#work[index];
      if (item === undefined || (await this.#isGivenUp(item.table))) continue;
      if ((await this.#readItem(item)) === "stopped") break;
    }
    await this.#decideOnRejected();
    if (index >= this.#work.length) this.#ended ??= "done";
    const isDone = this.#ended !== null;
    if (!isDone) await this.#pacer.pauseFor(this.#deps.remainingMillis() - this.#safetyMillis);
    const account = this.#pacer.account();
    // So that other runs can read while this one builds and loads.
    if (isDone) await ledger.lanes.release(source, lane, token, attempt);
    return {
      ...this.#state,
      ...account,
      item: index,
      invocation: this.#state.invocation + 1,
      rows: this.#rows,
      done: isDone,
      ended: this.#ended,
    };
  }

  async #isGivenUp(table: string): Promise<boolean> {
    return this.#rejected.has(table) || (await this.#problems.has(table));
  }

  // A table that people must fix, or whose own part of the source is away, is left out of this run; the lane's other
  // tables are still read.
  async #readItem(item: WorkItem): Promise<Outcome> {
    try {
      return await this.#readWithFreshCredentials(item);
    } catch (error) {
      if (error instanceof SourceUnavailableError) return this.#afterGivingUp(item, error);
      if (!isTableProblem(error)) throw error;
      await this.#leaveOut(item.table, error);
      return "finished";
    }
  }

  // The next table is asked once: does the source respond at all? Not if two tables found it unable to.
  #afterGivingUp(item: WorkItem, error: SourceUnavailableError): Outcome {
    this.#rejected.set(item.table, error);
    const unable = [...this.#rejected.values()].filter(isAboutSource);
    return unable.length > 1 ? "stopped" : "finished";
  }

  /** The tables whose requests were rejected are the trouble, since the source responded to another one's. */
  async #clearSource(): Promise<void> {
    if (this.#rejected.size === 0) return;
    for (const [table, error] of this.#rejected) await this.#leaveOut(table, error);
    this.#rejected.clear();
    this.#pacer.forgetRejections();
  }

  /**
   * The tables whose requests were rejected last, with no response since, either end the lane as it is, for the source
   * needs a pause, or are left out.
   * @throws SourceUnavailableError if the source gave no response at all in this run
   */
  async #decideOnRejected(): Promise<void> {
    const errors = [...this.#rejected.values()];
    const [first] = errors;
    if (first === undefined) return;
    if (!this.#pacer.hasResponded) {
      await this.#recordPause(this.#pacer.pauseUntil, first);
      throw first;
    }
    const about = errors.find(isAboutSource);
    if (about === undefined) await this.#clearSource();
    else {
      await this.#recordPause(this.#deps.clock.now() + SOURCE_PAUSE_MILLIS, about);
      this.#ended = "rejections";
    }
  }

  /** Has other lanes and runs leave the source alone. */
  async #recordPause(until: number, error: Error): Promise<void> {
    const { source, run } = this.#state;
    const reason = error.message.slice(0, LONGEST_REASON);
    this.#deps.log("The source rejects requests too often and is given a pause.", {
      ...{ source, reason, until: new Date(until).toISOString() },
    });
    await this.#deps.ledger.pauses.give(source, { until, run, reason });
  }

  /** True if a lane, this one before or another one, found that the source needs a pause, which is kept then. */
  async #honourPause(): Promise<boolean> {
    const pause = await this.#deps.ledger.pauses.read(this.#state.source);
    if (pause === undefined || pause.until <= this.#deps.clock.now()) return false;
    this.#pacer.pauseAtLeastUntil(pause.until);
    return true;
  }

  async #leaveOut(table: string, error: Error): Promise<void> {
    const { source, lane } = this.#state;
    this.#deps.log("The table cannot be read in this run.", {
      table,
      errorName: error.name,
      reason: error.message,
      error,
    });
    await this.#problems.record({
      table,
      source,
      lane,
      error: error.name,
      message: error.message,
    });
  }

  async #readWithFreshCredentials(item: WorkItem): Promise<Outcome> {
    try {
      return await this.#readSplit(item);
    } catch (error) {
      if (!(error instanceof SourceAuthenticationError) || this.#credentialsRenewed) throw error;
      this.#credentialsRenewed = true;
      const { definition } = await this.#openTable(item);
      if (!(await this.#findNewSecret(definition.source))) throw error;
      return await this.#readSplit(item);
    }
  }

  /** A rotation changes the password at the source and then the secret, or the other way round: both take a moment. */
  async #findNewSecret(source: SourceDefinition): Promise<boolean> {
    for (let looks = 1; ; looks += 1) {
      if (await this.#deps.connections.renew(source)) return true;
      if (looks === MOST_SECRET_LOOKS) return false;
      await this.#deps.clock.sleep(SECRET_LOOK_MILLIS);
    }
  }

  async #readSplit(item: WorkItem): Promise<Outcome> {
    const split = await this.#deps.ledger.splits.read(item.table, item.pass, item.split);
    if (split.done) return "finished";
    const table = await this.#openTable(item);
    if (this.#mustStop(table)) return "stopped";
    const client = await this.#deps.connections.get(table.definition.source);
    const reader = await this.#ask(table, false, () => this.#open(client, table, item, split));
    if (reader === null) return "stopped";
    try {
      return await new SplitExtraction(item, split, reader, this.#deps, {
        rowLimit: () => this.#pacer.rowLimit(table.definition.source.budget.pageRows),
        ask: (request) => this.#ask(table, true, request),
        onBatch: (batch, rows) => {
          this.#note(item, rows, reader);
          return this.#afterBatch(item, batch, table.pace);
        },
        beforeRecord: () => this.#renew(item),
        onRecorded: (rows) => {
          this.#rows += rows;
        },
      }).run();
    } finally {
      await reader.close();
    }
  }

  async #openTable(item: WorkItem): Promise<OpenTable> {
    const known = this.#tables.get(item.table);
    if (known !== undefined) return known;
    await this.#deps.ledger.leases.renew(item.table, item.token, this.#leaseEnd);
    const definition = await this.#deps.readDefinition(item.table);
    const opened = { definition, pace: lanePace(definition.source.budget) };
    this.#tables.set(item.table, opened);
    this.#pacer.begin(opened.pace);
    return opened;
  }

  #open(
    client: SourceClient,
    { definition }: OpenTable,
    item: WorkItem,
    split: SplitRecord,
  ): Promise<SplitReader> {
    const { ledger } = this.#deps;
    const { source } = this.#state;
    return client.open({
      table: definition,
      kind: item.kind,
      passNumber: passNumber(item.pass),
      bounds: split.bounds,
      position: split.position,
      held: {
        opened: async (resource) => {
          this.#held.set(resource, this.#deps.clock.now());
          await this.#renewHeld();
        },
        closed: async (resource) => {
          this.#held.delete(resource);
          await ledger.resources.forget(source, resource);
        },
      },
      warn: (message, details) => {
        this.#deps.log(message, { ...details, table: item.table, split: item.split });
      },
    });
  }

  /**
   * Asks the source once it has paused, and again more slowly where it rejects the request. Null if the lane must stop
   * before there is a response.
   * @throws SourceUnavailableError if it rejected requests too often
   */
  async #ask<T>(table: OpenTable, isBatch: boolean, request: () => Promise<T>): Promise<T | null> {
    for (;;) {
      if (this.#mustStop(table)) return null;
      await this.#pacer.pause();
      const askedAt = this.#deps.clock.now();
      try {
        const response = await request();
        this.#pacer.responded(askedAt, isBatch);
        return response;
      } catch (error) {
        if (!(error instanceof SourceUnavailableError)) {
          this.#pacer.responded(askedAt, false);
          throw error;
        }
        await this.#afterRejection(error, askedAt, table);
      }
    }
  }

  #mustStop({ definition }: OpenTable): boolean {
    const { startedAt, invocation } = this.#state;
    const { pauseUntil, batches, expectedMillis } = this.#pacer;
    const now = this.#deps.clock.now();
    const { maxSecondsPerRun, hours } = definition.source.budget;
    if (this.#ended !== null) return true;
    if (hours !== null && !isOpenThroughout(hours, now, pauseUntil + expectedMillis)) {
      this.#ended = "hours";
      return true;
    }
    const isUsed = pauseUntil - startedAt >= maxSecondsPerRun * 1000;
    // However little time there is, a run reads one batch, or it would never come to an end.
    if (isUsed && (batches > 0 || invocation > 0)) {
      this.#ended = "time";
      return true;
    }
    const isLate = this.#deps.remainingMillis() - (pauseUntil - now) < this.#safetyMillis;
    return isLate && (batches > 0 || pauseUntil > now);
  }

  #note(
    { table, pass, split }: WorkItem,
    rows: { readonly split: number; readonly open: number },
    reader: SplitReader,
  ): void {
    const { run, startedAt } = this.#state;
    this.#notes.offer((at) => {
      const laneRows = this.#rows + rows.open;
      return {
        ...{ run, table, pass, split, splitRows: rows.split, laneRows, at },
        rowsPerSecond: (laneRows * 1000) / Math.max(1, at - startedAt),
        reached: reader.reached?.() ?? null,
      };
    });
  }

  async #afterBatch(item: WorkItem, batch: Batch, pace: LanePace): Promise<void> {
    const { sourceMillis, rows, lines, responseBytes: bytes = lines.length } = batch;
    const of = `${item.table}/${item.kind}`;
    if (this.#pacer.afterBatch(of, { sourceMillis, rows, bytes }, pace))
      this.#deps.log("The source is slower than usual; reading less and more slowly.", {
        ...{ source: this.#state.source, table: item.table, sourceMillis, rows, bytes },
      });
    await this.#clearSource();
  }

  async #afterRejection(
    error: SourceUnavailableError,
    askedAt: number,
    { definition, pace }: OpenTable,
  ): Promise<void> {
    const { pauseMillis, state, giveUp } = this.#pacer.afterRejection(askedAt, pace);
    // Another lane may have found already that the source needs a pause: this one does not need to find it out as well.
    const isPaused = await this.#honourPause();
    if (giveUp !== null || (isPaused && this.#pacer.hasResponded)) throw error;
    this.#deps.log("The source rejects requests or is slow; asking again after a pause.", {
      source: this.#state.source,
      table: definition.name,
      pauseMillis: Math.round(pauseMillis),
      rejections: state.rejections,
      reason: error.message,
    });
  }

  async #renew(item: WorkItem): Promise<void> {
    const { source, lane, laneToken } = this.#state;
    const { ledger, attempt } = this.#deps;
    await ledger.leases.renew(item.table, item.token, this.#leaseEnd);
    await ledger.lanes.renew(source, lane, laneToken, attempt, this.#leaseEnd);
    await this.#renewHeld();
  }

  async #renewHeld(): Promise<void> {
    const { source, execution } = this.#state;
    const expiresAt = this.#deps.clock.now() + HELD_MILLIS;
    for (const [id, openedAt] of this.#held)
      await this.#deps.ledger.resources.hold(source, { id, execution, openedAt, expiresAt });
  }
}

/** True if requests for any other table would be rejected too. */
function isAboutSource(error: SourceUnavailableError): boolean {
  return error instanceof SourceOverloadedError || error instanceof SourceUnreachableError;
}

function parseState(input: unknown): LaneState {
  const parsed = laneStateSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  const found = z.looseObject({ format: z.json() }).safeParse(input);
  const format = found.success ? JSON.stringify(found.data.format) : "missing";
  throw new ProtocolError(
    `The lane's state is not of format 1 (its format is ${format}): ` +
      `${z.prettifyError(parsed.error)}. Start a new run with the deployed version.`,
  );
}

function passNumber(pass: string): number {
  const number = Number(/^(?:rows|keys|late)-(\d+)$/.exec(pass)?.[1]);
  if (Number.isSafeInteger(number)) return number;
  throw new ProtocolError(`The pass "${pass}" has no number; ids are "rows-1" or "keys-1".`);
}
