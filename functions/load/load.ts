// Loads one table: each call does the next small thing, found anew from what the warehouse and the lake hold.
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Definition } from "../../catalog/schema/definition.ts";
import type { Delta } from "../protocol/delta.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { decideDeltas, type DeltaDecision } from "./decide-deltas.ts";
import { readFacts, type Facts } from "./facts.ts";
import { nextAction, type Step, type Target } from "./next-action.ts";
import { done, failed, wait, type LoadInput, type LoadResult, type Started } from "./result.ts";
import { setUpStatements } from "./sql.ts";
import { StatementError, StillRunningError, type Warehouse } from "./warehouse.ts";

/** What the load touches, each a small thing that can be replaced. */
export interface LoadParts {
  /** Null if the deployment has no warehouse. */
  readonly warehouse: Warehouse | null;
  readonly copyRole: string;
  readonly readDefinition: (table: string) => Promise<Definition>;
  /** The content id that readers of the lake see, or null before the first build. */
  readonly readContentId: (table: string) => Promise<string | null>;
  readonly readDelta: (table: string, snapshot: string) => Promise<Delta | null>;
  readonly manifestUrl: (delta: Delta) => string;
  readonly writeCopyManifest: (delta: Delta) => Promise<void>;
  readonly requestReplace: (table: string) => Promise<void>;
}

/** About two and a half hours at ten seconds each; the next run goes on from there. */
const MAX_POLLS = 900;

/** Somebody else is in the way for a moment, not for this long. */
const MAX_TRANSIENT_POLLS = 60;

/** A transaction that ends within this time needs no further call. */
const STEP_MILLIS = 3000;

/** How the warehouse says that somebody else was in the way and that trying again is right. */
const TRANSIENT = /\b1023\b|serializ|deadlock|concurrent(ly)? (update|transaction)|conflict/i;

/** How it says that the trouble was the moment's or its own, so that another delta would fare no better. */
const NOT_THE_DELTA = /abort|cancel|time(d )?out|connection|disk full|out of memory/i;

/**
 * Does the next things for a table until one takes longer, or nothing is left.
 *
 * @param deadline when to stop beginning new things, milliseconds since 1970
 * @throws ProtocolError, CatalogError if a delta, the lake's metadata or the definition can't be understood
 */
export async function load(
  input: LoadInput,
  deadline: number,
  parts: LoadParts,
): Promise<LoadResult> {
  const { warehouse } = parts;
  if (warehouse === null) return done(input, "no warehouse");
  if (input.polls >= MAX_POLLS) {
    if (input.statement !== undefined) await warehouse.cancel(input.statement);
    return failed(input, `not finished after ${input.polls} polls; the next run goes on`);
  }
  const table = new TableLoad(input, deadline, parts, warehouse);
  try {
    return await table.proceed();
  } catch (error) {
    if (error instanceof StillRunningError) return table.goOnLater();
    if (error instanceof StatementError) return failed(input, error.message);
    throw error;
  }
}

class TableLoad {
  readonly #input: LoadInput;
  readonly #deadline: number;
  readonly #parts: LoadParts;
  readonly #warehouse: Warehouse;
  readonly #deltas = new Map<string, Delta | null>();
  #started: Started | undefined;

  constructor(input: LoadInput, deadline: number, parts: LoadParts, warehouse: Warehouse) {
    this.#input = input;
    this.#deadline = deadline;
    this.#parts = parts;
    this.#warehouse = warehouse;
    const { statement, step = "" } = input;
    if (statement !== undefined) this.#started = { statement, step };
  }

  /** With the last statement, so that the next call knows of it if it failed. */
  goOnLater(): LoadResult {
    return wait(this.#input, this.#started);
  }

  async proceed(): Promise<LoadResult> {
    if (this.#started === undefined) return this.#loop();
    const { statement, step } = this.#started;
    const outcome = await this.#warehouse.check(statement);
    if (outcome.status === "running") return this.goOnLater();
    return this.#loop(outcome.status === "failed" ? { step, error: outcome.error } : undefined);
  }

  /** @param last the step that ended last without success: if it is still to be done, it really can't be */
  async #loop(last?: { step: string; error: string }): Promise<LoadResult> {
    const { table } = this.#input;
    const definition = await this.#parts.readDefinition(table);
    if (definition.publish === null) return done(this.#input, "not published");
    const contentId = await this.#parts.readContentId(table);
    if (contentId === null) return done(this.#input, "not built yet");
    const target: Target = {
      definition,
      layout: definition.publish,
      copyRole: this.#parts.copyRole,
      manifestUrl: this.#parts.manifestUrl,
    };
    let previous = last;
    while (Date.now() < this.#deadline) {
      const facts = await this.#facts();
      const action = nextAction(target, facts, await this.#decide(contentId, facts));
      if (action.do === "done") return done(this.#input, `at ${contentId}`);
      if (action.do === "request-replace") return this.#requestReplace(action.reason);
      const { step } = action;
      if (previous?.step === step.id) return this.#giveUp(step, previous.error, contentId);
      const outcome = await this.#run(step);
      if (outcome.status === "running") return this.goOnLater();
      previous = { step: step.id, error: outcome.error };
    }
    return this.goOnLater();
  }

  async #facts(): Promise<Facts> {
    const { table } = this.#input;
    const query = (sql: string): Promise<(string | null)[][]> =>
      this.#warehouse.query(sql, this.#deadline);
    const facts = await readFacts(table, query);
    if (facts.isSetUp) return facts;
    for (const sql of setUpStatements()) await this.#setUp(sql);
    return readFacts(table, query);
  }

  /** Loads of several tables may set up at the same time. */
  async #setUp(sql: string): Promise<void> {
    for (;;) {
      try {
        await this.#warehouse.execute(sql, this.#deadline);
        return;
      } catch (error) {
        if (!(error instanceof StatementError)) throw error;
        if (/already exists|duplicate key/i.test(error.message)) return;
        if (!TRANSIENT.test(error.message) || Date.now() > this.#deadline) throw error;
        await sleep(100);
      }
    }
  }

  async #decide(contentId: string, facts: Facts): Promise<Exclude<DeltaDecision, { do: "read" }>> {
    // A table that somebody dropped holds nothing, whatever the audit says.
    const applied = facts.target === null ? null : facts.audited;
    for (;;) {
      const decision = decideDeltas(contentId, applied, this.#deltas);
      if (decision.do !== "read") return decision;
      this.#deltas.set(decision.snapshot, await this.#readDelta(decision.snapshot));
    }
  }

  async #readDelta(snapshot: string): Promise<Delta | null> {
    const { table } = this.#input;
    try {
      return await this.#parts.readDelta(table, snapshot);
    } catch (error) {
      if (error instanceof ProtocolError) await this.#parts.requestReplace(table);
      throw error;
    }
  }

  async #requestReplace(reason: string): Promise<LoadResult> {
    await this.#parts.requestReplace(this.#input.table);
    return failed(this.#input, `needs-replace: ${reason}; the next build writes it`);
  }

  /** Ends with the error, and sees to it that a delta that can't be applied is not in the way for ever. */
  async #giveUp({ kind }: Step, error: string, contentId: string): Promise<LoadResult> {
    const isTransient = TRANSIENT.test(error);
    if (isTransient && this.#input.polls < MAX_TRANSIENT_POLLS) return wait(this.#input);
    // People can read without comments, but not without data.
    if (kind === "comment") {
      return done(this.#input, `at ${contentId}, without comments: ${error}`);
    }
    const mayBeTheDelta = kind === "apply" || kind === "evolve";
    if (mayBeTheDelta && !isTransient && !NOT_THE_DELTA.test(error)) {
      await this.#parts.requestReplace(this.#input.table);
    }
    return failed(this.#input, `${kind}: ${error}`);
  }

  async #run(step: Step): Promise<{ status: "running" } | { status: "ended"; error: string }> {
    if (step.delta !== undefined) await this.#parts.writeCopyManifest(step.delta);
    const statement = await this.#warehouse.start(step.statements, this.#token(step));
    this.#started = { statement, step: step.id };
    const deadline = Math.min(this.#deadline, Date.now() + STEP_MILLIS);
    const outcome = await this.#warehouse.waitFor(statement, deadline);
    if (outcome.status === "running") return { status: "running" };
    const error = outcome.status === "failed" ? outcome.error : "it ended, but had no effect";
    return { status: "ended", error };
  }

  /** A repeated call finds the statement that the first one started; a later call starts its own. */
  #token({ statements }: Step): string {
    const { run, table, polls } = this.#input;
    const attempt = JSON.stringify([run, table, polls, statements]);
    return createHash("sha256").update(attempt).digest("hex");
  }
}
