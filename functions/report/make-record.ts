// Makes the run record from what the steps left behind: a pure function.
import type { BuildResult } from "../protocol/delta.ts";
import type { CommitFile, CommitResult, PlanFile } from "../protocol/run-files.ts";
import type { RunAlert, RunFailure, RunLane, RunRecord, RunTable } from "../protocol/run.ts";
import type { LaneResult, LoadResult, ReportInput } from "./input.ts";

/** A table that a lane gave up in the middle of the run. */
export interface ExtractProblem {
  readonly table: string;
  readonly error: string;
  readonly message: string;
}

/** What the steps left behind; a step that the run did not reach left nothing. */
export interface RunResults {
  readonly plan: PlanFile | undefined;
  readonly commit: CommitFile | undefined;
  readonly build: BuildResult | undefined;
  readonly extractProblems: readonly ExtractProblem[];
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
    tables: listTables(input, results),
    lanes: input.lanes.map(describeLane),
    failed,
    alerts: listAlerts(results),
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
  return [...names].map((table) => ({
    table,
    source: planned.get(table)?.source ?? null,
    ...describeCommit(committed.get(table)),
    build: describeBuild(built.get(table)),
    load: describeLoad(loaded.get(table)),
  }));
}

function describeCommit(
  result: CommitResult | undefined,
): Pick<RunTable, "rowsExtracted" | "objects" | "bytes" | "manifest" | "watermark" | "passes"> {
  if (result === undefined || result.status === "failed") {
    return {
      rowsExtracted: 0,
      objects: 0,
      bytes: 0,
      manifest: null,
      watermark: null,
      passes: [],
    };
  }
  const { manifest, watermark, passes } = result;
  const isNew = result.status === "committed";
  return {
    rowsExtracted: isNew ? result.rows + result.keys : 0,
    objects: isNew ? result.objects : 0,
    bytes: isNew ? result.bytes : 0,
    manifest,
    watermark,
    passes,
  };
}

function describeBuild(built: BuildTable | undefined): RunTable["build"] {
  if (built === undefined) return null;
  const { status, rowsRead, winners, deletes, heldDeletes, quarantined, contentId, seconds } =
    built;
  return { status, rowsRead, winners, deletes, heldDeletes, quarantined, contentId, seconds };
}

function describeLoad(loaded: LoadResult | undefined): RunTable["load"] {
  return loaded === undefined ? null : { status: loaded.status, polls: loaded.polls };
}

function describeLane(lane: LaneResult): RunLane {
  const { source, lane: number, status } = lane;
  if (status === "failed") {
    const nothing = { links: 0, rows: 0, readMillis: 0, restMillis: 0, backOffs: 0 };
    return { source, lane: number, status, ...nothing, rowsPerSecond: null };
  }
  const { links, rows, pace } = lane;
  const millis = pace.readMillis + pace.restMillis;
  return {
    source,
    lane: number,
    status,
    links,
    rows,
    ...pace,
    rowsPerSecond: millis === 0 ? null : (rows * 1000) / millis,
  };
}

function listFailures(input: ReportInput, results: RunResults): RunFailure[] {
  const { plan, commit, build, extractProblems, unreadable } = results;
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
      status === "done"
        ? []
        : { step: "load" as const, name: table, error: "LoadFailed", message: error },
    ),
    ...unreadable,
  ];
}

function listAlerts({ plan, build }: RunResults): RunAlert[] {
  return [
    ...(plan?.waiting ?? []).map(({ table, reason }) => ({
      kind: "waiting" as const,
      name: table,
      message: reason,
    })),
    ...(build?.tables ?? []).flatMap(alertsOfBuild),
  ];
}

function alertsOfBuild({ table, heldDeletes, quarantined, checks }: BuildTable): RunAlert[] {
  const alerts: RunAlert[] = [];
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
