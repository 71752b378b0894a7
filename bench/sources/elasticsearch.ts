// Elasticsearch as a benchmark's source: the index of leads.
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { History } from "../../examples/web-analytics/sample-data/history.ts";
import {
  createIndices,
  writeSearchRound,
} from "../../examples/web-analytics/sample-data/write-search.ts";
import {
  startElasticsearch,
  type ElasticsearchOptions,
} from "../../local/servers/elasticsearch.ts";
import type { Server } from "../../local/servers/launch.ts";

const IDLE_DEADLINE_MILLIS = 300_000;
const POLL_MILLIS = 1000;

export const startElasticsearchSource = (options: ElasticsearchOptions): Promise<Server> =>
  startElasticsearch(options);

export async function fillElasticsearch(server: Server, history: History): Promise<void> {
  await createIndices({ address: server.address });
  await writeSearchRound(history, 0, { address: server.address });
}

const mergesSchema = z.looseObject({
  _all: z.looseObject({
    total: z.looseObject({ merges: z.looseObject({ current: z.number() }) }),
  }),
});

/** Writes all to disk and waits until no segments are being merged. */
export async function settleElasticsearch(server: Server): Promise<void> {
  await expectOk(
    await fetch(`${server.address}/leads/_flush?wait_if_ongoing=true`, { method: "POST" }),
  );
  const deadline = Date.now() + IDLE_DEADLINE_MILLIS;
  while (Date.now() < deadline) {
    const response = await expectOk(await fetch(`${server.address}/_stats/merge`));
    const stats = mergesSchema.parse(await response.json());
    if (stats._all.total.merges.current === 0) return;
    await delay(POLL_MILLIS);
  }
  throw new Error(`${server.name} still merges segments after ${IDLE_DEADLINE_MILLIS / 1000} s.`);
}

async function expectOk(response: Response): Promise<Response> {
  if (response.ok) return response;
  throw new Error(`${response.url} responded with ${response.status}: ${await response.text()}`);
}
