// What the foreground's windows are said to show.
import { describe, expect, it } from "vitest";
import {
  aims,
  analyse,
  foregroundTable,
  isQuiet,
  roundsTable,
  type VariantOutline,
  type WindowResult,
} from "../../bench/windows/analysis.ts";

const outlines: VariantOutline[] = [
  { name: "idle", kind: "idle", settings: "" },
  { name: "control", kind: "control", settings: "" },
  { name: "ours", kind: "default", settings: "" },
  { name: "peer", kind: "held", settings: "" },
];
const scale = { idle: 1, control: 1.2, ours: 1.25, peer: 3 };
const rows = { idle: 0, control: 0, ours: 10_000, peer: 10_000 };
const serverCpuSeconds = { idle: 1, control: 1, ours: 1.5, peer: 2 };

function windowsOf(name: keyof typeof scale): WindowResult[] {
  return [1, 2, 3, 4].map((round) => ({
    ...{ variant: name, round, seconds: 10, failed: 0, rows: rows[name] },
    latencies: Array.from({ length: 1000 }, (_, index) => (scale[name] * (index + 1)) / 1000),
    ...{ serverCpuSeconds: serverCpuSeconds[name], clientCpuSeconds: 0.5 },
    ...{ otherCpuSeconds: 0, stolenCpuSeconds: 0 },
  }));
}

describe("analyse", () => {
  const analysis = analyse(
    outlines,
    (["idle", "control", "ours", "peer"] as const).flatMap(windowsOf),
  );
  const [idle, control, ours, peer] = analysis.variants;

  it("compares with idle and with the control", () => {
    expect(idle?.toIdle).toBeNull();
    expect(control?.toIdle?.p99.value).toBeCloseTo(1.2);
    expect(ours?.toIdle?.p95.value).toBeCloseTo(1.25);
    expect(ours?.toControl?.p99.value).toBeCloseTo(1.25 / 1.2);
    expect(idle?.shareAboveIdleP99).toBeCloseTo(0.01, 3);
    expect(peer?.shareAboveControlP99).toBeCloseTo(1 - 1.188 / 3, 2);
  });

  it("takes the foreground's own cost from the server's CPU", () => {
    expect(ours?.rowsPerSecond).toBe(1000);
    expect(ours?.serverCpuMicrosPerRow).toBeCloseTo(50);
    expect(peer?.serverCpuMicrosPerRow).toBeCloseTo(100);
    expect(idle?.serverCpuMicrosPerRow).toBeNull();
  });

  it("says which aims are met", () => {
    expect(aims(analysis).map(({ isMet }) => isMet)).toEqual([
      ...[true, true, false],
      ...[true, true],
      ...[true, true],
    ]);
  });

  it("has a line for each variant in its table", () => {
    const table = foregroundTable(analysis).split("\n");
    expect(table).toHaveLength(2 + outlines.length);
    expect(table[4]).toContain("| ours | 4 | 0.63, 1.19, 1.24 | 1.25 (");
  });

  it("compares round by round, so that a slow round and a single bad window count little", () => {
    const slowed = (["idle", "control", "ours", "peer"] as const)
      .flatMap(windowsOf)
      .map((window) => ({
        ...window,
        latencies: window.latencies.map(
          (latency) =>
            latency *
            (window.round === 2 ? 5 : 1) *
            (window.variant === "ours" && window.round === 3 ? 10 : 1),
        ),
      }));
    const [, , mine, held] = analyse(outlines, slowed).variants;
    expect(mine?.toControl?.p99.value).toBeGreaterThan(2);
    expect(mine?.byRound.toControl?.p99.value).toBeCloseTo(1.25 / 1.2);
    expect(mine?.byRound.toIdle?.p50.value).toBeCloseTo(1.25);
    expect(held?.byRound.toDefault?.p95.value).toBeCloseTo(3 / 1.25);
    expect(mine?.byRound.toDefault).toBeNull();
    // Of 1, 5, 10 and 1 times its usual.
    expect(mine?.byRound.p50).toBeCloseTo(3 * 1.25 * 0.5005, 3);
  });

  it("leaves out windows that the host disturbed", () => {
    const disturbed = (["idle", "control", "ours", "peer"] as const)
      .flatMap(windowsOf)
      .map((window) => {
        const isDisturbed = window.variant === "ours" && window.round !== 2;
        const factor = isDisturbed ? 10 : 1;
        return {
          ...window,
          latencies: window.latencies.map((latency) => factor * latency),
          stolenCpuSeconds: isDisturbed ? 1 : 0,
        };
      });
    const [, , mine] = analyse(outlines, disturbed).variants;
    expect(mine).toMatchObject({ windows: 1, disturbed: 3, requests: 1000, stolenCores: 0 });
    for (const percentiles of [mine, mine?.byRound]) {
      expect(percentiles?.p50).toBeCloseTo(1.25 * 0.5005, 3);
      expect(percentiles?.toControl?.p99.value).toBeCloseTo(1.25 / 1.2);
    }
  });

  it("says nothing, and that no aim is met, where no window was quiet", () => {
    const none = (["idle", "control", "ours", "peer"] as const)
      .flatMap(windowsOf)
      .map((window) => ({ ...window, stolenCpuSeconds: 1 }));
    const nothing = analyse(outlines, none);
    const [, , mine] = nothing.variants;
    expect(mine).toMatchObject({ windows: 0, disturbed: 4, p50: NaN, rowsPerSecond: NaN });
    expect(mine?.toControl?.p99.value).toBeNaN();
    expect(mine?.byRound.toControl?.p99.value).toBeNaN();
    expect(aims(nothing).filter(({ isMet }) => isMet)).toEqual([]);
  });

  it("shows what noise makes of one idle window and the next", () => {
    const { idleNoiseByRound } = analysis;
    expect(idleNoiseByRound.p99).toEqual({ value: 1, interval: { low: 1, high: 1 } });
  });

  it("has a line for each variant in the table by rounds, too", () => {
    const table = roundsTable(analysis).split("\n");
    expect(table).toHaveLength(2 + outlines.length);
    expect(table[2]).toBe("| idle | 0.50, 0.95, 0.99 | – | – | – |");
    expect(table[5]).toContain("| 2.40 (2.40–2.40), ");
  });

  it("takes a window for quiet unless the machine's host took much of it", () => {
    const [window] = windowsOf("idle");
    if (window === undefined) throw new Error("there is no window");
    expect(isQuiet({ ...window, stolenCpuSeconds: 0.49 })).toBe(true);
    expect(isQuiet({ ...window, stolenCpuSeconds: 0.51 })).toBe(false);
  });
});
