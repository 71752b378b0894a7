// What reading does to a source's customers: an open-loop load on it, while nothing, the extractor or a peer reads.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { formatCount, Output } from "../cli/output.ts";
import { randomAt } from "../examples/web-analytics/sample-data/random.ts";
import { readBenchArguments } from "./command/arguments.ts";
import { bundleExtractor } from "./extractor/bundle.ts";
import { unlessInterrupted } from "./command/interrupt.ts";
import { Foreground } from "./load/foreground.ts";
import { monotonicMillis } from "./load/settings.ts";
import { describeMachine } from "./measure/machine.ts";
import { machineCpu, treeCpuSeconds } from "./measure/processes.ts";
import { Children } from "./measure/run-contestant.ts";
import { ascending, quantile, shuffled } from "./measure/statistics.ts";
import { markdownTable, resultFile, writeResult } from "./command/results.ts";
import { type LiveSource, startSource } from "./sources/live-source.ts";
import type { System } from "./sources/table.ts";
import {
  aims,
  analyse,
  type Analysis,
  foregroundTable,
  isQuiet,
  noiseText,
  roundsTable,
  type VariantOutline,
  type WindowResult,
} from "./windows/analysis.ts";
import { openVariants, type Recorded, type Variant } from "./windows/variants.ts";

/** More than a reader reads in a window; one that has read it all begins again. */
const defaultRows: Record<System, number> = { elasticsearch: 1_500_000, cassandra: 1_000_000 };
const DEFAULT_MINUTES = 3;
const DEFAULT_REQUESTS_PER_SECOND = 200;
/** More of them than this, and the machine is too busy for the load itself. */
const MOST_FAILED_SHARE = 0.001;
const SLOWEST_IDLE_MILLIS = 100;
const MOST_WARM_ROUNDS = 4;
const DEFAULT_WINDOW_SECONDS = 15;
const FEWEST_ROUNDS = 4;
// Elasticsearch's code was still getting faster after two minutes of this.
const WARM_UP_MILLIS = 180_000;
const SHORTEST_WARM_UP_MILLIS = 20_000;
const GAP_MILLIS = 2000;
const LONGEST_WAIT_MILLIS = 60_000;
const MOST_ATTEMPTS = 3;
const RECORD_MILLIS = 30_000;
const SEED = 17;

interface Schedule {
  readonly windowMillis: number;
  readonly rounds: number;
  readonly warmUpMillis: number;
  readonly recordMillis: number;
}

interface SystemResult {
  readonly system: System;
  readonly rows: number;
  readonly serverHeapMegabytes: number;
  readonly requestsPerSecond: number;
  readonly schedule: Schedule;
  readonly recorded: Recorded;
  readonly analysis: Analysis;
}

const args = readBenchArguments(process.argv.slice(2));
const output = new Output({ json: args.json });
const say = (line: string): void => {
  output.line(line);
};
const children = new Children();
let stopSource: (() => Promise<void>) | undefined;
const FOLDER = await mkdtemp(join(tmpdir(), "sluice-bench-foreground-"));
const cleanUp = async (): Promise<void> => {
  children.killAll();
  await stopSource?.();
  await rm(FOLDER, { recursive: true, force: true });
};

/** So many windows that each variant has its minutes; a short try has short ones. */
function scheduleOf(minutes: number, mostWindowMillis: number): Schedule {
  const total = minutes * 60_000;
  const windowMillis = Math.min(mostWindowMillis, total / FEWEST_ROUNDS);
  const share = Math.min(1, minutes / DEFAULT_MINUTES);
  return {
    windowMillis,
    rounds: Math.max(FEWEST_ROUNDS, Math.round(total / windowMillis)),
    warmUpMillis: Math.max(SHORTEST_WARM_UP_MILLIS, WARM_UP_MILLIS * share),
    recordMillis: Math.max(5000, RECORD_MILLIS * share),
  };
}

function printSchedule(variants: readonly Variant[], { rounds, windowMillis }: Schedule): void {
  const millis = variants.reduce(
    (sum, { leadMillis }) => sum + rounds * (windowMillis + leadMillis + GAP_MILLIS),
    0,
  );
  const end = new Date(Date.now() + millis);
  say(
    `${variants.length} variants, ${rounds} windows of ${(windowMillis / 1000).toFixed(1)} s each, in random order: ` +
      `about ${(millis / 60_000).toFixed(0)} minutes, until ${end.toTimeString().slice(0, 5)} if the machine is quiet`,
  );
}

/**
 * Lets the load warm the source, longer where it was slow until then.
 * @throws Error if the source cannot serve the load alone: any measurement would then be meaningless
 */
async function warm(load: Foreground, millis: number): Promise<void> {
  for (let round = 1; round <= MOST_WARM_ROUNDS; round += 1) {
    await delay(millis / 2);
    const fromMillis = monotonicMillis();
    await delay(millis / 2);
    const range = { fromMillis, toMillis: monotonicMillis() };
    const { latencies, failed } = await load.latencies(range);
    const sorted = ascending(latencies);
    const median = quantile(sorted, 0.5);
    say(
      `while it warmed: p50 ${median.toFixed(2)}, p95 ${quantile(sorted, 0.95).toFixed(2)} ms, ` +
        `${failed} of ${latencies.length + failed} requests failed`,
    );
    if (failed <= MOST_FAILED_SHARE * latencies.length && median < SLOWEST_IDLE_MILLIS) return;
  }
  throw new Error(
    "The source cannot serve the load alone. End what else keeps the machine busy, or send fewer requests (--requests).",
  );
}

async function measureWindow(
  variant: Variant,
  round: number,
  source: LiveSource,
  load: Foreground,
  windowMillis: number,
): Promise<WindowResult> {
  const { reader } = variant;
  const look = async () => ({
    at: monotonicMillis(),
    reader: await reader.progress(),
    server: treeCpuSeconds(source.server.pid),
    load: load.cpuSeconds,
    machine: machineCpu(),
    own: process.cpuUsage(),
  });
  await reader.start();
  const before = await look();
  await delay(windowMillis);
  const toMillis = monotonicMillis();
  const after = await look();
  await reader.stop();
  const { latencies, failed } = await load.latencies({ fromMillis: before.at, toMillis });
  const ownMicros = (["user", "system"] as const).reduce(
    (sum, part) => sum + after.own[part] - before.own[part],
    0,
  );
  const serverCpuSeconds = after.server - before.server;
  const clientCpuSeconds = after.reader.cpuSeconds - before.reader.cpuSeconds;
  return {
    ...{ variant: variant.name, round, latencies, failed, serverCpuSeconds, clientCpuSeconds },
    seconds: (toMillis - before.at) / 1000,
    rows: after.reader.rows - before.reader.rows,
    otherCpuSeconds:
      after.machine.used -
      before.machine.used -
      serverCpuSeconds -
      clientCpuSeconds -
      (after.load - before.load) -
      ownMicros / 1e6,
    stolenCpuSeconds: after.machine.stolen - before.machine.stolen,
  };
}

/** Waits until the machine's host leaves it alone, but not for ever. */
async function waitForQuiet(): Promise<void> {
  const deadline = monotonicMillis() + LONGEST_WAIT_MILLIS;
  for (;;) {
    const before = machineCpu().stolen;
    await delay(GAP_MILLIS);
    const stolenCpuSeconds = machineCpu().stolen - before;
    if (isQuiet({ stolenCpuSeconds, seconds: GAP_MILLIS / 1000 })) return;
    if (monotonicMillis() > deadline) return;
  }
}

/** Measures a window again, at most so many times in all, where the machine's host took much of it. */
async function measureQuietWindow(measure: () => Promise<WindowResult>): Promise<WindowResult> {
  for (let attempt = 1; ; attempt += 1) {
    await waitForQuiet();
    const window = await measure();
    if (isQuiet(window) || attempt === MOST_ATTEMPTS) return window;
    const stolen = (window.stolenCpuSeconds / window.seconds).toFixed(2);
    say(`once more: the machine's host took ${stolen} cores from this window`);
  }
}

function printWindow(window: WindowResult, left: string): void {
  const sorted = ascending(window.latencies);
  const millis = (share: number): string => quantile(sorted, share).toFixed(2);
  say(
    `${left}  ${window.variant}: p50 ${millis(0.5)}, p95 ${millis(0.95)}, p99 ${millis(0.99)} ms, ` +
      `${formatCount(Math.round(window.rows / window.seconds))} rows/s, ${formatCount(window.latencies.length)} requests` +
      (window.failed === 0 ? "" : `, ${window.failed} FAILED`),
  );
}

async function measureSystem(
  system: System,
  schedule: Schedule,
  onWindow: (outlines: readonly VariantOutline[], windows: readonly WindowResult[]) => void,
): Promise<SystemResult> {
  const source = await startSource(
    system,
    args.rows ?? defaultRows[system],
    say,
    (stop) => (stopSource = stop),
  );
  let load: Foreground | undefined;
  let variants: Variant[] = [];
  try {
    const rate = args.requests ?? DEFAULT_REQUESTS_PER_SECOND;
    load = await Foreground.start(source, rate, children, join(FOLDER, `${system}-load.txt`));
    say(`${rate} requests/s; warming for ${(schedule.warmUpMillis / 1000).toFixed(0)} s …`);
    const warmLoad = load;
    await warm(warmLoad, schedule.warmUpMillis);
    const opened = await openVariants({
      ...{ source, children, say, recordMillis: schedule.recordMillis },
      further: args.further,
      program: await bundleExtractor(FOLDER),
      folder: join(FOLDER, system),
    });
    variants = opened.variants;
    printSchedule(variants, schedule);
    const windows: WindowResult[] = [];
    for (let round = 1; round <= schedule.rounds; round += 1) {
      for (const variant of shuffled(variants, randomAt(SEED, system, round))) {
        const window = await measureQuietWindow(() =>
          measureWindow(variant, round, source, warmLoad, schedule.windowMillis),
        );
        windows.push(window);
        printWindow(window, `${system} ${round}/${schedule.rounds}`);
        onWindow(variants.map(outlineOf), windows);
      }
    }
    return {
      ...{ system, rows: source.rows, serverHeapMegabytes: source.heapMegabytes },
      ...{ requestsPerSecond: rate, schedule, recorded: opened.recorded },
      analysis: analyse(variants.map(outlineOf), windows),
    };
  } finally {
    for (const { reader } of variants) await reader.close();
    load?.stop();
    await source.stop();
  }
}

const outlineOf = ({ name, kind, settings }: Variant): VariantOutline => ({ name, kind, settings });

function printResult(result: SystemResult): void {
  const { schedule, recorded, analysis } = result;
  say(
    `\n### ${result.system}: ${formatCount(result.rows)} rows, ${result.requestsPerSecond} requests/s, server heap ` +
      `${result.serverHeapMegabytes} MB, ${schedule.rounds} windows of ${(schedule.windowMillis / 1000).toFixed(1)} s per variant\n`,
  );
  say(foregroundTable(analysis));
  say(`\nEach window by itself, the median of all, and ratios round by round:\n`);
  say(roundsTable(analysis));
  say(`\n${noiseText(analysis)}\n`);
  say(
    `The control replays ${recorded.bursts.length} bursts of the default budget, which used ` +
      `${(recorded.cpuShare * 100).toFixed(1)} % of a core.\n`,
  );
  say(
    markdownTable(
      ["aim at the default budget", "measured", "met"],
      aims(analysis).map(({ what, measured, isMet }) => [what, measured, isMet ? "yes" : "no"]),
    ),
  );
  say(`\n${analysis.variants.map(({ name, settings }) => `- ${name}: ${settings}`).join("\n")}`);
}

const machine = describeMachine();
const FILE = resultFile("foreground");
async function run(): Promise<void> {
  const schedule = scheduleOf(
    args.minutes ?? DEFAULT_MINUTES,
    (args.windowSeconds ?? DEFAULT_WINDOW_SECONDS) * 1000,
  );
  const results: SystemResult[] = [];
  const raw: Record<string, unknown> = {};
  for (const system of args.systems) {
    const result = await measureSystem(system, schedule, (variants, windows) => {
      raw[system] = { variants, windows };
      writeResult(FILE, { machine, results, raw });
    });
    results.push(result);
    writeResult(FILE, { machine, results, raw });
  }
  results.forEach(printResult);
  output.result({ machine, results });
  say(`\nAll measurements: ${FILE}`);
}

try {
  await unlessInterrupted(run, cleanUp);
} finally {
  children.killAll();
  await rm(FOLDER, { recursive: true, force: true });
}
process.exit();
