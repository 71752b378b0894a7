// A run's numbers as CloudWatch metrics: a few per run and source, none per table, so that they cost the same for any catalog.
import { MetricUnit, type Metrics } from "@aws-lambda-powertools/metrics";
import type { RunRecord } from "../../contract/run.ts";

export function emitMetrics(metrics: Metrics, record: RunRecord): void {
  const { run, tables, alerts, failed } = record;
  const sum = (values: readonly number[]): number => values.reduce((total, one) => total + one, 0);
  const seconds = (Date.parse(record.endedAt) - Date.parse(record.startedAt)) / 1000;
  metrics.addMetric("RunSeconds", MetricUnit.Seconds, seconds);
  metrics.addMetric("Failures", MetricUnit.Count, failed.length);
  metrics.addMetric("RowsExtracted", MetricUnit.Count, sum(tables.map((one) => one.rowsExtracted)));
  metrics.addMetric("BytesExtracted", MetricUnit.Bytes, sum(tables.map((one) => one.bytes)));
  metrics.addMetric(
    "QuarantinedRows",
    MetricUnit.Count,
    sum(tables.map((one) => one.build?.quarantined ?? 0)),
  );
  metrics.addMetric(
    "HeldDeletes",
    MetricUnit.Count,
    sum(tables.map((one) => one.build?.heldDeletes ?? 0)),
  );
  metrics.addMetric(
    "WaitingTables",
    MetricUnit.Count,
    alerts.filter(({ kind }) => kind === "waiting").length,
  );
  // No dimension, which would make one metric per run, but in the line, as in all lines.
  metrics.addMetadata("run", run);
  metrics.publishStoredMetrics();

  for (const source of new Set(record.lanes.map((lane) => lane.source))) {
    const lanes = record.lanes.filter((lane) => lane.source === source);
    metrics.addDimension("source", source);
    metrics.addMetric("SourceRows", MetricUnit.Count, sum(lanes.map((lane) => lane.rows)));
    metrics.addMetric(
      "SourceReadMillis",
      MetricUnit.Milliseconds,
      sum(lanes.map((lane) => lane.readMillis)),
    );
    metrics.addMetric("SourceBytes", MetricUnit.Bytes, sum(lanes.map((lane) => lane.bytes)));
    metrics.addMetric(
      "SourceRestMillis",
      MetricUnit.Milliseconds,
      sum(lanes.map((lane) => lane.pauseMillis)),
    );
    metrics.addMetric("SourceSlow", MetricUnit.Count, sum(lanes.map((lane) => lane.slow)));
    metrics.addMetric("SourceBackOffs", MetricUnit.Count, sum(lanes.map((lane) => lane.backOffs)));
    metrics.addMetadata("run", run);
    metrics.publishStoredMetrics();
  }
}
