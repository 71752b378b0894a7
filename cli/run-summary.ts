// A run record in words: what was extracted from where and how fast, built and loaded, and what failed.
import type { RunRecord } from "../functions/protocol/run.ts";
import { formatBytes, formatCount, formatTable } from "./output.ts";

/** Lines that tell what a run did. */
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
          table.source ?? "(model)",
          formatCount(table.rowsExtracted),
          formatCount(table.objects),
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
  if (record.lanes.length > 0) {
    lines.push(
      formatTable(
        ["lane", "rows", "rows/s", "links", "reading", "resting", "back-offs"],
        record.lanes.map((lane) => [
          `${lane.source}/${String(lane.lane)}`,
          formatCount(lane.rows),
          lane.rowsPerSecond === null ? "-" : formatCount(Math.round(lane.rowsPerSecond)),
          formatCount(lane.links),
          `${(lane.readMillis / 1000).toFixed(1)} s`,
          `${(lane.restMillis / 1000).toFixed(1)} s`,
          formatCount(lane.backOffs),
        ]),
      ),
      "",
    );
  }
  for (const alert of record.alerts) lines.push(`look at ${alert.name}: ${alert.message}`);
  for (const failure of record.failed) {
    lines.push(`failed in ${failure.step}: ${failure.name}: ${failure.error}: ${failure.message}`);
  }
  return lines;
}
