// What people read after a run: how fast each lane read, what slowed it, and why it ended.
import { expect, test } from "vitest";
import { laneTable, summarizeRun } from "../../cli/run-summary.ts";
import type { RunLane, RunRecord, RunTable } from "../../contract/run.ts";

const lane: RunLane = {
  ...{ source: "search", lane: 0, status: "done", invocations: 2, rows: 12_345, bytes: 4_096_000 },
  ...{ readMillis: 4000, pauseMillis: 36_000, backOffs: 0, slow: 0 },
  ...{ rowsPerSecond: 308.6, bytesPerSecond: 102_400, ended: "done" },
};

function row(changes: Partial<RunLane>): string[] {
  const [, , cells = ""] = laneTable([{ ...lane, ...changes }]).split("\n");
  return cells.trim().split(/\s{2,}/);
}

test("a lane's rates, times and end", () => {
  expect(row({})).toEqual([
    ...["search/0", "12,345", "309", "100.0 KiB", "2", "4.0 s", "36.0 s", "0", "done"],
  ]);
});

test.each([
  [{ backOffs: 3 }, "3 rejected"],
  [{ backOffs: 2, slow: 2 }, "2 slow"],
  [{ backOffs: 5, slow: 2 }, "3 rejected, 2 slow"],
])("back-offs %o are named by their cause", (changes, words) => {
  expect(row(changes)).toContain(words);
});

test.each([
  [{ ended: "time" as const }, "time was up"],
  [{ ended: "hours" as const }, "hours closed"],
  [{ ended: "rejections" as const }, "source pauses"],
  [{ ended: null, status: "failed" as const }, "failed"],
])("the end %o is named", (changes, words) => {
  expect(row(changes).at(-1)).toBe(words);
});

test("a run that had nothing to build says so", () => {
  const record: RunRecord = {
    ...{ format: 1, run: "one", execution: "arn", status: "succeeded", tables: [], lanes: [] },
    ...{ startedAt: "2030-01-01T00:00:00Z", endedAt: "2030-01-01T00:00:09Z" },
    ...{ failed: [], alerts: [] },
  };
  const summary = (more: Partial<RunRecord>): string =>
    summarizeRun({ ...record, ...more }).join("\n");
  const reason = "all is built as it is now";
  expect(summary({ decision: { build: false, reason } })).toContain(
    `no build was started: ${reason}`,
  );
  expect(summary({ decision: { build: true, reason } })).not.toContain("no build");
  expect(summary({})).not.toContain("no build");
});

const table: RunTable = {
  ...{ table: "leads", kind: "table", source: "shop", held: true, rowsExtracted: 500, objects: 2 },
  ...{ bytes: 4096, manifest: 1, watermark: "99", watermarkUnit: "ms", passes: [] },
  ...{ build: null, load: null },
};

test("a table that was not part of the run is not a model, and nothing was read of it", () => {
  const record: RunRecord = {
    ...{ format: 1, run: "one", execution: "arn:one", status: "succeeded", lanes: [lane] },
    ...{ startedAt: "2030-01-01T00:00:00.000Z", endedAt: "2030-01-01T00:01:00.000Z" },
    ...{ failed: [], alerts: [] },
    tables: [
      table,
      { ...table, table: "visits", held: false, rowsExtracted: 0, objects: 0 },
      { ...table, table: "daily", kind: "model", source: null, held: false, rowsExtracted: 0 },
    ],
  };
  const cells = summarizeRun(record).join("\n").split("\n");
  const rowOf = (name: string): string[] =>
    cells.find((line) => line.startsWith(name))?.split(/\s{2,}/) ?? [];
  expect(rowOf("leads").slice(1, 4)).toEqual(["shop", "500", "2"]);
  expect(rowOf("visits").slice(1, 4)).toEqual(["shop", "-", "-"]);
  expect(rowOf("daily").slice(1, 4)).toEqual(["(model)", "-", "-"]);
});
