// What `sluice status` says of progress, watermarks and sources that pause.
import { expect, test } from "vitest";
import { passProgress, passWords } from "../../cli/reading-progress.ts";
import { notesOfNow, type Status, statusJson, statusLines } from "../../cli/status-report.ts";
import type { ReadingNote, SplitRecord } from "../../contract/records.ts";
import type { RunRecord } from "../../contract/run.ts";

const note: ReadingNote & { lane: number } = {
  ...{ run: "run-2", table: "leads", pass: "rows-1", split: "0001", splitRows: 1200, lane: 0 },
  ...{ laneRows: 700, rowsPerSecond: 48.6, at: 1_000_000 },
  reached: { cursor: "1767323045678", unit: "ms" },
};
const split = (name: string, rows: number, done = false): SplitRecord => ({
  ...{ pass: "rows-1", split: name, position: null, objects: 0, rows, done },
  bounds: { by: "cursor", from: null, to: "9" },
});
const run: RunRecord = {
  ...{ format: 1, run: "run-1", execution: "arn:1", status: "succeeded" },
  ...{ startedAt: "2030-01-01T00:00:00.000Z", endedAt: "2030-01-01T00:01:00.000Z" },
  ...{ tables: [], lanes: [], failed: [], alerts: [] },
};
const status = (more: Partial<Status>): Status => ({ runs: [], tables: [], sources: [], ...more });

test("rows move with a lane's notes before an object is recorded, and no row counts twice", () => {
  const splits = [split("0000", 500, true), split("0001", 800)];
  expect(passProgress("leads", "rows-1", splits, [note])).toEqual({
    ...{ pass: "rows-1", splits: 2, done: 1, rows: 1700 },
    reached: ["2026-01-02T03:04:05.678Z"],
  });
  // The object came after the note.
  const recorded = [split("0000", 500, true), split("0001", 1300)];
  expect(passProgress("leads", "rows-1", recorded, [note]).rows).toBe(1800);
  const others = [
    { ...note, table: "other" },
    { ...note, pass: "rows-2" },
  ];
  expect(passProgress("leads", "rows-1", splits, others)).toMatchObject({
    rows: 1300,
    reached: [],
  });
  expect(passWords(passProgress("leads", "rows-1", splits, [note]))).toBe(
    "rows-1 1/2 splits, 1,700 rows, at 2026-01-02T03:04:05.678Z",
  );
});

test("notes of runs that have ended, or that no lane can still be writing, mean nothing", () => {
  expect(notesOfNow([note], [run], 1_010_000)).toEqual([note]);
  expect(notesOfNow([{ ...note, run: "run-1" }], [run], 1_010_000)).toEqual([]);
  expect(notesOfNow([note], [run], 1_000_000 + 15 * 60_000)).toEqual([]);
});

test("a watermark is a moment where it is one, and a number where it is not", () => {
  const table = (name: string, unit: "ms" | "ns" | "value" | null, watermark: string | null) => ({
    ...{ table: name, watermark, watermarkUnit: unit, manifests: 3, open: [], remarks: [] },
  });
  const found = status({
    tables: [
      table("a", "ms", "1767323045678"),
      table("b", "ns", "1767323045678901234"),
      table("c", "value", "4711"),
      table("d", null, null),
    ],
  });
  const lines = statusLines(found).join("\n");
  expect(lines).toMatch(/a +3 +2026-01-02T03:04:05.678Z/);
  expect(lines).toMatch(/b +3 +2026-01-02T03:04:05.678901234Z/);
  expect(lines).toMatch(/c +3 +4711/);
  expect(statusJson(found)).toMatchObject({
    tables: [
      { watermark: "1767323045678", watermarkTime: "2026-01-02T03:04:05.678Z" },
      { watermarkTime: "2026-01-02T03:04:05.678901234Z" },
      { watermark: "4711", watermarkTime: null },
      { watermarkTime: null },
    ],
  });
});

test("a source that pauses is shown with its reason", () => {
  const until = Date.parse("2030-01-01T00:02:00.000Z");
  const pause = { until, run: "run-1", reason: "429: too many" };
  const lines = statusLines(status({ sources: [{ source: "shop", pause, reading: [] }] })).join(
    "\n",
  );
  expect(lines).toContain(
    "source shop pauses until 2030-01-01T00:02:00.000Z, because it rejected requests repeatedly: 429: too many",
  );
  expect(lines).not.toMatch(/held|another run/);
});

test("the last run's alerts are shown with their kind", () => {
  const alerts = [
    { kind: "waiting", name: "leads", message: "another run reads it: arn:2" },
    { kind: "closed", name: "events", message: "source track is read from 22:00" },
  ] as const;
  const lines = statusLines(status({ runs: [{ ...run, alerts: [...alerts] }] })).join("\n");
  expect(lines).toContain("waiting in the last run: leads: another run reads it: arn:2");
  expect(lines).toContain("closed in the last run: events: source track is read from 22:00");
});

test("what is read now is shown with its rate", () => {
  const lines = statusLines(
    status({ sources: [{ source: "shop", pause: null, reading: [note] }] }),
  );
  expect(lines.join("\n")).toContain(
    "run-2 reads leads (shop/0): 700 rows, 49 rows/s, at 2026-01-02T03:04:05.678Z",
  );
});
