// A run record in words: what was extracted from where and how fast, built and loaded, and what failed.
import type { RunLane, RunRecord } from "../contract/run.ts";
import { formatBytes, formatCount, formatSeconds, formatTable } from "./output.ts";

const ENDS: Record<NonNullable<RunLane["ended"]>, string> = {
  done: "done",
  time: "time was up",
  hours: "hours closed",
  rejections: "source pauses",
};

/** Lines that say what a run did. */
export function summarizeRun(record: RunRecord): string[] {
  const lines: string[] = [];
  const seconds = (Date.parse(record.endedAt) - Date.parse(record.startedAt)) / 1000;
  lines.push(`${record.run}: ${record.status} in ${seconds.toFixed(1)} s`, "");
  if (record.tables.length > 0) {
    lines.push(
      formatTable(
        ["table", "from", "rows", "objects", "size", "build", "winners", "deletes", "bad", "load"],
        record.tables.map((table) => [
          table.table,
          table.kind === "model" ? "(model)" : (table.source ?? "-"),
          // Only what the run held was read.
          table.held ? formatCount(table.rowsExtracted) : "-",
          table.held ? formatCount(table.objects) : "-",
          table.objects === 0 ? "" : formatBytes(table.bytes),
          table.build?.status ?? "-",
          formatCount(table.build?.winners ?? 0),
          formatCount(table.build?.deletes ?? 0),
          formatCount(table.build?.quarantined ?? 0),
          table.load?.status ?? "-",
        ]),
      ),
      "",
    );
  }
  if (record.decision?.build === false) {
    lines.push(`no build was started: ${record.decision.reason}`, "");
  }
  if (record.lanes.length > 0) lines.push(laneTable(record.lanes), "");
  for (const alert of record.alerts) lines.push(`look at ${alert.name}: ${alert.message}`);
  for (const failure of record.failed) {
    lines.push(`failed in ${failure.step}: ${failure.name}: ${failure.error}: ${failure.message}`);
  }
  return lines;
}

/** What each lane read, at what pace, and why it ended. */
export function laneTable(lanes: readonly RunLane[]): string {
  return formatTable(
    ["lane", "rows", "rows/s", "bytes/s", "invocations", "reading", "paused", "back-offs", "ended"],
    lanes.map((lane) => [
      `${lane.source}/${String(lane.lane)}`,
      formatCount(lane.rows),
      lane.rowsPerSecond === null ? "-" : formatCount(Math.round(lane.rowsPerSecond)),
      lane.bytesPerSecond === null ? "-" : formatBytes(Math.round(lane.bytesPerSecond)),
      formatCount(lane.invocations),
      formatSeconds(lane.readMillis),
      formatSeconds(lane.pauseMillis),
      describeBackOffs(lane),
      lane.ended === null ? lane.status : ENDS[lane.ended],
    ]),
  );
}

function describeBackOffs({ backOffs, slow }: RunLane): string {
  if (backOffs === 0) return "0";
  const rejected = backOffs - slow;
  return [
    ...(rejected > 0 ? [`${formatCount(rejected)} rejected`] : []),
    ...(slow > 0 ? [`${formatCount(slow)} slow`] : []),
  ].join(", ");
}
