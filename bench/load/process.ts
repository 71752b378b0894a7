// The foreground in a process of its own: asks at a steady rate whatever the answers take, and keeps each latency.
import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { History } from "../../examples/web-analytics/sample-data/history.ts";
import { type Ask, readVisits, searchLeads } from "./requests.ts";
import {
  type Answer,
  loadSettingsSchema,
  type LoadSettings,
  monotonicMillis,
  questionSchema,
  type Question,
} from "./settings.ts";

const PATIENCE_MILLIS = 30_000;
const POLL_MILLIS = 20;

interface Sample {
  readonly dueMillis: number;
  /** NaN: failed; null: not answered yet. */
  latencyMillis: number | null;
}

const settings = loadSettingsSchema.parse(JSON.parse(process.argv[2] ?? "null"));
const ask = await askerOf(settings);
let samples: Sample[] = [];
let asked = 0;

const ticker = new Worker(new URL("ticker.ts", import.meta.url), {
  workerData: { requestsPerSecond: settings.requestsPerSecond, seed: settings.seed },
});
ticker.on("message", (dueMillis: number) => {
  const sample: Sample = { dueMillis, latencyMillis: null };
  samples.push(sample);
  ask((asked += 1)).then(
    () => (sample.latencyMillis = monotonicMillis() - dueMillis),
    () => (sample.latencyMillis = NaN),
  );
});
process.on("message", (message) => {
  void answer(questionSchema.parse(message));
});
process.on("disconnect", () => process.exit());

async function answer({ fromMillis, toMillis }: Question): Promise<void> {
  const isDue = ({ dueMillis }: Sample): boolean => dueMillis >= fromMillis && dueMillis < toMillis;
  const end = monotonicMillis() + PATIENCE_MILLIS;
  const mine = samples.filter(isDue);
  while (mine.some(({ latencyMillis }) => latencyMillis === null) && monotonicMillis() < end)
    await delay(POLL_MILLIS);
  const latencies = mine.flatMap(({ latencyMillis }) =>
    latencyMillis === null || Number.isNaN(latencyMillis) ? [] : [latencyMillis],
  );
  const found: Answer = { latencies, failed: mine.length - latencies.length };
  process.send?.(found);
  // What is older is asked for no more.
  samples = samples.filter(({ dueMillis }) => dueMillis >= toMillis);
}

async function askerOf({ system, address, history, seed }: LoadSettings): Promise<Ask> {
  const rows = (table: string): number => history.rows[table] ?? 0;
  const written: History = {
    seed: history.seed,
    edgeCases: true,
    rows: {
      companies: rows("companies"),
      leads: rows("leads"),
      visits: rows("visits"),
      page_views: rows("page_views"),
    },
    rounds: [{ nowMillis: history.nowMillis, shares: { inserts: 0, updates: 0, deletes: 0 } }],
  };
  return system === "elasticsearch"
    ? searchLeads(address, written, seed)
    : await readVisits(address, written, seed);
}
