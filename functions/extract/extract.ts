// One link of a lane: reads batches at the pace that the source bears, puts them into objects and records each.
import type { S3Client } from "@aws-sdk/client-s3";
import { z } from "zod";
import type { TableDefinition } from "../../catalog/schema/definition.ts";
import type { Ledger } from "../ledger/ledger.ts";
import {
  ProtocolError,
  SourceAuthenticationError,
  SourceUnavailableError,
} from "../protocol/errors.ts";
import { keys } from "../protocol/keys.ts";
import type { SplitRecord } from "../protocol/records.ts";
import {
  laneStateSchema,
  type LaneState,
  type WorkItem,
  workListSchema,
} from "../protocol/state.ts";
import {
  type GovernorState,
  lanePace,
  type LanePace,
  owedMillis,
  RELAXED,
  restAfterBatch,
  restAfterRefusal,
} from "./governor.ts";
import { DEFAULT_OBJECT_BOUNDS, type ObjectBounds, ObjectWriter } from "./object-writer.ts";
import { isTableProblem, Problems } from "./problems.ts";
import { JsonStore } from "../storage/json-store.ts";
import type { SourceConnections } from "./source-connections.ts";
import type { Batch, SourceClient, SplitReader } from "./sources/source.ts";

export interface ExtractDependencies {
  readonly s3: S3Client;
  readonly bucket: string;
  readonly ledger: Pick<
    Ledger,
    | "readSplit"
    | "recordObject"
    | "renewTableLease"
    | "claimLane"
    | "renewLane"
    | "releaseLane"
    | "holdResource"
    | "forgetResource"
  >;
  readonly readDefinition: (table: string) => Promise<TableDefinition>;
  readonly connections: Pick<SourceConnections, "get" | "renew">;
  /** Milliseconds that this invocation has left. */
  readonly remainingMillis: () => number;
  readonly clock: { now(): number; sleep(millis: number): Promise<void> };
  /** A random id of this invocation, part of the objects' keys. */
  readonly attempt: string;
  readonly log: (message: string, details: Readonly<Record<string, unknown>>) => void;
  readonly objectBounds?: ObjectBounds;
}

// Leases outlive the invocation by this, so that nobody else takes what it still uses when its time is up.
const leaseMarginMillis = 60_000;
// Longer than an object takes, after which the note is renewed, and than a source keeps what is not asked for.
const heldMillis = 10 * 60_000;
const mostSafetyMillis = 45_000;
const safetyShare = 0.2;

/**
 * Reads on from where the lane's state and the ledger say, until the invocation's time or the run's budget is nearly
 * used up or all work is done.
 * @returns the state for the next link
 * @throws FencedError if another run took over; StaleSplitError if another attempt of this link did;
 *   SourceUnavailableError if the source refuses again and again and answered nothing at all in this link;
 *   ProtocolError if the state or the work list has a form that this version does not know
 */
export async function extractLink(
  input: unknown,
  dependencies: ExtractDependencies,
): Promise<LaneState> {
  const state = parseState(input);
  const store = new JsonStore(dependencies);
  const { items } = await store.get(state.work, workListSchema);
  return await new Link(state, items, new Problems(store, state.run), dependencies).run();
}

/** A split was read to its end, or the time for this link or run is up. */
type Outcome = "finished" | "stopped";

interface OpenTable {
  readonly definition: TableDefinition;
  readonly pace: LanePace;
}

class Link {
  readonly #state: LaneState;
  readonly #work: readonly WorkItem[];
  readonly #deps: ExtractDependencies;
  readonly #problems: Problems;
  readonly #safetyMillis: number;
  /** After it this invocation certainly writes no more. */
  readonly #leaseEnd: number;
  readonly #tables = new Map<string, OpenTable>();
  /** Tables given up before the source had answered anything: is it they, or the source? */
  readonly #unanswered = new Map<string, SourceUnavailableError>();
  /** What is open at the source, and since when. */
  readonly #held = new Map<string, number>();
  #rows: number;
  #readMillis: number;
  #restMillis: number;
  #backOffs: number;
  #governor: GovernorState = RELAXED;
  #isBudgetUsed = false;
  #batches = 0;
  #credentialsRenewed = false;
  /** When the source was last asked nothing any more; rests count from here. */
  #idleSince: number;
  #notBefore: number | null = null;

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
    const remainingMillis = deps.remainingMillis();
    this.#safetyMillis = Math.min(mostSafetyMillis, remainingMillis * safetyShare);
    this.#leaseEnd = deps.clock.now() + remainingMillis + leaseMarginMillis;
    this.#rows = state.rows;
    this.#readMillis = state.pace.readMillis;
    this.#restMillis = state.pace.restMillis;
    this.#backOffs = state.pace.backOffs;
    this.#idleSince = deps.clock.now();
  }

  async run(): Promise<LaneState> {
    const { lane, laneToken: token, source, execution } = this.#state;
    const { ledger, attempt } = this.#deps;
    await ledger.claimLane({ source, lane, token, execution, attempt, expiresAt: this.#leaseEnd });
    let index = this.#state.item;
    for (; index < this.#work.length; index += 1) {
      const item = this.#work[index];
      if (item === undefined || (await this.#isGivenUp(item.table))) continue;
      if ((await this.#readItem(item)) === "stopped") break;
    }
    await this.#judgeUnanswered();
    const isDone = index >= this.#work.length || this.#isBudgetUsed;
    if (!isDone) await this.#restWhileTimeLasts();
    this.#countRest();
    // So that other runs can read while this one builds and loads.
    if (isDone) await ledger.releaseLane(source, lane, token, attempt);
    return {
      ...this.#state,
      item: index,
      link: this.#state.link + 1,
      rows: this.#rows,
      pace: {
        readMillis: this.#readMillis,
        restMillis: this.#restMillis,
        backOffs: this.#backOffs,
      },
      done: isDone,
    };
  }

  async #isGivenUp(table: string): Promise<boolean> {
    return this.#unanswered.has(table) || (await this.#problems.has(table));
  }

  // A table that people must mend, or whose own part of the source is away, is left out of this run; the lane's other
  // tables are still read.
  async #readItem(item: WorkItem): Promise<Outcome> {
    try {
      return await this.#readWithFreshCredentials(item);
    } catch (error) {
      if (error instanceof SourceUnavailableError && !this.#hasAnswered())
        this.#unanswered.set(item.table, error);
      else if (error instanceof SourceUnavailableError || isTableProblem(error))
        await this.#leaveOut(item.table, error);
      else throw error;
      return "finished";
    }
  }

  /** Only rows count as an answer: a cluster can describe an index that it cannot search. */
  #hasAnswered(): boolean {
    return this.#batches > 0;
  }

  async #judgeUnanswered(): Promise<void> {
    for (const [table, error] of this.#unanswered) {
      if (!this.#hasAnswered()) throw error;
      await this.#leaveOut(table, error);
    }
  }

  async #leaveOut(table: string, error: Error): Promise<void> {
    const { source, lane } = this.#state;
    this.#deps.log("The table cannot be read in this run.", {
      table,
      errorName: error.name,
      reason: error.message,
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
      if (!(await this.#deps.connections.renew(definition.source))) throw error;
      return await this.#readSplit(item);
    }
  }

  async #readSplit(item: WorkItem): Promise<Outcome> {
    const split = await this.#deps.ledger.readSplit(item.table, item.pass, item.split);
    if (split.done) return "finished";
    const table = await this.#openTable(item);
    if (this.#mustStop(table)) return "stopped";
    const client = await this.#deps.connections.get(table.definition.source);
    const reader = await this.#ask(table, () => this.#open(client, table, item, split));
    if (reader === null) return "stopped";
    try {
      return await new SplitExtraction(item, split, reader, this.#deps, {
        ask: (question) => this.#ask(table, question),
        onBatch: (batch) => {
          this.#afterBatch(batch, table.pace);
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
    await this.#deps.ledger.renewTableLease(item.table, item.token, this.#leaseEnd);
    const definition = await this.#deps.readDefinition(item.table);
    const opened = { definition, pace: lanePace(definition.source.budget) };
    this.#tables.set(item.table, opened);
    // What the link before read without resting for it is rested for first.
    this.#notBefore ??=
      this.#idleSince + owedMillis(this.#readMillis, this.#restMillis, this.#rows, opened.pace);
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
          await ledger.forgetResource(source, resource);
        },
      },
      warn: (message, details) => {
        this.#deps.log(message, { ...details, table: item.table, split: item.split });
      },
    });
  }

  /**
   * Asks the source once it has rested, and again more slowly where it refuses. Null if the time is up before it
   * answered.
   */
  async #ask<T>(table: OpenTable, question: () => Promise<T>): Promise<T | null> {
    for (;;) {
      if (this.#mustStop(table)) return null;
      await this.#rest();
      const before = this.#deps.clock.now();
      try {
        const answer = await question();
        this.#idleSince = this.#deps.clock.now();
        return answer;
      } catch (error) {
        this.#idleSince = this.#deps.clock.now();
        if (!(error instanceof SourceUnavailableError)) throw error;
        this.#afterRefusal(error, this.#idleSince - before, table.pace);
      }
    }
  }

  #mustStop({ definition }: OpenTable): boolean {
    const { startedAt, link } = this.#state;
    const now = this.#deps.clock.now();
    const restUntil = Math.max(now, this.#notBefore ?? now);
    const { maxSecondsPerRun } = definition.source.budget;
    const isUsed = restUntil - startedAt >= maxSecondsPerRun * 1000;
    // However little time there is, a run reads one batch, or it would never come to an end.
    if (isUsed && (this.#batches > 0 || link > 0)) {
      this.#isBudgetUsed = true;
      return true;
    }
    const isLate = this.#deps.remainingMillis() - (restUntil - now) < this.#safetyMillis;
    return isLate && (this.#batches > 0 || restUntil > now);
  }

  async #rest(): Promise<void> {
    const { clock } = this.#deps;
    const millis = (this.#notBefore ?? 0) - clock.now();
    if (millis > 0) await clock.sleep(millis);
    this.#countRest();
  }

  // A rest longer than the time left is rested as far as it goes; the next link rests the remainder.
  async #restWhileTimeLasts(): Promise<void> {
    const { clock, remainingMillis } = this.#deps;
    const due = (this.#notBefore ?? 0) - clock.now();
    const millis = Math.min(due, remainingMillis() - this.#safetyMillis);
    if (millis > 0) await clock.sleep(millis);
  }

  #countRest(): void {
    const now = this.#deps.clock.now();
    this.#restMillis += Math.max(0, now - this.#idleSince);
    this.#idleSince = now;
  }

  #afterBatch(batch: Batch, pace: LanePace): void {
    const { state, restMillis } = restAfterBatch(batch, this.#governor, pace);
    this.#governor = state;
    this.#batches += 1;
    this.#readMillis += batch.sourceMillis;
    this.#notBefore = this.#idleSince + restMillis;
  }

  #afterRefusal(error: SourceUnavailableError, askedMillis: number, pace: LanePace): void {
    const next = restAfterRefusal(askedMillis, this.#governor, pace);
    this.#readMillis += askedMillis;
    if (next === null) {
      this.#notBefore = this.#idleSince + owedMillis(askedMillis, 0, 0, pace);
      // The next table is asked as patiently if the source is known to be there, otherwise only once.
      if (this.#hasAnswered()) this.#governor = { ...this.#governor, refusals: 0 };
      throw error;
    }
    this.#governor = next.state;
    this.#backOffs += 1;
    this.#notBefore = this.#idleSince + next.restMillis;
    this.#deps.log("The source refuses or is slow; asking again after a rest.", {
      source: this.#state.source,
      restMillis: Math.round(next.restMillis),
      refusals: next.state.refusals,
      reason: error.message,
    });
  }

  async #renew(item: WorkItem): Promise<void> {
    const { source, lane, laneToken } = this.#state;
    const { ledger, attempt } = this.#deps;
    await ledger.renewTableLease(item.table, item.token, this.#leaseEnd);
    await ledger.renewLane(source, lane, laneToken, attempt, this.#leaseEnd);
    await this.#renewHeld();
  }

  async #renewHeld(): Promise<void> {
    const { source, execution } = this.#state;
    const expiresAt = this.#deps.clock.now() + heldMillis;
    for (const [resource, openedAt] of this.#held)
      await this.#deps.ledger.holdResource({ source, resource, execution, openedAt, expiresAt });
  }
}

interface ExtractionHooks {
  ask<T>(question: () => Promise<T>): Promise<T | null>;
  onBatch(batch: Batch): void;
  /** Throws if this attempt may not record any more. */
  beforeRecord(): Promise<void>;
  onRecorded(rows: number): void;
}

/** The reading of one split in one link: batches into objects, objects into the ledger. */
class SplitExtraction {
  readonly #item: WorkItem;
  readonly #reader: SplitReader;
  readonly #deps: ExtractDependencies;
  readonly #hooks: ExtractionHooks;
  readonly #bounds: ObjectBounds;
  #split: SplitRecord;
  #writer: ObjectWriter | null = null;
  #position: string | null;

  constructor(
    item: WorkItem,
    split: SplitRecord,
    reader: SplitReader,
    deps: ExtractDependencies,
    hooks: ExtractionHooks,
  ) {
    this.#item = item;
    this.#split = split;
    this.#reader = reader;
    this.#deps = deps;
    this.#hooks = hooks;
    this.#bounds = deps.objectBounds ?? DEFAULT_OBJECT_BOUNDS;
    this.#position = split.position;
  }

  async run(): Promise<Outcome> {
    for (;;) {
      const batch = await this.#nextBatch();
      if (batch === null) {
        await this.#finishObject(false);
        return "stopped";
      }
      this.#hooks.onBatch(batch);
      this.#writer ??= new ObjectWriter(this.#deps.clock.now());
      await this.#writer.add(batch);
      this.#position = batch.position;
      if (batch.done || this.#writer.isFull(this.#bounds, this.#deps.clock.now()))
        await this.#finishObject(batch.done);
      if (batch.done) return "finished";
    }
  }

  // Whatever ends the reading, what was read before it is kept.
  async #nextBatch(): Promise<Batch | null> {
    try {
      return await this.#hooks.ask(() => this.#reader.next(Number.MAX_SAFE_INTEGER));
    } catch (error) {
      if (error instanceof SourceUnavailableError || isTableProblem(error))
        await this.#finishObject(false);
      throw error;
    }
  }

  async #finishObject(done: boolean): Promise<void> {
    const writer = this.#writer;
    this.#writer = null;
    const rows = writer?.rows ?? 0;
    // Empty pages move the position too, and must not be read again by each link.
    if (rows === 0 && !done && this.#position === this.#split.position) return;
    await this.#hooks.beforeRecord();
    const { table, token, pass, split } = this.#item;
    const sequence = this.#split.objects;
    const object =
      writer === null || rows === 0
        ? null
        : {
            ...(await writer.put(
              this.#deps.s3,
              this.#deps.bucket,
              keys.object({ table, pass, split, sequence, token, attempt: this.#deps.attempt }),
            )),
            rows,
            op: this.#item.kind === "rows" ? ("upsert" as const) : ("key" as const),
            pass,
            split,
            sequence,
            observedFrom: writer.observed.from,
            observedTo: writer.observed.to,
          };
    this.#split = await this.#deps.ledger.recordObject({
      table,
      token,
      before: this.#split,
      position: this.#position,
      done,
      object,
    });
    this.#hooks.onRecorded(rows);
  }
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
  const number = Number(/^(?:rows|keys)-(\d+)$/.exec(pass)?.[1]);
  if (Number.isSafeInteger(number)) return number;
  throw new ProtocolError(`The pass "${pass}" has no number; ids are "rows-1" or "keys-1".`);
}
