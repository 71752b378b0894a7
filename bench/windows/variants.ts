// The variants of the benchmark `foreground`: who reads beside the foreground, and how.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as delay } from "node:timers/promises";
import type { LoadBudgetDefinition } from "../../catalog/definition.ts";
import { defaultBudget } from "../../catalog/resolve.ts";
import type { Report } from "../../local/toolchain/cache.ts";
import { faster, unthrottled } from "../extractor/budgets.ts";
import { type Contestant, extractorCommand } from "../peers/contestants.ts";
import type { FurtherReader } from "../command/arguments.ts";
import type { Burst } from "../extractor/settings.ts";
import { machineCpu } from "../measure/processes.ts";
import type { Children } from "../measure/run-contestant.ts";
import { sum } from "../measure/statistics.ts";
import { ensureCqlsh } from "../peers/cqlsh.ts";
import { ensureDsbulk } from "../peers/dsbulk.ts";
import { ensureElasticdump } from "../peers/elasticdump.ts";
import type { LiveSource } from "../sources/live-source.ts";
import { isQuiet } from "./analysis.ts";
import { NO_READER, PeerReader, CommandedReader, type Reader } from "./reader.ts";

export interface Variant {
  readonly name: string;
  readonly kind: "idle" | "control" | "default" | FurtherReader;
  readonly settings: string;
  readonly reader: Reader;
  /** About how long it needs before each window, milliseconds; for the schedule. */
  readonly leadMillis: number;
}

export interface Setting {
  readonly source: LiveSource;
  /** The extractor's program. */
  readonly program: string;
  readonly children: Children;
  readonly folder: string;
  readonly say: Report;
  /** How long the default budget is watched to learn its rate and its bursts, milliseconds. */
  readonly recordMillis: number;
  readonly further: readonly FurtherReader[];
}

/** What the default budget does, as it was watched under the foreground's load. */
export interface Recorded {
  readonly rowsPerSecond: number;
  /** CPU seconds per second of the extractor's process. */
  readonly cpuShare: number;
  readonly bursts: readonly Burst[];
}

const FEWEST_BURSTS = 3;
// Until its code is warm: a short record said a third of the rate that it then had.
const SETTLE_MILLIS = 60_000;
const RECORD_POLL_MILLIS = 500;
const OBSERVATION_MILLIS = 5000;
const LONGEST_RECORD_MILLIS = 300_000;
const COMMANDED_LEAD_MILLIS = 2000;
const NODE_LEAD_MILLIS = 2000;
const PYTHON_LEAD_MILLIS = 3000;
// Until the virtual machine has compiled what it needs most.
const JAVA_LEAD_MILLIS = 8000;
/** From its process's start to its first output. */
const startMillis = { node: 1500, python: 2500, java: 5000 };
const BURNER_PROGRAM = fileURLToPath(new URL("../extractor/burner.ts", import.meta.url));

/** The variants of a system, their processes started; the default budget is watched first. */
export async function openVariants(
  setting: Setting,
): Promise<{ variants: Variant[]; recorded: Recorded }> {
  const { say, source } = setting;
  const byDefault = defaultBudget(source.system);
  const ours = await openOurs(setting, "default", byDefault);
  say(`watching the default budget for ${(setting.recordMillis / 1000).toFixed(0)} s …`);
  const recorded = await record(ours, setting.recordMillis, say);
  say(
    `it reads ${recorded.rowsPerSecond.toFixed(0)} rows/s in ${recorded.bursts.length} bursts and uses ` +
      `${(recorded.cpuShare * 100).toFixed(1)} % of a core`,
  );
  const variants: Variant[] = [
    { name: "idle", kind: "idle", settings: "nothing reads", reader: NO_READER, leadMillis: 0 },
    {
      ...{ name: "control", kind: "control", leadMillis: COMMANDED_LEAD_MILLIS },
      settings:
        "a process that burns the default budget's CPU in the same bursts and sends no requests",
      reader: await openControl(setting, recorded.bursts),
    },
    {
      ...{ name: "Sluice, default budget", kind: "default", leadMillis: COMMANDED_LEAD_MILLIS },
      ...{ settings: describeBudget(byDefault), reader: ours },
    },
    ...(setting.further.includes("ours") ? await openFaster(setting) : []),
    ...(await openPeers(setting, recorded.rowsPerSecond)),
  ];
  return { variants, recorded };
}

async function openFaster(setting: Setting): Promise<Variant[]> {
  const open = async (name: string, budget: LoadBudgetDefinition): Promise<Variant> => ({
    ...{ name: `Sluice, ${name}`, kind: "ours", leadMillis: COMMANDED_LEAD_MILLIS },
    settings: describeBudget(budget),
    reader: await openOurs(setting, name, budget),
  });
  const { system } = setting.source;
  return [await open("faster", faster(system)), await open("unthrottled", unthrottled(system, 1))];
}

function describeBudget(budget: LoadBudgetDefinition): string {
  return `duty cycle ${budget.dutyCycle}, pages of ${budget.pageRows}, ${
    budget.maxRowsPerSecond < 1e8 ? `at most ${budget.maxRowsPerSecond} rows/s` : "no caps"
  }`;
}

async function openOurs(
  { source, program, children, folder }: Setting,
  name: string,
  budget: LoadBudgetDefinition,
): Promise<CommandedReader> {
  const out = join(folder, name);
  await mkdir(out, { recursive: true });
  const command = extractorCommand(program, {
    ...{ system: source.system, secretText: source.secretText, budget, lane: 0, lanes: 1 },
    ...{ plannedAt: Date.now(), folder: out, mode: "on-command" },
  });
  return CommandedReader.open(command, children, join(out, "log.txt"), COMMANDED_LEAD_MILLIS);
}

async function openControl(
  { children, folder }: Setting,
  bursts: readonly Burst[],
): Promise<CommandedReader> {
  const out = join(folder, "control");
  await mkdir(out, { recursive: true });
  const file = join(out, "bursts.json");
  await writeFile(file, JSON.stringify(bursts));
  const command = { program: process.execPath, args: [BURNER_PROGRAM, file] };
  return CommandedReader.open(command, children, join(out, "log.txt"), COMMANDED_LEAD_MILLIS);
}

/** What it did while it was watched. */
interface Observation {
  readonly bursts: readonly Burst[];
  readonly rows: number;
  readonly cpuSeconds: number;
  readonly seconds: number;
  readonly stolenCpuSeconds: number;
}

/**
 * Watches the default budget while the machine's host leaves it alone: disturbed, it reads less, and peers held to
 * that would be compared at less than its rate.
 * @throws Error if it hardly reads at all
 */
async function record(ours: CommandedReader, millis: number, say: Report): Promise<Recorded> {
  await ours.start();
  // It feels its way up to whole pages first, and its code gets warm.
  await watch(ours, SETTLE_MILLIS);
  const began = performance.now();
  const quiet: Observation[] = [];
  const disturbed: Observation[] = [];
  const isEnough = (observations: readonly Observation[]): boolean =>
    sum(observations, ({ seconds }) => seconds) * 1000 >= millis &&
    sum(observations, ({ bursts }) => bursts.length) >= FEWEST_BURSTS;
  while (!isEnough(quiet) && performance.now() - began < LONGEST_RECORD_MILLIS) {
    const observation = await watch(ours, Math.min(millis, OBSERVATION_MILLIS));
    (isQuiet(observation) ? quiet : disturbed).push(observation);
  }
  await ours.stop();
  const kept = isEnough(quiet) ? quiet : [...quiet, ...disturbed];
  if (kept !== quiet)
    say(
      `the machine's host disturbed it for most of ${(LONGEST_RECORD_MILLIS / 1000).toFixed(0)} s, so its rate may be ` +
        "lower than it will be",
    );
  const bursts = kept.flatMap((observation) => observation.bursts);
  const seconds = sum(kept, (observation) => observation.seconds);
  if (bursts.length < FEWEST_BURSTS)
    throw new Error(
      `The default budget read ${bursts.length} batches in ${seconds.toFixed(0)} s: the machine or the source is too ` +
        "busy to measure anything.",
    );
  return {
    rowsPerSecond: sum(kept, ({ rows }) => rows) / seconds,
    cpuShare: sum(kept, ({ cpuSeconds }) => cpuSeconds) / seconds,
    bursts,
  };
}

async function watch(ours: CommandedReader, millis: number): Promise<Observation> {
  const look = async () => ({
    at: performance.now(),
    reader: await ours.progress(),
    stolen: machineCpu().stolen,
  });
  const before = await look();
  const bursts: Burst[] = [];
  while (performance.now() - before.at < millis) {
    await delay(RECORD_POLL_MILLIS);
    bursts.push(...(await ours.report()).bursts);
  }
  const after = await look();
  return {
    bursts,
    rows: after.reader.rows - before.reader.rows,
    cpuSeconds: after.reader.cpuSeconds - before.reader.cpuSeconds,
    seconds: (after.at - before.at) / 1000,
    stolenCpuSeconds: after.stolen - before.stolen,
  };
}

async function openPeers(setting: Setting, rowsPerSecond: number): Promise<Variant[]> {
  const { source, say, further } = setting;
  const isChosen = (variant: Variant): boolean => further.some((kind) => kind === variant.kind);
  if (!further.includes("peer") && !further.includes("held")) return [];
  const rate = `${rowsPerSecond.toFixed(0)} rows/s`;
  if (source.system === "elasticsearch") {
    const elasticdump = await ensureElasticdump(say);
    const limit = defaultBudget(source.system).pageRows;
    const throttleMillis = Math.round((limit * 1000) / rowsPerSecond);
    const best = elasticdump();
    const held = elasticdump({ limit, throttleMillis });
    const lead = { leadMillis: NODE_LEAD_MILLIS, startMillis: startMillis.node };
    return [peer(setting, best, lead), peer(setting, held, lead, `at ${rate}`)].filter(isChosen);
  }
  const dsbulk = await ensureDsbulk(say);
  const cqlsh = (await ensureCqlsh(say))();
  const json = { connector: "json" } as const;
  const java = { leadMillis: JAVA_LEAD_MILLIS, startMillis: startMillis.java };
  const python = { leadMillis: PYTHON_LEAD_MILLIS, startMillis: startMillis.python };
  return [
    peer(setting, dsbulk(json), java),
    peer(setting, dsbulk({ ...json, maxRowsPerSecond: rowsPerSecond }), java, `at ${rate}`),
    peer(setting, cqlsh, python),
    // Its INGESTRATE is for COPY FROM alone.
    peer(setting, cqlsh, { ...python, holdAtRowsPerSecond: rowsPerSecond }, `at ${rate}`),
  ].filter(isChosen);
}

function peer(
  { source, children, folder }: Setting,
  contestant: Contestant,
  options: { leadMillis: number; startMillis: number; holdAtRowsPerSecond?: number },
  held?: string,
): Variant {
  const name = held === undefined ? contestant.name : `${contestant.name}, ${held}`;
  const isStopped = options.holdAtRowsPerSecond !== undefined;
  return {
    name,
    kind: held === undefined ? "peer" : "held",
    settings: `${contestant.settings}${isStopped ? ", held by SIGSTOP and SIGCONT" : ""}`,
    reader: new PeerReader({
      ...{ contestant, source, children, leadMillis: options.leadMillis },
      folder: join(folder, name.replaceAll(/\W+/g, "-")),
      ...(options.holdAtRowsPerSecond === undefined
        ? {}
        : { holdAtRowsPerSecond: options.holdAtRowsPerSecond }),
    }),
    leadMillis: options.leadMillis + options.startMillis,
  };
}
