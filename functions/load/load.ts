// Loads one table: each call does the next small thing, decided each time by what the warehouse and the lake hold.
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Definition } from "../../catalog/definition.ts";
import type { Ledger } from "../../stores/ledger/ledger.ts";
import type { Log } from "../runtime/log.ts";
import type { Delta } from "../../contract/delta.ts";
import { asError } from "../../contract/error-message.ts";
import { ProtocolError } from "../../contract/errors.ts";
import type { LoadProblem } from "../../contract/load-problem.ts";
import type { LoadRecord, LoadRecords } from "../../contract/load-records.ts";
import { countFailures, decideRequest, isLoadHeld, retryAt } from "./decide-again.ts";
import { decideDeltas, isWhole, type DeltaDecision, type Unreadable } from "./decide-deltas.ts";
import { readFacts, type Facts } from "./facts.ts";
import { classifyFailure, isOfFiles, isTransient, type FailureKind } from "./failures.ts";
import { nextAction, type Step, type Target } from "./next-action.ts";
import {
  done,
  failed,
  held,
  wait,
  type LoadInput,
  type LoadResult,
  type Started,
} from "./result.ts";
import { setUpStatements } from "./sql.ts";
import { StatementError, StillRunningError, type Rejection, type Warehouse } from "./warehouse.ts";

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
  readonly ledger: Pick<Ledger, "loads">;
  /** Keeps the whole of what went wrong for the report. */
  readonly putProblem: (problem: LoadProblem) => Promise<void>;
  /** Whether the run was given its tables by name, so that somebody asks for a try now. */
  readonly isByName: (run: string) => Promise<boolean>;
  readonly log: Log;
  /** Milliseconds since 1970, for what is kept between runs. */
  readonly now: () => number;
}

/** About two and a half hours at ten seconds each; the next run goes on from there. */
const MAX_POLLS = 900;

/** Somebody else is in the way for a moment, not for this long. */
const MAX_TRANSIENT_POLLS = 60;

/** A transaction that ends within this time does not need another call. */
const STEP_MILLIS = 3000;

/** A statement is logged up to here; one of many columns may have 100 KB. */
const MAX_LOGGED_CHARACTERS = 20_000;
/** What the ledger and the problem's file keep of texts. */
const MAX_KEPT_CHARACTERS = 4000;

/**
 * Does the next things for a table until one takes longer, or nothing is left.
 *
 * @param deadline when to stop beginning new things, milliseconds since 1970
 * @throws ProtocolError, CatalogError if the lake's metadata or the definition can't be understood, and what AWS
 *   throws; it is kept as a problem of the run before
 */
export async function load(
  input: LoadInput,
  deadline: number,
  parts: LoadParts,
): Promise<LoadResult> {
  const { warehouse } = parts;
  if (warehouse === null) return done(input, "no warehouse");
  const table = new TableLoad(input, deadline, parts, warehouse);
  try {
    return await table.proceed();
  } catch (error) {
    if (error instanceof StillRunningError) return table.goOnLater();
    if (error instanceof StatementError) return table.fail({ step: "read", ...error.rejection });
    await table.noteUnexpected(error);
    throw error;
  }
}

/** What went wrong, and what it went wrong with. */
interface Failure extends Rejection {
  readonly step: Step["kind"] | "read" | "deltas" | "polls" | "unexpected";
  /** Where it is not the message that says it. */
  readonly kind?: FailureKind;
  /** The delta that was to be applied, or made ready for. */
  readonly delta?: Delta;
  /** True if a whole copy is what the step itself asks for. */
  readonly needsReplace?: boolean;
}

const GAP_ADVICE =
  "The build's next whole copy closes the gap; see whether something deletes or writes below deltas/.";
const TOO_SLOW: FailureKind = {
  cause: "too-slow",
  pattern: null,
  wholeHelps: false,
  advice: "Give the warehouse more capacity, or see what it waits for.",
};
const UNEXPECTED: FailureKind = {
  cause: "unexpected",
  pattern: null,
  wholeHelps: false,
  advice: "See the log of Load for the whole error.",
};

class TableLoad {
  readonly #input: LoadInput;
  readonly #deadline: number;
  readonly #parts: LoadParts;
  readonly #warehouse: Warehouse;
  readonly #deltas = new Map<string, Delta | Unreadable | null>();
  #started: Started | undefined;
  #definition: Definition | undefined;
  #contentId: string | null = null;

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
    const { polls } = this.#input;
    if (polls >= MAX_POLLS) return this.#stop();
    if (this.#started === undefined) return this.#loop();
    const { statement, step } = this.#started;
    const outcome = await this.#warehouse.check(statement);
    if (outcome.status === "running") return this.goOnLater();
    return this.#loop(outcome.status === "failed" ? { step, rejection: outcome } : undefined);
  }

  /** The next run goes on, but not at once: so long a statement costs as much as it takes. */
  async #stop(): Promise<LoadResult> {
    const { statement, table } = this.#input;
    if (statement !== undefined) await this.#warehouse.cancel(statement);
    this.#definition = await this.#parts.readDefinition(table);
    return this.fail({
      step: "polls",
      kind: TOO_SLOW,
      error: `not finished after ${this.#input.polls} polls; a later run goes on`,
      sql: null,
      statementId: statement ?? null,
      copied: statement !== undefined,
    });
  }

  /** @param last the step that ended last without success: if it is still to be done, it really can't be */
  async #loop(last?: { step: string; rejection: Rejection }): Promise<LoadResult> {
    const { table, run, polls, statement } = this.#input;
    const { ledger, readDefinition, readContentId, isByName, now } = this.#parts;
    const definition = await readDefinition(table);
    this.#definition = definition;
    if (definition.publish === null) return done(this.#input, "not published");
    const contentId = await readContentId(table);
    this.#contentId = contentId;
    if (contentId === null) return done(this.#input, "not built yet");
    if (polls === 0 && statement === undefined) {
      const known = await ledger.loads.read(table);
      if (isLoadHeld(known, definition.fingerprint, now()) && !(await isByName(run))) {
        return held(this.#input, `not tried again yet: ${known.load?.error ?? ""}`);
      }
    }
    const target: Target = {
      definition,
      layout: definition.publish,
      copyRole: this.#parts.copyRole,
      manifestUrl: this.#parts.manifestUrl,
    };
    let previous = last;
    while (Date.now() < this.#deadline) {
      const facts = await this.#facts();
      const decision = await this.#decide(contentId, facts);
      const action = nextAction(target, facts, decision);
      if (action.do === "done") return this.#succeed(`at ${contentId}`);
      const delta = decision.do === "apply" ? decision.deltas[0] : undefined;
      if (action.do === "request-replace") {
        return this.fail({
          step: "deltas",
          kind: { cause: action.cause, pattern: null, wholeHelps: true, advice: GAP_ADVICE },
          ...{ error: action.reason, sql: null, statementId: null, copied: false },
          ...(delta === undefined ? {} : { delta }),
          needsReplace: true,
        });
      }
      const { step } = action;
      if (previous?.step === step.id) return this.#giveUp(step, previous.rejection, delta);
      const outcome = await this.#run(step);
      if (outcome.status === "running") return this.goOnLater();
      previous = { step: step.id, rejection: outcome.rejection };
    }
    return this.goOnLater();
  }

  /** Forgets what had failed before. */
  async #succeed(detail: string): Promise<LoadResult> {
    const { table } = this.#input;
    const { ledger } = this.#parts;
    await ledger.loads.noteLoaded(table, await ledger.loads.read(table));
    return done(this.#input, detail);
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
        const isPassing = isTransient(classifyFailure(error.message));
        if (!isPassing || Date.now() > this.#deadline) throw error;
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

  async #readDelta(snapshot: string): Promise<Delta | Unreadable | null> {
    try {
      return await this.#parts.readDelta(this.#input.table, snapshot);
    } catch (error) {
      if (error instanceof ProtocolError) return { unreadable: error.message };
      throw error;
    }
  }

  /** Waits if it is the moment's trouble, does without if it is only comments, and fails otherwise. */
  async #giveUp(
    { kind: step }: Step,
    rejection: Rejection,
    delta: Delta | undefined,
  ): Promise<LoadResult> {
    const kind = classifyFailure(rejection.error);
    if (isTransient(kind) && this.#input.polls < MAX_TRANSIENT_POLLS) return wait(this.#input);
    const failure: Failure = {
      step,
      kind,
      ...rejection,
      ...(delta === undefined ? {} : { delta }),
    };
    // People can read without comments, but not without data.
    if (step === "comment") {
      this.#log("the view cannot be described", failure, kind);
      return this.#succeed(`at ${this.#contentId ?? ""}, without comments: ${rejection.error}`);
    }
    return this.fail(failure);
  }

  /** Logs the whole of it, and decides what later runs do about it. */
  async fail(failure: Failure): Promise<LoadResult> {
    const kind = failure.kind ?? classifyFailure(failure.error);
    await this.#keepProblem(failure, kind);
    const isAsked = await this.#remember(failure, kind);
    if (failure.needsReplace !== true) {
      return failed(this.#input, `${failure.step}: ${failure.error}`);
    }
    const then = isAsked ? "the next build writes it" : "it is not asked for again yet";
    return failed(this.#input, `needs-replace: ${failure.error}; ${then}`);
  }

  /** Keeps an error that nobody catches; it goes on to whoever called. */
  async noteUnexpected(error: unknown): Promise<void> {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const failure = { error: text, sql: null, statementId: null, copied: false };
    try {
      await this.#keepProblem({ step: "unexpected", ...failure }, UNEXPECTED);
      await this.#remember({ step: "unexpected", ...failure }, UNEXPECTED);
    } catch (second) {
      this.#parts.log.error("the failure cannot be kept", { error: asError(second) });
    }
  }

  #log(message: string, failure: Failure, kind: FailureKind): void {
    const { step, error, sql, statementId, delta } = failure;
    this.#parts.log.error(message, {
      step,
      cause: kind.cause,
      reason: error,
      statement: sql?.slice(0, MAX_LOGGED_CHARACTERS) ?? null,
      statementId,
      contentId: this.#contentId,
      delta: delta?.snapshot ?? null,
    });
  }

  async #keepProblem(failure: Failure, kind: FailureKind): Promise<void> {
    const { step, error, sql, statementId } = failure;
    this.#log("the table cannot be loaded", failure, kind);
    await this.#parts.putProblem({
      format: 1,
      run: this.#input.run,
      table: this.#input.table,
      step,
      cause: kind.cause,
      message: cut(error),
      statement: sql === null ? null : cut(sql),
      statementId,
      at: new Date(this.#parts.now()).toISOString(),
    });
  }

  /** @returns whether a whole copy is asked for, now or before */
  async #remember(failure: Failure, kind: FailureKind): Promise<boolean> {
    const { table, run } = this.#input;
    const { ledger, now } = this.#parts;
    const known = await ledger.loads.read(table);
    const request = await this.#request(failure, kind, known);
    const nowMillis = now();
    const failures = countFailures(known.load, run);
    const copiedBytes =
      failure.step === "polls" ? Number.POSITIVE_INFINITY : failure.copied ? bytesOf(failure) : 0;
    const record: LoadRecord = {
      since: known.load?.since ?? nowMillis,
      failedAt: nowMillis,
      run,
      failures,
      cause: kind.cause,
      advice: kind.advice,
      error: cut(failure.error),
      fingerprint: this.#definition?.fingerprint ?? "",
      retryAt: retryAt(copiedBytes, failures, nowMillis),
      notAsked: request.notAsked,
    };
    await ledger.loads.putFailed(table, record);
    return request.isAsked;
  }

  async #request(
    failure: Failure,
    kind: FailureKind,
    { load, replace }: LoadRecords,
  ): Promise<{ isAsked: boolean; notAsked: string | null }> {
    const { table, run } = this.#input;
    const { ledger, isByName, now } = this.#parts;
    const contentId = this.#contentId;
    const definition = this.#definition;
    if (contentId === null || definition === undefined) return { isAsked: false, notAsked: null };
    const { fingerprint } = definition;
    const isWanted = await isByName(run);
    const isCorrected = isWanted || (load !== undefined && load.fingerprint !== fingerprint);
    if (!mayHelp(failure, kind, isCorrected)) return { isAsked: false, notAsked: null };
    const need = { cause: kind.cause, contentId, fingerprint };
    const decision = decideRequest(need, replace, now(), isWanted);
    if (decision.do === "wait") return { isAsked: true, notAsked: null };
    if (decision.do === "no") return { isAsked: false, notAsked: decision.reason };
    await ledger.loads.askReplace(
      table,
      {
        ...{ state: "asked", requestedAt: now(), run, ...need },
        ...{ reason: cut(failure.error), times: decision.times },
      },
      replace,
    );
    return { isAsked: true, notAsked: null };
  }

  async #run(
    step: Step,
  ): Promise<{ status: "running" } | { status: "ended"; rejection: Rejection }> {
    if (step.delta !== undefined) await this.#parts.writeCopyManifest(step.delta);
    const statement = await this.#warehouse.start(step.statements, this.#token(step));
    this.#started = { statement, step: step.id };
    const deadline = Math.min(this.#deadline, Date.now() + STEP_MILLIS);
    const outcome = await this.#warehouse.waitFor(statement, deadline);
    if (outcome.status === "running") return { status: "running" };
    if (outcome.status === "failed") return { status: "ended", rejection: outcome };
    const rejection = {
      error: "it ended, but had no effect",
      ...{ sql: step.statements.join(";\n"), statementId: statement, copied: false },
    };
    return { status: "ended", rejection };
  }

  /** A repeated call finds the statement that the first one started; a later call starts its own. */
  #token({ statements }: Step): string {
    const { run, table, polls } = this.#input;
    const attempt = JSON.stringify([run, table, polls, statements]);
    return createHash("sha256").update(attempt).digest("hex");
  }
}

/**
 * Whether the table's whole copy can be loaded where this failed.
 *
 * @param isCorrected whether people say that what was wrong with the rows is not any more, or changed the definition
 */
function mayHelp({ step, delta }: Failure, kind: FailureKind, isCorrected: boolean): boolean {
  if (step !== "apply" && step !== "evolve" && step !== "deltas") return false;
  if (kind.isOfRows === true) return isCorrected;
  if (!kind.wholeHelps) return false;
  // A whole copy that failed did not help; but one whose files are damaged can be written again.
  return delta === undefined || !isWhole(delta) || isOfFiles(kind);
}

function bytesOf({ delta }: Failure): number {
  return delta?.files.reduce((sum, { contentLength }) => sum + contentLength, 0) ?? 0;
}

function cut(text: string): string {
  return text.slice(0, MAX_KEPT_CHARACTERS).toWellFormed();
}
