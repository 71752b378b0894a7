// How much of the machine a reading of a whole table takes: the extractor against elasticdump, DSBulk and cqlsh.
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatCount, Output } from "../cli/output.ts";
import { randomAt } from "../examples/web-analytics/sample-data/random.ts";
import { readBenchArguments } from "./command/arguments.ts";
import { type Contestant, contestantsOf, EXTRACTOR_SOURCE, ours } from "./peers/contestants.ts";
import { bundleExtractor } from "./extractor/bundle.ts";
import { cpuProfileSchema, summariseProfile, type ProfileShares } from "./measure/cpu-profile.ts";
import { describeMachine } from "./measure/machine.ts";
import { Children, runContestant, type Measurement } from "./measure/run-contestant.ts";
import { shuffled } from "./measure/statistics.ts";
import {
  type ContestantResult,
  measuredTable,
  ratioTable,
  rowsPerClientCpuSecond,
  rowsPerSecond,
  settingsList,
} from "./measure/extraction-tables.ts";
import { markdownTable, resultFile, shortNumber, writeResult } from "./command/results.ts";
import { outcomeSchema } from "./extractor/settings.ts";
import { type LiveSource, startSource } from "./sources/live-source.ts";
import type { System } from "./sources/table.ts";
import { unlessInterrupted } from "./command/interrupt.ts";

const DEFAULT_ROWS = 1_000_000;
const DEFAULT_REPEATS = 5;
const PROFILE_ROWS = 200_000;
const SEED = 5;

interface SystemResult {
  readonly system: System;
  readonly rows: number;
  readonly serverHeapMegabytes: number;
  readonly contestants: readonly ContestantResult[];
}

const args = readBenchArguments(process.argv.slice(2));
const output = new Output({ json: args.json });
const say = (line: string): void => {
  output.line(line);
};
const children = new Children();
let stopSource: (() => Promise<void>) | undefined;
const FOLDER = await mkdtemp(join(tmpdir(), "sluice-bench-extraction-"));
const cleanUp = async (): Promise<void> => {
  children.killAll();
  await stopSource?.();
  await rm(FOLDER, { recursive: true, force: true });
};

function start(system: System, rows: number): Promise<LiveSource> {
  return startSource(system, args.rows ?? rows, say, (stop) => (stopSource = stop));
}

async function measureSystem(
  system: System,
  repeats: number,
  onProgress: (result: SystemResult) => void,
): Promise<SystemResult> {
  const program = await bundleExtractor(FOLDER);
  const contestants = await contestantsOf(system, program, say);
  const source = await start(system, DEFAULT_ROWS);
  try {
    const runs = new Map<Contestant, Measurement[]>(contestants.map((one) => [one, []]));
    const result = (): SystemResult => ({
      system,
      rows: source.rows,
      serverHeapMegabytes: source.heapMegabytes,
      contestants: contestants.map((one) => ({
        ...{ name: one.name, isOurs: one.isOurs, settings: one.settings },
        runs: runs.get(one) ?? [],
      })),
    });
    // Caches and the server's compiled code are the same for all that follow.
    say("reading the table once so that the server is warm …");
    await runContestant(ours(program, 1), source, join(FOLDER, "warm"), children);
    for (let repeat = 1; repeat <= repeats; repeat += 1) {
      const takePart = contestants.filter(({ mostRepeats = repeats }) => repeat <= mostRepeats);
      for (const contestant of shuffled(takePart, randomAt(SEED, system, repeat))) {
        const run = await runContestant(contestant, source, join(FOLDER, "run"), children);
        await rm(join(FOLDER, "run"), { recursive: true, force: true });
        runs.get(contestant)?.push(run);
        say(
          `${system}, repeat ${repeat} of ${repeats}, ${contestant.name}: ${run.wallSeconds.toFixed(1)} s, ` +
            `${formatCount(Math.round(rowsPerSecond(run)))} rows/s, ` +
            `${formatCount(Math.round(rowsPerClientCpuSecond(run)))} rows per client CPU second, ` +
            `CPU ${run.clientCpuSeconds.toFixed(1)} s client, ${run.serverCpuSeconds.toFixed(1)} s server, ${run.otherCpuSeconds.toFixed(1)} s others`,
        );
      }
      onProgress(result());
    }
    return result();
  } finally {
    await source.stop();
  }
}

interface ProfileResult {
  readonly system: System;
  readonly rows: number;
  readonly threads: Record<string, number>;
  readonly main: ProfileShares;
}

/** Reads the table once under the profiler. */
async function profileSystem(system: System): Promise<ProfileResult> {
  const source = await start(system, PROFILE_ROWS);
  try {
    const profiles = join(FOLDER, "profiles");
    const flags = ["--cpu-prof", `--cpu-prof-dir=${profiles}`, "--cpu-prof-interval=500"];
    const run = join(FOLDER, "run");
    // Threads' times come from a reading that no profiler slows.
    const bundled = ours(await bundleExtractor(FOLDER), 1);
    await runContestant(bundled, source, run, children);
    const outcome = outcomeSchema.parse(
      JSON.parse(await readFile(join(run, "out", "outcome-0.json"), "utf8")),
    );
    await runContestant(ours(EXTRACTOR_SOURCE, 1, flags), source, run, children);
    const [file] = await readdir(profiles);
    const text = await readFile(join(profiles, file ?? ""), "utf8");
    await rm(profiles, { recursive: true, force: true });
    const main = summariseProfile(cpuProfileSchema.parse(JSON.parse(text)));
    return { system, rows: source.rows, threads: outcome.threads, main };
  } finally {
    await source.stop();
  }
}

function printProfile({ system, rows, threads, main }: ProfileResult): void {
  const micros = (seconds: number): string => shortNumber((seconds * 1e6) / rows);
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  say(`\n### Where the client's CPU goes: ${system}, ${formatCount(rows)} rows\n`);
  say(
    markdownTable(
      ["thread", "CPU, s", "µs per row"],
      Object.entries(threads).map(([name, seconds]) => [
        name,
        shortNumber(seconds),
        micros(seconds),
      ]),
    ),
  );
  say("");
  say(
    markdownTable(
      ["main thread", "share"],
      main.groups.map(([name, share]) => [name, percent(share)]),
    ),
  );
  say("");
  say(
    markdownTable(
      ["function", "self"],
      main.functions.map(([place, share]) => [`\`${place}\``, percent(share)]),
    ),
  );
}

function printResult(result: SystemResult): void {
  say(
    `\n### ${result.system}, ${formatCount(result.rows)} rows, server heap ${result.serverHeapMegabytes} MB\n`,
  );
  say(measuredTable(result.contestants));
  say("");
  say(ratioTable(result.contestants));
  say("");
  say(settingsList(result.contestants));
}

const machine = describeMachine();
const FILE = resultFile("extraction");
async function run(): Promise<void> {
  if (args.profile) {
    const profiles: ProfileResult[] = [];
    for (const system of args.systems) profiles.push(await profileSystem(system));
    writeResult(FILE, { machine, profiles });
    profiles.forEach(printProfile);
    output.result({ machine, profiles });
  } else {
    const repeats = Math.round(args.repeats ?? DEFAULT_REPEATS);
    const results: SystemResult[] = [];
    for (const system of args.systems) {
      const finished = [...results];
      const keep = (result: SystemResult): void => {
        writeResult(FILE, { machine, repeats, systems: [...finished, result] });
      };
      results.push(await measureSystem(system, repeats, keep));
    }
    results.forEach(printResult);
    output.result({ machine, repeats, systems: results });
  }
  say(`\nAll measurements: ${FILE}`);
}

try {
  await unlessInterrupted(run, cleanUp);
} finally {
  children.killAll();
  await rm(FOLDER, { recursive: true, force: true });
}
process.exit();
