// The metrics of a run, as CloudWatch finds them in the log.
import { Metrics } from "@aws-lambda-powertools/metrics";
import { afterEach, expect, it, vi } from "vitest";
import { z } from "zod";
import type { RunRecord } from "../../../contract/run.ts";
import { emitMetrics } from "../../../functions/report/emit-metrics.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const embeddedSchema = z.looseObject({ deployment: z.string(), source: z.string().optional() });

it("are a few per run and source", () => {
  const metrics = new Metrics({
    namespace: "Sluice",
    serviceName: "report",
    defaultDimensions: { deployment: "test" },
  });
  const lines: unknown[] = [];
  // Powertools writes to a console of its own, unless it runs in development mode.
  vi.spyOn(console, "log").mockImplementation((line: unknown) => lines.push(line));
  Object.assign(metrics, { console });
  const lane = {
    ...{ status: "done" as const, lane: 0, invocations: 1, bytes: 100, slow: 1, ended: null },
    ...{ rowsPerSecond: null, bytesPerSecond: null },
  };
  const record: RunRecord = {
    ...{ format: 1, run: "one", execution: "arn", status: "failed", tables: [], alerts: [] },
    ...{ startedAt: "2030-01-01T00:00:00.000Z", endedAt: "2030-01-01T00:01:30.000Z" },
    lanes: [
      { ...lane, source: "shop", rows: 10, readMillis: 1, pauseMillis: 9, backOffs: 0 },
      { ...lane, source: "shop", lane: 1, rows: 5, readMillis: 2, pauseMillis: 9, backOffs: 3 },
      { ...lane, source: "other", rows: 7, readMillis: 4, pauseMillis: 9, backOffs: 0 },
    ],
    failed: [{ step: "build", name: "t", error: "BuildFailed", message: "" }],
  };
  emitMetrics(metrics, record);
  const parsed = lines.map((line) => embeddedSchema.parse(JSON.parse(String(line))));
  expect(parsed).toMatchObject([
    { deployment: "test", RunSeconds: 90, Failures: 1, RowsExtracted: 0 },
    {
      source: "shop",
      SourceRows: 15,
      SourceReadMillis: 3,
      SourceBackOffs: 3,
      SourceBytes: 200,
      SourceSlow: 2,
    },
    { source: "other", SourceRows: 7, SourceReadMillis: 4, SourceBackOffs: 0 },
  ]);
  expect(parsed[0]?.source).toBeUndefined();
});
