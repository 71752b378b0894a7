// The message that people get keeps SNS's limits whatever went wrong.
import fc from "fast-check";
import { expect, it } from "vitest";
import type { RunFailure, RunRecord } from "../../../contract/run.ts";
import { alertMessage } from "../../../functions/report/alert-message.ts";

const record = (run: string, failed: RunFailure[]): RunRecord => ({
  ...{ format: 1, run, execution: "arn", startedAt: "a", endedAt: "b" },
  ...{ status: failed.length === 0 ? "succeeded" : "failed", tables: [], lanes: [] },
  ...{ failed, alerts: [] },
});

it("is none for a run that went well", () => {
  expect(alertMessage("sluice", record("one", []))).toBeUndefined();
});

it("is none when all there is to report is that hours are closed or that another run reads a table", () => {
  const closed = { kind: "closed" as const, name: "leads", message: "it opens later" };
  const waiting = { kind: "waiting" as const, name: "visits", message: "held by two" };
  const held = { kind: "held-deletes" as const, name: "leads", message: "many" };
  const well = record("one", []);
  expect(alertMessage("sluice", { ...well, alerts: [closed] })).toBeUndefined();
  expect(alertMessage("sluice", { ...well, alerts: [waiting] })).toBeUndefined();
  expect(alertMessage("sluice", { ...well, alerts: [closed, waiting] })).toBeUndefined();
  const all = alertMessage("sluice", { ...well, alerts: [closed, waiting, held] });
  expect(all?.subject).toContain("needs a look (1)");
  expect(all?.message).toContain("closed: leads: it opens later");
  expect(all?.message).toContain("waiting: visits: held by two");
});

it("has a subject and a size that SNS accepts", () => {
  const failure = fc.record({
    step: fc.constant("plan" as const),
    name: fc.string({ unit: "grapheme" }),
    error: fc.string(),
    message: fc.string({ unit: "grapheme", maxLength: 3000 }),
  });
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme", maxLength: 200 }),
      fc.array(failure, { minLength: 1, maxLength: 300 }),
      (run, failed) => {
        const { subject, message } = alertMessage("sluice", record(run, failed)) ?? {};
        expect(subject).toMatch(/^[\x20-\x7e]{1,100}$/);
        expect(Buffer.byteLength(message ?? "")).toBeLessThan(256 * 1024);
      },
    ),
    { numRuns: 30 },
  );
});
