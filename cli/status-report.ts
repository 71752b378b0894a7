// What `sluice status` says, from what it read: a pure function.
import type { SourcePause } from "../contract/records.ts";
import { cursorTime, cursorWords } from "../contract/cursor-time.ts";
import type { CursorUnit, ReadingNote } from "../contract/records.ts";
import type { RunRecord } from "../contract/run.ts";
import { formatCount, formatTable } from "./output.ts";
import { type PassProgress, passWords } from "./reading-progress.ts";
import { laneTable } from "./run-summary.ts";

/** How far a table is. */
export interface TableStatus {
  readonly table: string;
  readonly watermark: string | null;
  readonly watermarkUnit: CursorUnit | null;
  readonly manifests: number;
  readonly open: readonly PassProgress[];
  /** What a person should look at in it. */
  readonly remarks: readonly string[];
}

/** What a source's lanes do now, and whether it is paused. */
export interface SourceStatus {
  readonly source: string;
  readonly pause: SourcePause | null;
  readonly reading: readonly (ReadingNote & { readonly lane: number })[];
}

export interface Status {
  /** Newest first. */
  readonly runs: readonly RunRecord[];
  readonly tables: readonly TableStatus[];
  readonly sources: readonly SourceStatus[];
}

/** The process that wrote an older note has ended: Lambda ends each after 15 minutes. */
const MOST_NOTE_MILLIS = 15 * 60_000;

/** The notes of lanes that read now: written a short while ago, by a run that has not ended. */
export function notesOfNow<Note extends ReadingNote>(
  notes: readonly Note[],
  runs: readonly RunRecord[],
  nowMillis: number,
): Note[] {
  const ended = new Set(runs.map(({ run }) => run));
  return notes.filter(({ run, at }) => !ended.has(run) && nowMillis - at < MOST_NOTE_MILLIS);
}

/** The watermark as a moment too, where it is one. */
export function statusJson({ runs, tables, sources }: Status): Record<string, unknown> {
  return {
    runs,
    tables: tables.map((table) => ({
      ...table,
      watermarkTime:
        table.watermark === null ? null : cursorTime(table.watermark, table.watermarkUnit),
    })),
    sources,
  };
}

/** Lines for people. */
export function statusLines({ runs, tables, sources }: Status): string[] {
  const lines: string[] = [];
  const paragraph = (text: readonly string[]): void => {
    if (text.length > 0) lines.push(...(lines.length === 0 ? [] : [""]), ...text);
  };
  paragraph([runs.length === 0 ? "no run has ended yet" : runTable(runs)]);
  paragraph([
    formatTable(
      ["table", "manifests", "watermark", "open"],
      tables.map(({ table, manifests, watermark, watermarkUnit, open }) => [
        ...[table, formatCount(manifests)],
        watermark === null ? "" : cursorWords(watermark, watermarkUnit),
        open.map(passWords).join("; "),
      ]),
    ),
  ]);
  paragraph(sources.flatMap(readingLines));
  paragraph(
    sources.flatMap(({ source, pause }) =>
      pause === null
        ? []
        : [
            `source ${source} pauses until ${new Date(pause.until).toISOString()}, because it rejected requests repeatedly: ${pause.reason}`,
          ],
    ),
  );
  const [last] = runs;
  paragraph([
    ...(last?.alerts ?? [])
      // A table's differences stand below, as the last look found them.
      .filter(({ kind }) => kind !== "drift")
      .map(({ kind, name, message }) => `${kind} in the last run: ${name}: ${message}`),
    ...tables.flatMap(({ table, remarks }) =>
      remarks.map((remark) => `look at ${table}: ${remark}`),
    ),
  ]);
  const lanes = last?.lanes ?? [];
  if (lanes.length > 0) paragraph(["lanes of the last run", laneTable(lanes)]);
  return lines;
}

function runTable(runs: readonly RunRecord[]): string {
  return formatTable(
    ["run", "status", "seconds", "rows", "failed"],
    runs.map((run) => [
      run.run,
      run.status,
      ((Date.parse(run.endedAt) - Date.parse(run.startedAt)) / 1000).toFixed(1),
      formatCount(run.tables.reduce((sum, table) => sum + table.rowsExtracted, 0)),
      run.failed.map((failure) => `${failure.step} ${failure.name}`).join(", "),
    ]),
  );
}

function readingLines({ source, reading }: SourceStatus): string[] {
  return reading.map(({ lane, run, table, laneRows, rowsPerSecond, reached }) => {
    const at = reached === null ? "" : `, at ${cursorWords(reached.cursor, reached.unit)}`;
    return `${run} reads ${table} (${source}/${lane}): ${formatCount(laneRows)} rows, ${formatCount(Math.round(rowsPerSecond))} rows/s${at}`;
  });
}
