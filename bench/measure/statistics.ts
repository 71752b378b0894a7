// The statistics that benchmarks report. Pure.
import { randomAt, type Random } from "../../examples/web-analytics/sample-data/random.ts";

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** Median, least and most of some measurements; NaN of none. */
export function spread(values: readonly number[]): Spread {
  const sorted = ascending(values);
  return { median: quantile(sorted, 0.5), least: sorted[0] ?? NaN, most: sorted.at(-1) ?? NaN };
}

/** The numbers, smallest first. */
export function ascending(values: Iterable<number>): Float64Array {
  return Float64Array.from(values).sort();
}

/** The quantile of sorted numbers, between neighbours in proportion; NaN of none. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) return NaN;
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)] ?? NaN;
  const above = sorted[Math.ceil(at)] ?? NaN;
  return below + (above - below) * (at - Math.floor(at));
}

/** The share of sorted numbers that are greater than the limit. */
export function shareAbove(sorted: ArrayLike<number>, limit: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? NaN) > limit) high = middle;
    else low = middle + 1;
  }
  return sorted.length === 0 ? NaN : (sorted.length - low) / sorted.length;
}

/** One window's latencies. */
export type Window = readonly number[];

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * Between which values a ratio of quantiles lies in 95 of 100 cases, when whole windows are drawn again with replacement:
 * requests of one window are not independent of each other, windows nearly are.
 */
export function ratioInterval(
  windows: readonly Window[],
  base: readonly Window[],
  share: number,
  draws: number,
  seed: number,
): Interval {
  const random = randomAt(seed, "bootstrap", Math.round(share * 1000));
  const ratios: number[] = [];
  for (let draw = 0; draw < draws; draw += 1)
    ratios.push(
      quantile(drawAgain(windows, random), share) / quantile(drawAgain(base, random), share),
    );
  return central(ascending(ratios));
}

/**
 * The ratios between two quantiles of the same thing that noise alone makes in 95 of 100 cases: the windows are dealt
 * into two halves again and again. Each half has half the windows, so the true noise is somewhat smaller.
 */
export function noiseInterval(
  windows: readonly Window[],
  share: number,
  draws: number,
  seed: number,
): Interval {
  const random = randomAt(seed, "halves", Math.round(share * 1000));
  const ratios: number[] = [];
  for (let draw = 0; draw < draws; draw += 1) {
    const dealt = shuffled(windows, random);
    const half = dealt.length >> 1;
    ratios.push(
      quantile(ascending(dealt.slice(0, half).flat()), share) /
        quantile(ascending(dealt.slice(half).flat()), share),
    );
  }
  return central(ascending(ratios));
}

/**
 * The median of ratios, and where it lies in 95 of 100 cases when the ratios are drawn again with replacement. Of numbers
 * measured shortly after one another each ratio is free of what changes slowly, and the median of single bad ones.
 */
export function medianRatio(
  pairs: readonly (readonly [mine: number, base: number])[],
  draws: number,
  seed: number,
): { readonly value: number; readonly interval: Interval } {
  const random = randomAt(seed, "pairs", pairs.length);
  const ratios = pairs.map(([mine, base]) => mine / base);
  const medians = Array.from({ length: draws }, () =>
    median(ratios.map(() => ratios[random.integer(0, ratios.length - 1)] ?? NaN)),
  );
  return { value: median(ratios), interval: central(ascending(medians)) };
}

/** The median; NaN of none. */
export function median(values: readonly number[]): number {
  return quantile(ascending(values), 0.5);
}

/** The items in another order, drawn. */
export function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  const dealt = [...items];
  for (let last = dealt.length - 1; last > 0; last -= 1) {
    const other = random.integer(0, last);
    const [a, b] = [dealt[last], dealt[other]];
    if (a === undefined || b === undefined) continue;
    dealt[last] = b;
    dealt[other] = a;
  }
  return dealt;
}

function drawAgain(windows: readonly Window[], random: Random): Float64Array {
  const drawn = windows.map(() => windows[random.integer(0, windows.length - 1)] ?? []);
  return ascending(drawn.flat());
}

function central(sorted: Float64Array): Interval {
  return { low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) };
}

/** The sum of what each one has. */
export function sum<T>(all: readonly T[], value: (one: T) => number): number {
  return all.reduce((total, one) => total + value(one), 0);
}
