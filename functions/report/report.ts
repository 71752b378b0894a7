// Ends a run: gathers what its steps did, keeps the record, notifies people, and gives back what the run held.
import type { z } from "zod";
import type { Ledger } from "../../stores/ledger/ledger.ts";
import type { Log } from "../runtime/log.ts";
import { buildResultSchema } from "../../contract/delta.ts";
import { ProtocolError } from "../../contract/errors.ts";
import { extractProblemSchema } from "../../contract/extract-problem.ts";
import { keys } from "../../contract/keys.ts";
import { loadProblemSchema, type LoadProblem } from "../../contract/load-problem.ts";
import type { LoadRecords } from "../../contract/load-records.ts";
import type { SourcePause } from "../../contract/records.ts";
import {
  commitFileSchema,
  planFileSchema,
  tablesFileSchema,
  type PlanFile,
} from "../../contract/run-files.ts";
import type { RunFailure, RunRecord } from "../../contract/run.ts";
import type { JsonStore } from "../../stores/bucket/json-store.ts";
import { alertMessage } from "./alert-message.ts";
import type { ReportInput } from "./input.ts";
import { makeRecord, type RunResults } from "./make-record.ts";
import { lanesToRelease } from "../lanes/lanes-to-release.ts";

interface ReportDependencies {
  readonly deployment: string;
  readonly ledger: Pick<Ledger, "leases" | "lanes" | "pauses" | "runs" | "loads">;
  readonly store: JsonStore;
  readonly emitMetrics: (record: RunRecord) => void;
  /** Notifies people; undefined where a deployment has nobody to notify. */
  readonly publish: ((subject: string, message: string) => Promise<void>) | undefined;
  readonly log: Pick<Log, "info" | "error">;
}

// The result becomes a payload of the state machine.
const MAX_NAMES = 50;

export async function reportRun(
  input: ReportInput,
  dependencies: ReportDependencies,
): Promise<{ status: RunRecord["status"]; failed: string[] }> {
  const { ledger, log } = dependencies;
  const results = {
    ...(await readResults(input, dependencies)),
    pauses: await readPauses(input, ledger),
  };
  const record = makeRecord(input, results, new Date().toISOString());
  await ledger.runs.put(record);
  if (results.plan !== undefined) await release(input, results.plan, ledger);
  dependencies.emitMetrics(record);
  await notify(record, dependencies);
  for (const table of record.tables) log.info("table", { ...table });
  for (const { step, name, error, message } of record.failed) {
    const isOfTable = record.tables.some(({ table }) => table === name);
    const about = isOfTable ? { table: name } : { name };
    log.error("failed", { step, ...about, errorName: error, reason: message });
  }
  const names = [...new Set(record.failed.map(({ step, name }) => nameOf(step, name)))];
  return { status: record.status, failed: names.slice(0, MAX_NAMES) };
}

/** The last response of each source that was given a pause. */
async function readPauses(
  { lanes }: ReportInput,
  ledger: Pick<Ledger, "pauses">,
): Promise<Map<string, SourcePause>> {
  const pauses = new Map<string, SourcePause>();
  for (const lane of lanes) {
    if (lane.status !== "done" || lane.ended !== "rejections" || pauses.has(lane.source)) continue;
    const pause = await ledger.pauses.read(lane.source);
    if (pause !== undefined) pauses.set(lane.source, pause);
  }
  return pauses;
}

async function readResults(
  { run, failed, load, decision }: ReportInput,
  { store, ledger }: Pick<ReportDependencies, "store" | "ledger">,
): Promise<Omit<RunResults, "pauses">> {
  const unreadable: RunFailure[] = [];
  const find = async <Schema extends z.ZodType>(
    key: string,
    schema: Schema,
    step: RunFailure["step"],
  ): Promise<z.output<Schema> | undefined> => {
    try {
      return await store.find(key, schema);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      unreadable.push({ step, name: key, error: error.name, message: error.message });
      return undefined;
    }
  };
  const plan = await find(keys.runPlan(run), planFileSchema, "plan");
  const commit = await find(keys.runCommit(run), commitFileSchema, "commit");
  const build = await find(keys.buildResult(run), buildResultSchema, "build");
  const isKnown =
    decision?.build === false ||
    unreadable.length > 0 ||
    failed.some(({ step }) => step === "plan" || step === "build");
  if (build === undefined && !isKnown) {
    unreadable.push({
      step: "build",
      name: "build",
      error: "NoResult",
      message: `the build ended without writing ${keys.buildResult(run)}`,
    });
  }
  const extractProblems = [];
  for (const { table } of plan?.tables ?? []) {
    const problem = await find(keys.extractProblem(run, table), extractProblemSchema, "extract");
    if (problem !== undefined) extractProblems.push(problem);
  }
  const loadProblems = new Map<string, LoadProblem>();
  for (const { table, status } of load) {
    if (status === "done" || status === "held") continue;
    const problem = await find(keys.loadProblem(run, table), loadProblemSchema, "load");
    if (problem !== undefined) loadProblems.set(table, problem);
  }
  const published = (await find(keys.runTables(run), tablesFileSchema, "plan")) ?? [];
  let loadRecords = new Map<string, LoadRecords>();
  try {
    loadRecords = await ledger.loads.readFailing(published.map(({ table }) => table));
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    unreadable.push({ step: "load", name: "ledger", error: error.name, message: error.message });
  }
  return { plan, commit, build, extractProblems, loadProblems, loadRecords, unreadable };
}

async function release(
  input: ReportInput,
  plan: PlanFile,
  ledger: Pick<Ledger, "leases" | "lanes">,
): Promise<void> {
  for (const { table } of plan.tables) await ledger.leases.releaseOf(table, input.execution);
  for (const { source, lane, token } of lanesToRelease(plan.lanes, input.lanes)) {
    await ledger.lanes.release(source, lane, token);
  }
}

async function notify(
  record: RunRecord,
  { deployment, publish, log }: ReportDependencies,
): Promise<void> {
  const alert = alertMessage(deployment, record);
  if (alert === undefined || publish === undefined) return;
  try {
    await publish(alert.subject, alert.message);
  } catch (error) {
    // The record stands and the run's own status says the same; failing here would only hide it.
    log.error("could not publish the alert", { reason: String(error) });
  }
}

/** A step that failed as a whole is its own name. */
const nameOf = (step: string, name: string): string => (step === name ? step : `${step} ${name}`);
