// The foreground in a process of its own: sends requests at a steady rate, however long the responses take, and keeps
// their latencies.
import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { History } from "../../examples/web-analytics/sample-data/history.ts";
import { readVisits, searchLeads, type SendRequest } from "./requests.ts";
import {
  type Latencies,
  latenciesRequestSchema,
  type LatenciesRequest,
  loadSettingsSchema,
  type LoadSettings,
  monotonicMillis,
} from "./settings.ts";

const PATIENCE_MILLIS = 30_000;
const POLL_MILLIS = 20;

interface Sample {
  readonly dueMillis: number;
  /** NaN: failed; null: no response yet. */
  latencyMillis: number | null;
}

const settings = loadSettingsSchema.parse(JSON.parse(process.argv[2] ?? "null"));
const sendRequest = await senderOf(settings);
let samples: Sample[] = [];
let sent = 0;

const ticker = new Worker(new URL("ticker.ts", import.meta.url), {
  workerData: { requestsPerSecond: settings.requestsPerSecond, seed: settings.seed },
});
ticker.on("message", (dueMillis: number) => {
  const sample: Sample = { dueMillis, latencyMillis: null };
  samples.push(sample);
  sendRequest((sent += 1)).then(
    () => (sample.latencyMillis = monotonicMillis() - dueMillis),
    () => (sample.latencyMillis = NaN),
  );
});
process.on("message", (message) => {
  void respond(latenciesRequestSchema.parse(message));
});
process.on("disconnect", () => process.exit());

async function respond({ fromMillis, toMillis }: LatenciesRequest): Promise<void> {
  const isDue = ({ dueMillis }: Sample): boolean => dueMillis >= fromMillis && dueMillis < toMillis;
  const end = monotonicMillis() + PATIENCE_MILLIS;
  const mine = samples.filter(isDue);
  while (mine.some(({ latencyMillis }) => latencyMillis === null) && monotonicMillis() < end)
    await delay(POLL_MILLIS);
  const latencies = mine.flatMap(({ latencyMillis }) =>
    latencyMillis === null || Number.isNaN(latencyMillis) ? [] : [latencyMillis],
  );
  const found: Latencies = { latencies, failed: mine.length - latencies.length };
  process.send?.(found);
  // Older samples are not requested again.
  samples = samples.filter(({ dueMillis }) => dueMillis >= toMillis);
}

async function senderOf({ system, address, history, seed }: LoadSettings): Promise<SendRequest> {
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
