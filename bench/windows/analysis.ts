// What the windows of the benchmark `foreground` say. Pure.
import {
  ascending,
  type Interval,
  median,
  medianRatio,
  noiseInterval,
  quantile,
  ratioInterval,
  shareAbove,
  sum,
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
  /** CPU of other processes than server, reader, load and this benchmark. */
  readonly otherCpuSeconds: number;
  /** CPU that the machine's host took from it. */
  readonly stolenCpuSeconds: number;
}

/**
 * The share of one core that the machine's host may take in a window that counts. Where it took more, any variant was
 * several times as slow as in the windows beside it, whoever was reading.
 */
const MOST_STOLEN_CORES = 0.05;

/** True if the machine's host left it alone in that time. */
export function isQuiet({
  stolenCpuSeconds,
  seconds,
}: Pick<WindowResult, "stolenCpuSeconds" | "seconds">): boolean {
  return stolenCpuSeconds <= MOST_STOLEN_CORES * seconds;
}

export type VariantOutline = Pick<Variant, "name" | "kind" | "settings">;

const DRAWS = 300;
const SEED = 3;

interface Ratio {
  readonly value: number;
  /** 95 of 100 such measurements lie in it. */
  readonly interval: Interval;
}

type Percentiles<T> = Readonly<Record<"p50" | "p95" | "p99", T>>;

/**
 * Window by window: percentiles of each alone, and of these the medians. A ratio is that of two windows of one round,
 * which were measured within minutes of each other; of these again the median. NaN where there is none.
 */
interface ByRound extends Percentiles<number> {
  readonly toIdle: Percentiles<Ratio> | null;
  readonly toControl: Percentiles<Ratio> | null;
  /** To the default budget; of the readers that were held to its rate. */
  readonly toDefault: Percentiles<Ratio> | null;
}

/** Its percentiles are milliseconds, over all its quiet windows; NaN without a quiet window. */
interface VariantAnalysis extends VariantOutline, Percentiles<number> {
  /** Quiet ones; the others are not counted. */
  readonly windows: number;
  /** Windows in which the machine's host took too much, each time that they were tried. */
  readonly disturbed: number;
  readonly requests: number;
  readonly failed: number;
  readonly toIdle: Percentiles<Ratio> | null;
  readonly toControl: Percentiles<Ratio> | null;
  readonly byRound: ByRound;
  readonly shareAboveIdleP99: number;
  readonly shareAboveControlP99: number;
  readonly rowsPerSecond: number;
  /** Beyond what the foreground alone takes; null where nothing is read. */
  readonly serverCpuMicrosPerRow: number | null;
  /** Cores that the reader's processes kept busy. */
  readonly clientCores: number;
  readonly otherCores: number;
  /** What the machine's host took from its quiet windows. */
  readonly stolenCores: number;
}

export interface Analysis {
  readonly variants: readonly VariantAnalysis[];
  /** Ratios that noise alone makes between halves of the idle windows. */
  readonly idleNoise: Percentiles<Interval>;
  /** The ratios of each round's idle window to the next round's, which should be 1. */
  readonly idleNoiseByRound: Percentiles<Ratio>;
}

/**
 * Only quiet windows count: any other measures the machine's host, not what was read.
 * @throws Error if there is no variant idle or control
 */
export function analyse(
  outlines: readonly VariantOutline[],
  windows: readonly WindowResult[],
): Analysis {
  const all = (outline: VariantOutline): WindowResult[] =>
    windows.filter(({ variant }) => variant === outline.name);
  const of = (outline: VariantOutline): WindowResult[] => all(outline).filter(isQuiet);
  const named = (kind: Variant["kind"]): VariantOutline => {
    const found = outlines.find((outline) => outline.kind === kind);
    if (found === undefined) throw new Error(`There is no variant "${kind}".`);
    return found;
  };
  const [idleOutline, controlOutline] = [named("idle"), named("control")];
  const byDefault = outlines.find(({ kind }) => kind === "default");
  const idle = of(idleOutline);
  const control = of(controlOutline);
  const idleSorted = pooled(idle);
  const controlSorted = pooled(control);
  const idleCpuShare = sum(idle, (one) => one.serverCpuSeconds) / sum(idle, (one) => one.seconds);
  const compare = (
    mine: readonly WindowResult[],
    base: readonly WindowResult[],
    share: number,
  ) => ({
    value: quantile(pooled(mine), share) / quantile(pooled(base), share),
    interval: ratioInterval(latenciesOf(mine), latenciesOf(base), share, DRAWS, SEED),
  });
  const ratios = (mine: readonly WindowResult[], base: readonly WindowResult[]) =>
    percentiles((share) => compare(mine, base, share));
  const inRounds = byRounds(of);
  const ratiosByRound = (mine: VariantOutline, base: VariantOutline): Percentiles<Ratio> =>
    percentiles((share) => medianRatio(inRounds.pairs(mine, base, share), DRAWS, SEED));
  const noise = (share: number): Interval => noiseInterval(latenciesOf(idle), share, DRAWS, SEED);
  return {
    variants: outlines.map((outline) => {
      const mine = of(outline);
      const sorted = pooled(mine);
      const isCompared = outline.kind !== "idle" && outline.kind !== "control";
      const seconds = sum(mine, (one) => one.seconds);
      const rows = sum(mine, (one) => one.rows);
      const serverSeconds = sum(mine, (one) => one.serverCpuSeconds) - idleCpuShare * seconds;
      return {
        ...{ name: outline.name, kind: outline.kind, settings: outline.settings },
        windows: mine.length,
        disturbed: all(outline).length - mine.length,
        requests: sorted.length,
        failed: sum(mine, (one) => one.failed),
        ...percentiles((share) => quantile(sorted, share)),
        toIdle: outline.kind === "idle" ? null : ratios(mine, idle),
        toControl: isCompared ? ratios(mine, control) : null,
        byRound: {
          ...percentiles((share) => median(mine.map((one) => quantileOf(one, share)))),
          toIdle: outline.kind === "idle" ? null : ratiosByRound(outline, idleOutline),
          toControl: isCompared ? ratiosByRound(outline, controlOutline) : null,
          toDefault:
            outline.kind === "held" && byDefault !== undefined
              ? ratiosByRound(outline, byDefault)
              : null,
        },
        shareAboveIdleP99: shareAbove(sorted, quantile(idleSorted, 0.99)),
        shareAboveControlP99: shareAbove(sorted, quantile(controlSorted, 0.99)),
        rowsPerSecond: rows / seconds,
        serverCpuMicrosPerRow: rows === 0 ? null : (serverSeconds * 1e6) / rows,
        clientCores: sum(mine, (one) => one.clientCpuSeconds) / seconds,
        otherCores: sum(mine, (one) => one.otherCpuSeconds) / seconds,
        stolenCores: sum(mine, (one) => one.stolenCpuSeconds) / seconds,
      };
    }),
    idleNoise: percentiles(noise),
    idleNoiseByRound: percentiles((share) =>
      medianRatio(inRounds.neighbours(idleOutline, share), DRAWS, SEED),
    ),
  };
}

function percentiles<T>(of: (share: number) => T): Percentiles<T> {
  return { p50: of(0.5), p95: of(0.95), p99: of(0.99) };
}

const quantileOf = ({ latencies }: WindowResult, share: number): number =>
  quantile(ascending(latencies), share);

/** Pairs of windows' quantiles: of two variants in one round, and of one variant in neighbouring rounds. */
function byRounds(of: (outline: VariantOutline) => readonly WindowResult[]) {
  const find = (outline: VariantOutline, round: number): WindowResult | undefined =>
    of(outline).find((window) => window.round === round);
  const pairsOf = (
    windows: readonly WindowResult[],
    partner: (window: WindowResult) => WindowResult | undefined,
    share: number,
  ): [number, number][] =>
    windows.flatMap((window) => {
      const other = partner(window);
      return other === undefined
        ? []
        : [[quantileOf(window, share), quantileOf(other, share)] satisfies [number, number]];
    });
  return {
    pairs: (mine: VariantOutline, base: VariantOutline, share: number) =>
      pairsOf(of(mine), ({ round }) => find(base, round), share),
    neighbours: (outline: VariantOutline, share: number) =>
      pairsOf(of(outline), ({ round }) => find(outline, round + 1), share),
  };
}

/** The table for docs/benchmarks.md. */
export function foregroundTable({ variants }: Analysis): string {
  return markdownTable(
    [
      "variant",
      "quiet windows",
      "p50, p95, p99, ms",
      "to idle: p50, p95, p99",
      "to the control: p95, p99",
      "slower than idle's p99",
      "slower than the control's p99",
      "rows/s",
      "server CPU, µs per row",
      "client, cores",
    ],
    variants.map((one) => [
      one.name,
      String(one.windows),
      listed(one, millisText),
      one.toIdle === null ? "1" : listed(one.toIdle, ratioText),
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

/** The second table for docs/benchmarks.md: each window by itself. */
export function roundsTable({ variants }: Analysis): string {
  return markdownTable(
    ["variant", "p50, p95, p99, ms", "to idle", "to the control", "to the default budget"],
    variants.map(({ name, byRound }) => [
      name,
      listed(byRound, millisText),
      listed(byRound.toIdle, ratioText),
      listed(byRound.toControl, ratioText),
      listed(byRound.toDefault, ratioText),
    ]),
  );
}

export interface Aim {
  readonly what: string;
  readonly measured: string;
  readonly isMet: boolean;
}

const MOST_RATIO = 1.1;
const MOST_SHARE = 0.015;

/** What the default budget should keep, and whether it did. */
export function aims({ variants }: Analysis): Aim[] {
  const mine = variants.find(({ kind }) => kind === "default");
  if (mine?.toControl == null) return [];
  const { p95, p99 } = mine.toControl;
  const rounds = mine.byRound.toControl;
  const held = variants.filter(({ kind }) => kind === "held");
  return [
    {
      what: `p95 within ${MOST_RATIO} of the control`,
      measured: ratioText(p95),
      isMet: p95.value <= MOST_RATIO,
    },
    {
      what: `p99 within ${MOST_RATIO} of the control`,
      measured: ratioText(p99),
      isMet: p99.value <= MOST_RATIO,
    },
    {
      what: `at most ${percent(MOST_SHARE)} of requests above the control's p99`,
      measured: percent(mine.shareAboveControlP99),
      isMet: mine.shareAboveControlP99 <= MOST_SHARE,
    },
    ...(rounds === null
      ? []
      : (["p95", "p99"] as const).map((percentile) => ({
          what: `${percentile} within ${MOST_RATIO} of the control, round by round`,
          measured: ratioText(rounds[percentile]),
          isMet: rounds[percentile].value <= MOST_RATIO,
        }))),
    ...held.map((peer) => ({
      what: `gentler than ${peer.name}: lower p95 and p99`,
      measured: `${(mine.p95 / peer.p95).toFixed(2)}, ${(mine.p99 / peer.p99).toFixed(2)} of it`,
      isMet: mine.p95 < peer.p95 && mine.p99 < peer.p99,
    })),
    ...held.flatMap(({ name, byRound: { toDefault } }) =>
      toDefault === null
        ? []
        : {
            what: `the same, round by round: ${name} is slower at p95 and p99`,
            measured: `${ratioText(toDefault.p95)}, ${ratioText(toDefault.p99)} of the default budget`,
            isMet: toDefault.p95.value > 1 && toDefault.p99.value > 1,
          },
    ),
  ];
}

/** Which differences are noise, in words. */
export function noiseText({ idleNoise, idleNoiseByRound, variants }: Analysis): string {
  const range = ({ low, high }: Interval): string => `${low.toFixed(2)}–${high.toFixed(2)}`;
  const others = Math.max(...variants.map(({ otherCores }) => otherCores));
  const stolen = Math.max(...variants.map(({ stolenCores }) => stolenCores));
  const disturbed = variants.reduce((total, one) => total + one.disturbed, 0);
  const { p50, p95, p99 } = idleNoiseByRound;
  return (
    `Between halves of the idle windows noise alone makes ratios of ${range(idleNoise.p50)} at p50, ` +
    `${range(idleNoise.p95)} at p95 and ${range(idleNoise.p99)} at p99 (95 of 100); a smaller difference is noise. ` +
    `In brackets: the interval that 95 of 100 such measurements lie in, from drawing whole windows again. ` +
    `Round by round an idle window is ${ratioText(p50)} at p50, ${ratioText(p95)} at p95 and ${ratioText(p99)} at p99 of ` +
    `the next one. ` +
    `Other processes used ${others.toFixed(2)} cores at most, and the machine's host took ${stolen.toFixed(3)}; ` +
    `windows left out because it took more than ${MOST_STOLEN_CORES} each time that they were tried: ${disturbed}.`
  );
}

function latenciesOf(windows: readonly WindowResult[]): (readonly number[])[] {
  return windows.map(({ latencies }) => latencies);
}

function pooled(windows: readonly WindowResult[]): Float64Array {
  return ascending(latenciesOf(windows).flat());
}

/** All three, as text; a dash where there are none. */
function listed<T>(values: Percentiles<T> | null, text: (value: T) => string): string {
  return values === null ? "–" : [values.p50, values.p95, values.p99].map(text).join(", ");
}

const millisText = (millis: number): string => millis.toFixed(2);

function ratioText({ value, interval }: Ratio): string {
  if (Number.isNaN(value)) return "–";
  return `${value.toFixed(2)} (${interval.low.toFixed(2)}–${interval.high.toFixed(2)})`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}
