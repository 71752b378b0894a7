// The message that people get when a run failed or needs a look: a pure function.
import type { RunAlert, RunRecord } from "../../contract/run.ts";

// SNS rejects longer subjects, and ones with line breaks.
const MAX_SUBJECT_CHARACTERS = 100;
// SNS rejects messages above 256 KiB; nobody reads more than this.
const MAX_LINES = 100;
const MAX_LINE_CHARACTERS = 500;

/**
 * What is as intended is reported only together with other things: that a source's hours are closed, and that a table waits
 * while another run reads it, which ends by itself. A run that never ended would be ended by the state machine's
 * time-out, which has an alarm.
 */
const REPORTED_BESIDE_OTHERS: ReadonlySet<RunAlert["kind"]> = new Set(["closed", "waiting"]);

/** @returns nothing if there is nothing to report */
export function alertMessage(
  deployment: string,
  record: RunRecord,
): { subject: string; message: string } | undefined {
  const { run, status, failed, alerts } = record;
  const toLookAt = alerts.filter(({ kind }) => !REPORTED_BESIDE_OTHERS.has(kind)).length;
  if (failed.length === 0 && toLookAt === 0) return undefined;
  const outcome =
    status === "failed" ? `run failed (${failed.length})` : `run needs a look (${toLookAt})`;
  const lines = [
    `Run ${run} of ${deployment}: ${status}, ${record.startedAt} to ${record.endedAt}`,
    ...failed.map(({ step, name, error, message }) => `${step}: ${name}: ${error}: ${message}`),
    ...alerts.map(({ kind, name, message }) => `${kind}: ${name}: ${message}`),
  ];
  const shown = lines
    .slice(0, MAX_LINES)
    .map((line) => line.slice(0, MAX_LINE_CHARACTERS).toWellFormed());
  if (lines.length > MAX_LINES)
    shown.push(`and ${lines.length - MAX_LINES} more: see the run record`);
  return {
    subject: `${deployment}: ${outcome}: ${run}`
      .replaceAll(/[^\x20-\x7e]/g, "?")
      .slice(0, MAX_SUBJECT_CHARACTERS),
    message: shown.join("\n"),
  };
}
