// The numbers that benchmarks report.
import { describe, expect, it } from "vitest";
import {
  ascending,
  medianRatio,
  noiseInterval,
  quantile,
  ratioInterval,
  shareAbove,
  shuffled,
  spread,
} from "../../bench/measure/statistics.ts";
import { randomAt } from "../../examples/web-analytics/sample-data/random.ts";

describe("quantile", () => {
  it("lies between neighbours in proportion", () => {
    const sorted = ascending([40, 10, 30, 20, 50]);
    expect(quantile(sorted, 0)).toBe(10);
    expect(quantile(sorted, 0.5)).toBe(30);
    expect(quantile(sorted, 0.875)).toBe(45);
    expect(quantile(sorted, 1)).toBe(50);
    expect(quantile(ascending([]), 0.5)).toBeNaN();
  });

  it("gives median, least and most", () => {
    expect(spread([3, 1, 2])).toEqual({ median: 2, least: 1, most: 3 });
  });
});

describe("shareAbove", () => {
  it("counts what is greater, not what is equal", () => {
    const sorted = ascending([1, 2, 2, 3]);
    expect([0, 1, 2, 3].map((limit) => shareAbove(sorted, limit))).toEqual([1, 0.75, 0.25, 0]);
  });

  it("is 1 % above the 99th percentile", () => {
    const sorted = ascending(Array.from({ length: 1000 }, (_, index) => index));
    expect(shareAbove(sorted, quantile(sorted, 0.99))).toBeCloseTo(0.01, 3);
  });
});

describe("intervals", () => {
  const random = randomAt(1, "latencies");
  const windows = (scale: number): number[][] =>
    Array.from({ length: 12 }, () => Array.from({ length: 500 }, () => scale * random.unit()));

  it("hold the true ratio, and distinguish a difference from noise", () => {
    const base = windows(1);
    const same = ratioInterval(windows(1), base, 0.95, 200, 1);
    expect(same.low).toBeLessThan(1);
    expect(same.high).toBeGreaterThan(1);
    const more = ratioInterval(windows(1.5), base, 0.95, 200, 1);
    expect(more.low).toBeGreaterThan(1.4);
    expect(more.high).toBeLessThan(1.6);
  });

  it("of noise lie about 1", () => {
    const { low, high } = noiseInterval(windows(1), 0.95, 200, 1);
    expect(low).toBeGreaterThan(0.95);
    expect(low).toBeLessThan(1);
    expect(high).toBeGreaterThan(1);
    expect(high).toBeLessThan(1.05);
  });
});

it("shuffles without losing anything", () => {
  const items = Array.from({ length: 50 }, (_, index) => index);
  const dealt = shuffled(items, randomAt(1, "deal"));
  expect(dealt).not.toEqual(items);
  expect([...dealt].sort((a, b) => a - b)).toEqual(items);
});

describe("medianRatio", () => {
  const pairs = [2, 2.2, 1.8, 50, 2.1].map((ratio, index): [number, number] => [
    ratio * (index + 1),
    index + 1,
  ]);

  it("is the median of the pairs' ratios, whatever single ones are", () => {
    const { value, interval } = medianRatio(pairs, 500, 1);
    expect(value).toBeCloseTo(2.1);
    expect(interval.low).toBeGreaterThanOrEqual(1.8);
    expect(interval.high).toBeGreaterThanOrEqual(2.1);
  });

  it("is NaN without pairs", () => {
    expect(medianRatio([], 10, 1).value).toBeNaN();
  });
});
