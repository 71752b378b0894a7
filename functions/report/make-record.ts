// Makes the run record from what the steps left behind: a pure function.
import type { BuildResult } from "../../contract/delta.ts";
import type { ExtractProblem } from "../../contract/extract-problem.ts";
import type { LaneResult } from "../../contract/lane-result.ts";
import type { LoadProblem } from "../../contract/load-problem.ts";
import type { LoadRecords } from "../../contract/load-records.ts";
import type { SourcePause } from "../../contract/records.ts";
import type { CommitFile, CommitResult, PlanFile } from "../../contract/run-files.ts";
import type { RunAlert, RunFailure, RunLane, RunRecord, RunTable } from "../../contract/run.ts";
import type { LoadResult, ReportInput } from "./input.ts";

/** What the steps left behind; a step that the run did not reach left nothing. */
export interface RunResults {
  readonly plan: PlanFile | undefined;
  readonly commit: CommitFile | undefined;
  readonly build: BuildResult | undefined;
  /** Tables that a lane gave up in the middle of the run. */
  readonly extractProblems: readonly Pick<ExtractProblem, "table" | "error" | "message">[];
  /** The last pause that was given to each source that rejected requests too often. */
  readonly pauses: ReadonlyMap<string, SourcePause>;
  /** Why tables could not be loaded in this run, whole. */
  readonly loadProblems: ReadonlyMap<string, LoadProblem>;
  /** What the ledger keeps of published tables that could not be loaded. */
  readonly loadRecords: ReadonlyMap<string, LoadRecords>;
  /** Files of the run that could not be read. */
  readonly unreadable: readonly RunFailure[];
}

type BuildTable = BuildResult["tables"][number];

export function makeRecord(input: ReportInput, results: RunResults, endedAt: string): RunRecord {
  const failed = listFailures(input, results);
  return {
    format: 1,
    run: input.run,
    execution: input.execution,
    // In one form, for it is the record's sort key.
    startedAt: new Date(input.startedAt).toISOString(),
    endedAt,
    status: failed.length === 0 ? "succeeded" : "failed",
    ...(input.decision == null ? {} : { decision: input.decision }),
    tables: listTables(input, results),
    lanes: input.lanes.map(describeLane),
    failed,
    alerts: listAlerts(input, results),
  };
}

function listTables(input: ReportInput, results: RunResults): RunTable[] {
  const planned = new Map(results.plan?.tables.map((one) => [one.table, one]));
  const committed = new Map(results.commit?.tables.map((one) => [one.table, one]));
  const built = new Map(results.build?.tables.map((one) => [one.table, one]));
  const loaded = new Map(input.load.map((one) => [one.table, one]));
  const names = new Set([
    ...planned.keys(),
    ...committed.keys(),
    ...built.keys(),
    ...loaded.keys(),
  ]);
  const defined = new Map(results.plan?.definitions.map((one) => [one.name, one]));
  return [...names].map((table) => ({
    table,
    kind: defined.get(table)?.kind ?? built.get(table)?.kind ?? null,
    source: defined.get(table)?.source ?? planned.get(table)?.source ?? null,
    held: planned.has(table),
    ...describeCommit(committed.get(table)),
    build: describeBuild(built.get(table)),
    load: describeLoad(loaded.get(table)),
  }));
}

function describeCommit(
  result: CommitResult | undefined,
): Pick<
  RunTable,
  "rowsExtracted" | "objects" | "bytes" | "manifest" | "watermark" | "watermarkUnit" | "passes"
> {
  if (result === undefined || result.status === "failed") {
    return {
      rowsExtracted: 0,
      objects: 0,
      bytes: 0,
      manifest: null,
      watermark: null,
      watermarkUnit: null,
      passes: [],
    };
  }
  const { manifest, watermark, watermarkUnit, passes } = result;
  const isNew = result.status === "committed";
  return {
    rowsExtracted: isNew ? result.rows + result.keys : 0,
    objects: isNew ? result.objects : 0,
    bytes: isNew ? result.bytes : 0,
    manifest,
    ...{ watermark, watermarkUnit },
    passes,
  };
}

function describeBuild(built: BuildTable | undefined): RunTable["build"] {
  if (built === undefined) return null;
  const { status, rowsRead, winners, deletes, heldDeletes, lateRows } = built;
  const { quarantined, contentId, seconds } = built;
  return {
    ...{ status, rowsRead, winners, deletes, heldDeletes, lateRows },
    ...{ quarantined, contentId, seconds },
  };
}

function describeLoad(loaded: LoadResult | undefined): RunTable["load"] {
  return loaded === undefined ? null : { status: loaded.status, polls: loaded.polls };
}

function describeLane(lane: LaneResult): RunLane {
  const { source, lane: number, status } = lane;
  if (status === "failed") {
    return {
      ...{ source, lane: number, status, invocations: 0, rows: 0, bytes: 0 },
      ...{ readMillis: 0, pauseMillis: 0, backOffs: 0, slow: 0 },
      ...{ rowsPerSecond: null, bytesPerSecond: null, ended: null },
    };
  }
  const { invocations, rows, pace, ended } = lane;
  const millis = pace.readMillis + pace.pauseMillis;
  const aSecond = (amount: number): number | null =>
    millis === 0 ? null : (amount * 1000) / millis;
  return {
    source,
    lane: number,
    status,
    invocations,
    rows,
    ...pace,
    rowsPerSecond: aSecond(rows),
    bytesPerSecond: aSecond(pace.bytes),
    ended,
  };
}

function listFailures(input: ReportInput, results: RunResults): RunFailure[] {
  const { plan, commit, build, extractProblems, loadProblems, unreadable } = results;
  return [
    ...input.failed.map(({ step, error, cause }) => ({
      step,
      name: step,
      error,
      message: messageOfCause(cause),
    })),
    ...(plan?.problems ?? []).map(({ name, error, message }) => ({
      step: "plan" as const,
      name,
      error,
      message,
    })),
    ...input.lanes.flatMap((lane) =>
      lane.status === "failed"
        ? {
            step: "extract" as const,
            name: `${lane.source}/${lane.lane}`,
            error: lane.error,
            message: messageOfCause(lane.cause),
          }
        : [],
    ),
    ...extractProblems.map(({ table, error, message }) => ({
      step: "extract" as const,
      name: table,
      error,
      message,
    })),
    ...(commit?.tables ?? []).flatMap((result) =>
      result.status === "failed"
        ? {
            step: "commit" as const,
            name: result.table,
            error: result.error,
            message: result.message,
          }
        : [],
    ),
    ...(build?.tables ?? []).flatMap(({ table, status, error }) =>
      status === "failed"
        ? { step: "build" as const, name: table, error: "BuildFailed", message: error ?? "" }
        : [],
    ),
    ...input.load.flatMap(({ table, status, error }) =>
      // The state machine asks until a load is done or failed, so one that waits was cut off.
      status === "done" || status === "held"
        ? []
        : {
            step: "load" as const,
            name: table,
            error: "LoadFailed",
            message: describeProblem(loadProblems.get(table)) ?? error,
          },
    ),
    ...unreadable,
  ];
}

/** The record is one item of the ledger, and a thousand tables may fail together. */
const MAX_PROBLEM_CHARACTERS = 1500;
const MAX_SHOWN_SQL = 300;

function describeProblem(problem: LoadProblem | undefined): string | undefined {
  if (problem === undefined) return undefined;
  const { step, message, statement, statementId } = problem;
  const sql = statement === null ? "" : `; statement: ${statement.slice(0, MAX_SHOWN_SQL)}`;
  const id = statementId === null ? "" : ` (Data API ${statementId})`;
  return `${step}: ${message.slice(0, MAX_PROBLEM_CHARACTERS)}${sql}${id}`.toWellFormed();
}

function listAlerts(input: ReportInput, results: RunResults): RunAlert[] {
  const { plan, build, pauses, loadRecords } = results;
  return [
    ...alertsOfWaiting(plan?.waiting ?? []),
    ...input.lanes.flatMap((lane) =>
      lane.status === "done" && lane.ended === "rejections"
        ? alertOfPause(lane.source, pauses.get(lane.source))
        : [],
    ),
    ...(plan?.unread ?? []).map(({ table, reason }) => ({
      kind: "unread" as const,
      name: table,
      message: reason,
    })),
    ...alertsOfDrift(plan?.drift ?? []),
    ...(build?.tables ?? []).flatMap(alertsOfBuild),
    ...[...loadRecords].flatMap(([table, records]) => alertsOfLoad(table, records)),
  ];
}

const MAX_ALERT_ERROR = 200;

/** A table that the warehouse lacks the newest content of, in each run until it is loaded. */
function alertsOfLoad(table: string, { load, replace }: LoadRecords): RunAlert[] {
  if (load === undefined) return [];
  const iso = (millis: number): string => new Date(millis).toISOString();
  const error = load.error.replaceAll(/\s+/g, " ").slice(0, MAX_ALERT_ERROR).toWellFormed();
  const runs = load.failures === 1 ? "1 run" : `${load.failures} runs`;
  const again =
    load.retryAt === null
      ? "Each run tries again."
      : `It is tried again from ${iso(load.retryAt)} on; a run with tables named tries at once.`;
  const whole =
    load.notAsked !== null
      ? ` No whole copy: ${load.notAsked}.`
      : replace?.state === "asked"
        ? " Its whole copy is asked of the next build."
        : "";
  return [
    {
      kind: "load",
      name: table,
      message:
        `not loaded since ${iso(load.since)} (${runs}), ${load.cause}: ${error}. ${load.advice} ` +
        `${again}${whole}`,
    },
  ];
}

/** What each table waits for. A source that pauses is one thing to look at, however many tables it has. */
function alertsOfWaiting(waiting: PlanFile["waiting"]): RunAlert[] {
  const kinds = { held: "waiting", lanes: "waiting", hours: "closed" } as const;
  const pausing = Map.groupBy(
    waiting.filter(({ cause }) => cause === "pause"),
    ({ source }) => source,
  );
  return [
    ...waiting.flatMap(({ table, cause, reason }): RunAlert[] =>
      cause === "pause" ? [] : [{ kind: kinds[cause], name: table, message: reason }],
    ),
    ...[...pausing].map(([source, tables]): RunAlert => {
      const names = tables.map(({ table }) => table).join(", ");
      const message = `${tables[0]?.reason ?? ""}; left out of this run: ${names}`;
      return { kind: "paused", name: source, message };
    }),
  ];
}

function alertOfPause(source: string, pause: SourcePause | undefined): RunAlert {
  const response = pause === undefined ? "" : ` Its last response: ${pause.reason}`;
  return {
    kind: "paused",
    name: source,
    message:
      "it rejected requests again and again, so it was given a pause; what was read by then is kept, and the next run goes on " +
      `from there.${response}`,
  };
}

const MOST_DIFFERENCES = 5;

/** One alert per table: an index may get a hundred fields at once. */
function alertsOfDrift(drift: PlanFile["drift"]): RunAlert[] {
  return [...Map.groupBy(drift, ({ table }) => table)].map(([name, differences]) => {
    const shown = differences.slice(0, MOST_DIFFERENCES).map(({ message }) => message);
    const more = differences.length - shown.length;
    if (more > 0) shown.push(`and ${more} more: \`sluice discover --drift ${name}\` lists them`);
    return { kind: "drift", name, message: shown.join("; ") };
  });
}

function alertsOfBuild(built: BuildTable): RunAlert[] {
  const { table, heldDeletes, lateRows, quarantined, checks } = built;
  const alerts: RunAlert[] = [];
  if (lateRows > 0) {
    alerts.push({
      kind: "late-rows",
      name: table,
      message:
        `${lateRows} rows came later than the cursor's overlapSeconds allow, or were changed without a new cursor ` +
        "value; they are in the warehouse now. Raise overlapSeconds, or look at what writes them.",
    });
  }
  if (heldDeletes > 0) {
    alerts.push({
      kind: "held-deletes",
      name: table,
      message: `${heldDeletes} deletes held back: more than the table's maxShare of its rows`,
    });
  }
  if (quarantined > 0) {
    alerts.push({
      kind: "quarantine",
      name: table,
      message: `${quarantined} rows in quarantine, with their reasons under quarantine/${table}/`,
    });
  }
  for (const { name, severity, badRows } of checks) {
    if (badRows === 0) continue;
    const effect = severity === "error" ? "readers keep the last good version" : "a warning";
    alerts.push({
      kind: "check",
      name: table,
      message: `check ${name}: ${badRows} bad rows; ${effect}`,
    });
  }
  return alerts;
}

/** Lambda's cause is JSON with the message in it, and may have been cut. */
function messageOfCause(cause: string): string {
  const quoted = /"errorMessage"\s*:\s*"((?:[^"\\]|\\.)*)/.exec(cause)?.[1];
  if (quoted === undefined) return cause;
  try {
    return String(JSON.parse(`"${quoted}"`));
  } catch {
    return quoted;
  }
}
