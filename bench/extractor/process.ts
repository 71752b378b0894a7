// The extractor in a process of its own, as in its Lambda: the real invocations of one lane, only that objects become files.
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { TableDefinition } from "../../catalog/definition.ts";
import { collectRarely } from "../../functions/extract/collector.ts";
import { runInvocation } from "../../functions/extract/extract.ts";
import { SourceConnections } from "../../functions/source-access/source-connections.ts";
import { connect } from "../../sources/clients.ts";
import type { SourceClient } from "../../sources/source.ts";
import type { SplitRecord } from "../../contract/records.ts";
import { type LaneState, RELAXED } from "../../contract/state.ts";
import { tableOf } from "../sources/table.ts";
import { fileStore } from "./file-store.ts";
import { MemoryLedger } from "./memory-ledger.ts";
import { PausableClock } from "./pause.ts";
import {
  type Burst,
  commandSchema,
  extractorSettingsSchema,
  type ExtractorSettings,
  type Outcome,
  type ReaderReport,
} from "./settings.ts";

const INVOCATION_MILLIS = 15 * 60_000;
const BUCKET = "bench";
const TICKS_PER_SECOND = 100;

/** What was read and used since the process began. */
class Meter {
  rows = 0;
  batches = 0;
  bursts: Burst[] = [];
  #pauseMillis = 0;
  #askMillis = 0;
  #cpu = process.cpuUsage();

  onBatch(rows: number, sourceMillis: number): void {
    this.rows += rows;
    this.batches += 1;
    this.#askMillis += sourceMillis;
  }

  /** A pause begins: what was done since the last one is one burst. */
  onPause(millis: number): void {
    const { user, system } = process.cpuUsage(this.#cpu);
    this.#cpu = process.cpuUsage();
    this.bursts.push({
      pauseMillis: this.#pauseMillis,
      askMillis: this.#askMillis,
      cpuMicros: user + system,
    });
    this.#pauseMillis = millis;
    this.#askMillis = 0;
  }

  take(): ReaderReport {
    const { rows, batches, bursts } = this;
    this.bursts = [];
    return { rows, batches, bursts };
  }
}

/** The client, with each batch counted; no batch is requested while the clock is paused. */
function metered(client: SourceClient, clock: PausableClock, meter: Meter): SourceClient {
  return new Proxy(client, {
    get(target, name) {
      if (name === "open") {
        const open: SourceClient["open"] = async (request) => {
          const reader = await target.open(request);
          return new Proxy(reader, {
            get(inner, member) {
              if (member === "next") {
                const next: typeof inner.next = async (...limits) => {
                  await clock.running();
                  const batch = await inner.next(...limits);
                  meter.onBatch(batch.rows, batch.sourceMillis);
                  return batch;
                };
                return next;
              }
              return boundMember(inner, member);
            },
          });
        };
        return open;
      }
      return boundMember(target, name);
    },
  });
}

function boundMember(target: object, name: string | symbol): unknown {
  const member: unknown = Reflect.get(target, name, target);
  return typeof member === "function" ? (member.bind(target) as unknown) : member;
}

class Lane {
  readonly #settings: ExtractorSettings;
  readonly #definition: TableDefinition;
  readonly #connections: SourceConnections;
  readonly #clock: PausableClock;
  readonly #meter: Meter;
  #pass = 0;

  constructor(settings: ExtractorSettings, clock: PausableClock, meter: Meter) {
    const definition = tableOf(settings.system);
    this.#settings = settings;
    this.#definition = {
      ...definition,
      source: { ...definition.source, budget: settings.budget },
    };
    this.#connections = new SourceConnections(
      () => Promise.resolve(settings.secretText),
      (source, secretText) => metered(connect(source, secretText), clock, meter),
    );
    this.#clock = clock;
    this.#meter = meter;
  }

  /** Reads this lane's splits of the whole table, invocation after invocation. */
  async readTable(): Promise<MemoryLedger> {
    const { folder, plannedAt, lane, lanes } = this.#settings;
    this.#pass += 1;
    const pass = `rows-${this.#pass}`;
    const client = await this.#connections.get(this.#definition.source);
    const window = await client.planWindow(this.#definition, null, plannedAt);
    const bounds = await client.planRows(this.#definition, window);
    const splits = bounds
      .map((cut, index): SplitRecord => ({
        ...{ pass, split: `s${index}`, bounds: cut, position: null },
        ...{ objects: 0, rows: 0, done: false },
      }))
      .filter((_, index) => index % lanes === lane);
    const ledger = new MemoryLedger(splits);
    const work = `lane-${lane}.json`;
    const items = splits.map(({ split }) => ({
      ...{ table: this.#definition.name, pass, kind: "rows", split, token: 1 },
    }));
    await mkdir(join(folder, BUCKET), { recursive: true });
    writeFileSync(join(folder, BUCKET, work), JSON.stringify({ format: 1, items }));
    const s3 = fileStore(folder);
    let state = this.#firstState(work);
    while (!state.done) {
      const end = this.#clock.now() + INVOCATION_MILLIS;
      state = await runInvocation(state, {
        ...{ s3, bucket: BUCKET, ledger, connections: this.#connections },
        readDefinition: () => Promise.resolve(this.#definition),
        remainingMillis: () => end - this.#clock.now(),
        clock: {
          now: () => this.#clock.now(),
          sleep: (millis) => {
            this.#meter.onPause(millis);
            return this.#clock.sleep(millis);
          },
        },
        attempt: randomUUID().slice(0, 8),
        log: (message, details) => {
          console.error(message, JSON.stringify(details));
        },
      });
    }
    this.#throwProblems(folder);
    return ledger;
  }

  async close(): Promise<void> {
    await this.#connections.close();
  }

  #firstState(work: string): LaneState {
    return {
      ...{ format: 1, run: "bench", execution: "bench", source: this.#definition.source.name },
      ...{ lane: this.#settings.lane, laneToken: 1, work, item: 0, invocation: 0 },
      ...{ startedAt: Math.floor(this.#clock.now()), rows: 0, done: false },
      pace: { readMillis: 0, pauseMillis: 0, backOffs: 0, slow: 0, bytes: 0 },
      ...{ governor: RELAXED, ended: null },
    };
  }

  // An invocation gives a table up and goes on with the others; here that is a failed measurement.
  #throwProblems(folder: string): void {
    const problems = readdirSync(join(folder, BUCKET), { recursive: true, encoding: "utf8" });
    const found = problems.find((path) => path.includes("problems/"));
    if (found === undefined) return;
    throw new Error(readFileSync(join(folder, BUCKET, found), "utf8"));
  }
}

/** CPU seconds of this process's threads, by name: compression and garbage collection have threads of their own. */
function threadSeconds(): Record<string, number> {
  const seconds: Record<string, number> = {};
  for (const thread of readdirSync("/proc/self/task")) {
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, "utf8");
    const end = stat.lastIndexOf(")");
    const name = stat.slice(stat.indexOf("(") + 1, end);
    const fields = stat.slice(end + 2).split(" ");
    const ticks = Number(fields[11]) + Number(fields[12]);
    seconds[name] = (seconds[name] ?? 0) + ticks / TICKS_PER_SECOND;
  }
  return seconds;
}

async function readOnce(settings: ExtractorSettings): Promise<void> {
  const lane = new Lane(settings, new PausableClock(false), new Meter());
  const ledger = await lane.readTable();
  await lane.close();
  const outcome: Outcome = {
    rows: ledger.rows,
    objects: ledger.objects,
    threads: threadSeconds(),
  };
  writeFileSync(join(settings.folder, `outcome-${settings.lane}.json`), JSON.stringify(outcome));
}

async function readOnCommand(settings: ExtractorSettings): Promise<never> {
  const clock = new PausableClock(true);
  const meter = new Meter();
  process.on("message", (message) => {
    const command = commandSchema.parse(message);
    if (command === "go") clock.go();
    else if (command === "pause") clock.pause();
    else process.send?.(meter.take());
  });
  process.on("disconnect", () => process.exit());
  const lane = new Lane(settings, clock, meter);
  for (;;) {
    await clock.running();
    await lane.readTable();
    await rm(join(settings.folder, BUCKET), { recursive: true, force: true });
  }
}

// As the handler does.
collectRarely();
const settings = extractorSettingsSchema.parse(JSON.parse(process.argv[2] ?? "null"));
await (settings.mode === "once" ? readOnce(settings) : readOnCommand(settings));
process.exit();
