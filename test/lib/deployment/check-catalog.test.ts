// How a catalog fits its deployment: how long a run may read a source, and how close together runs come.
import { App } from "aws-cdk-lib";
import { Annotations, Match } from "aws-cdk-lib/assertions";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished, test } from "vitest";
import type { Catalog, Source } from "../../../catalog/table.ts";
import { checkCatalog, sourcesReadTooLong } from "../../../lib/deployment/check-catalog.ts";
import { buildStacks } from "../../../lib/stacks/build-stacks.ts";
import { testConfig } from "../deployment-fixture.ts";

const source = (name: string, maxSecondsPerRun?: number): Source => ({
  ...{ name, system: "elasticsearch", owner: "team", description: "a source" },
  ...(maxSecondsPerRun === undefined ? {} : { budget: { maxSecondsPerRun } }),
});
const catalogOf = (...sources: Source[]): Catalog => ({ sources, tables: [], models: [] });

it.each<[string, number, boolean]>([
  ["rate(1 hour)", 3600, false],
  ["rate(1 hour)", 3241, false],
  ["rate(1 hour)", 3240, true],
  ["rate(5 minutes)", 270, true],
  ["rate(5 minutes)", 300, false],
  ["rate(1 day)", 7 * 86_400, false],
  ["cron(0 2,3 * * ? *)", 3600, false],
  ["cron(0 2,4 * * ? *)", 3600, true],
  // Once a month: the next run is 28 days later at the earliest.
  ["cron(0 2 1 * ? *)", 7 * 86_400, true],
  ["cron(0 0 1 1 ? 2199)", 7 * 86_400, true],
  ["off", 7 * 86_400, true],
])("%s leaves time for %d seconds of reading: %s", (schedule, seconds, fits) => {
  const warnings = sourcesReadTooLong(
    "sluice",
    schedule,
    catalogOf(source("slow", seconds), source("quick", 1)),
  );
  expect(warnings).toHaveLength(fits ? 0 : 1);
  for (const warning of warnings) {
    expect(warning).toContain(`source slow: a run may read it for ${seconds} s, and ${schedule}`);
    expect(warning).toMatch(/Write budget: \{ maxSecondsPerRun: \d+ \}/);
  }
});

test("the default of a source's budget is measured as well", () => {
  const warnings = sourcesReadTooLong("sluice", "rate(5 minutes)", catalogOf(source("search")));
  expect(warnings[0]).toContain(" s (the default),");
});

test("it is a warning of the core stack, which --strict makes an error", () => {
  const outdir = mkdtempSync(join(tmpdir(), "sluice-warnings-"));
  onTestFinished(() => {
    rmSync(outdir, { recursive: true, force: true });
  });
  const app = new App({ context: { "aws:cdk:bundling-stacks": [] }, outdir });
  const config = testConfig({ schedule: "rate(5 minutes)" });
  const core = buildStacks(app, config, catalogOf(source("slow", 3600), source("quick", 60)));
  const annotations = Annotations.fromStack(core);
  annotations.hasWarning("*", Match.stringLikeRegexp("source slow: a run may read it for 3600 s"));
  expect(annotations.findWarning("*", Match.stringLikeRegexp("source quick"))).toEqual([]);
});

test("a source whose secret would have too long a name is a mistake", () => {
  const check = (name: string): void => {
    checkCatalog("sluice", catalogOf(source("search"), source(name)));
  };
  expect(() => {
    check("a".repeat(498));
  }).not.toThrow();
  expect(() => {
    check("a".repeat(499));
  }).toThrow(/^source a+: a secret would be called "sluice\/source\/a+", of 513 characters/);
});
