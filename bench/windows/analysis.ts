// What the windows of the benchmark `foreground` say. Pure.
import {
  ascending,
  type Interval,
  noiseInterval,
  quantile,
  ratioInterval,
  shareAbove,
} from "../measure/statistics.ts";
import { markdownTable, shortNumber } from "../command/results.ts";
import type { Variant } from "./variants.ts";

/** One window of one variant. */
export interface WindowResult {
  readonly variant: string;
  readonly round: number;
  readonly seconds: number;
  /** Of the foreground's requests that were due in it, milliseconds. */
  readonly latencies: readonly number[];
  readonly failed: number;
  readonly rows: number;
  readonly serverCpuSeconds: number;
  readonly clientCpuSeconds: number;
  /** CPU of none of server, reader, load and this benchmark. */
  readonly otherCpuSeconds: number;
}

export type VariantOutline = Pick<Variant, "name" | "kind" | "settings">;

const draws = 300;
const seed = 3;

export interface Ratio {
  readonly value: number;
  /** 95 of 100 such measurements lie in it. */
  readonly interval: Interval;
}

export interface VariantAnalysis extends VariantOutline {
  readonly windows: number;
  readonly requests: number;
  readonly failed: number;
  /** Milliseconds, over all its windows. */
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly toIdle: { readonly p50: Ratio; readonly p95: Ratio; readonly p99: Ratio } | null;
  readonly toControl: { readonly p50: Ratio; readonly p95: Ratio; readonly p99: Ratio } | null;
  readonly shareAboveIdleP99: number;
  readonly shareAboveControlP99: number;
  readonly rowsPerSecond: number;
  /** Beyond what the foreground alone takes; null where nothing is read. */
  readonly serverCpuMicrosPerRow: number | null;
  /** Cores that the reader's processes kept busy. */
  readonly clientCores: number;
  readonly otherCores: number;
}

export interface Analysis {
  readonly variants: readonly VariantAnalysis[];
  /** Ratios that noise alone makes between halves of the idle windows. */
  readonly idleNoise: { readonly p50: Interval; readonly p95: Interval; readonly p99: Interval };
}

/** @throws Error if there is no window of idle or of the control */
export function analyse(
  outlines: readonly VariantOutline[],
  windows: readonly WindowResult[],
): Analysis {
  const of = (outline: VariantOutline): WindowResult[] =>
    windows.filter(({ variant }) => variant === outline.name);
  const named = (kind: Variant["kind"]): VariantOutline => {
    const found = outlines.find((outline) => outline.kind === kind);
    if (found === undefined) throw new Error(`There is no variant "${kind}".`);
    return found;
  };
  const idle = of(named("idle"));
  const control = of(named("control"));
  const idleSorted = pooled(idle);
  const controlSorted = pooled(control);
  const idleCpuShare = sum(idle, (one) => one.serverCpuSeconds) / sum(idle, (one) => one.seconds);
  const compare = (
    mine: readonly WindowResult[],
    base: readonly WindowResult[],
    share: number,
  ) => ({
    value: quantile(pooled(mine), share) / quantile(pooled(base), share),
    interval: ratioInterval(latenciesOf(mine), latenciesOf(base), share, draws, seed),
  });
  const ratios = (mine: readonly WindowResult[], base: readonly WindowResult[]) => ({
    p50: compare(mine, base, 0.5),
    p95: compare(mine, base, 0.95),
    p99: compare(mine, base, 0.99),
  });
  const noise = (share: number): Interval => noiseInterval(latenciesOf(idle), share, draws, seed);
  return {
    variants: outlines.map((outline) => {
      const mine = of(outline);
      const sorted = pooled(mine);
      const seconds = sum(mine, (one) => one.seconds);
      const rows = sum(mine, (one) => one.rows);
      const serverSeconds = sum(mine, (one) => one.serverCpuSeconds) - idleCpuShare * seconds;
      return {
        ...{ name: outline.name, kind: outline.kind, settings: outline.settings },
        windows: mine.length,
        requests: sorted.length,
        failed: sum(mine, (one) => one.failed),
        p50: quantile(sorted, 0.5),
        p95: quantile(sorted, 0.95),
        p99: quantile(sorted, 0.99),
        toIdle: outline.kind === "idle" ? null : ratios(mine, idle),
        toControl:
          outline.kind === "idle" || outline.kind === "control" ? null : ratios(mine, control),
        shareAboveIdleP99: shareAbove(sorted, quantile(idleSorted, 0.99)),
        shareAboveControlP99: shareAbove(sorted, quantile(controlSorted, 0.99)),
        rowsPerSecond: rows / seconds,
        serverCpuMicrosPerRow: rows === 0 ? null : (serverSeconds * 1e6) / rows,
        clientCores: sum(mine, (one) => one.clientCpuSeconds) / seconds,
        otherCores: sum(mine, (one) => one.otherCpuSeconds) / seconds,
      };
    }),
    idleNoise: { p50: noise(0.5), p95: noise(0.95), p99: noise(0.99) },
  };
}

/** The table for docs/benchmarks.md. */
export function foregroundTable({ variants }: Analysis): string {
  return markdownTable(
    [
      "variant",
      "p50, p95, p99, ms",
      "to idle: p50, p95, p99",
      "to the control: p95, p99",
      "slower than idle's p99",
      "slower than the control's p99",
      "rows/s",
      "server CPU, µs a row",
      "client, cores",
    ],
    variants.map((one) => [
      one.name,
      [one.p50, one.p95, one.p99].map((value) => value.toFixed(2)).join(", "),
      one.toIdle === null
        ? "1"
        : [one.toIdle.p50, one.toIdle.p95, one.toIdle.p99].map(ratioText).join(", "),
      one.toControl === null
        ? "–"
        : [one.toControl.p95, one.toControl.p99].map(ratioText).join(", "),
      percent(one.shareAboveIdleP99),
      percent(one.shareAboveControlP99),
      shortNumber(one.rowsPerSecond),
      one.serverCpuMicrosPerRow === null ? "–" : shortNumber(one.serverCpuMicrosPerRow),
      one.clientCores.toFixed(2),
    ]),
  );
}

export interface Aim {
  readonly what: string;
  readonly measured: string;
  readonly isMet: boolean;
}

const mostRatio = 1.1;
const mostShare = 0.015;

/** What the default budget should keep, and whether it did. */
export function aims({ variants }: Analysis): Aim[] {
  const mine = variants.find(({ kind }) => kind === "default");
  if (mine?.toControl == null) return [];
  const { p95, p99 } = mine.toControl;
  const held = variants.filter(({ kind }) => kind === "held");
  return [
    {
      what: `p95 within ${mostRatio} of the control`,
      measured: ratioText(p95),
      isMet: p95.value <= mostRatio,
    },
    {
      what: `p99 within ${mostRatio} of the control`,
      measured: ratioText(p99),
      isMet: p99.value <= mostRatio,
    },
    {
      what: `at most ${percent(mostShare)} of requests above the control's p99`,
      measured: percent(mine.shareAboveControlP99),
      isMet: mine.shareAboveControlP99 <= mostShare,
    },
    ...held.map((peer) => ({
      what: `gentler than ${peer.name}: lower p95 and p99`,
      measured: `${(mine.p95 / peer.p95).toFixed(2)}, ${(mine.p99 / peer.p99).toFixed(2)} of it`,
      isMet: mine.p95 < peer.p95 && mine.p99 < peer.p99,
    })),
  ];
}

/** Which differences are none, in words. */
export function noiseText({ idleNoise, variants }: Analysis): string {
  const range = ({ low, high }: Interval): string => `${low.toFixed(2)}–${high.toFixed(2)}`;
  const others = Math.max(...variants.map(({ otherCores }) => otherCores));
  return (
    `Between halves of the idle windows noise alone makes ratios of ${range(idleNoise.p50)} at p50, ` +
    `${range(idleNoise.p95)} at p95 and ${range(idleNoise.p99)} at p99 (95 of 100); a smaller difference is none. ` +
    `In brackets: the interval that 95 of 100 such measurements lie in, from drawing whole windows again. ` +
    `Other processes used ${others.toFixed(2)} cores at most.`
  );
}

function latenciesOf(windows: readonly WindowResult[]): (readonly number[])[] {
  return windows.map(({ latencies }) => latencies);
}

function pooled(windows: readonly WindowResult[]): Float64Array {
  return ascending(latenciesOf(windows).flat());
}

function sum(windows: readonly WindowResult[], value: (window: WindowResult) => number): number {
  return windows.reduce((total, window) => total + value(window), 0);
}

function ratioText({ value, interval }: Ratio): string {
  return `${value.toFixed(2)} (${interval.low.toFixed(2)}–${interval.high.toFixed(2)})`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}
