// Reads a table while its server has more to do than its queue holds.
import { setTimeout } from "node:timers/promises";
import { expect } from "vitest";
import { ElasticsearchSource } from "../../../sources/elasticsearch/elasticsearch.ts";
import { Lane, makeStores } from "../extract/lane.ts";
import { numbersOf, sleepingClock, table, upTo, whole } from "../extract/scripted-lane.ts";
import { runMoto } from "../extract/servers.ts";
import { Cluster } from "../../sources/elasticsearch/cluster.ts";

/** A server that can be overloaded: one search at a time, and few that wait. */
export const narrow = { "thread_pool.search.size": 1, "thread_pool.search.queue_size": 4 } as const;

const rows = 2000;
const customers = 40;
const loops = 100_000;
/** Until a rejected customer asks again. */
const patienceMillis = 5;

/**
 * Has customers ask more than a narrow server withstands in the middle of a reading: the lane gives up, with what was read
 * kept, and a later run reads the others.
 */
export async function expectPauseWhenOverloaded(address: string): Promise<void> {
  const aws = await runMoto();
  const cluster = new Cluster(address);
  const client = new ElasticsearchSource("shop", { nodes: [address] });
  const flood = new Flood(address);
  try {
    const index = await cluster.makeIndex({ n: { type: "long" } });
    const documents = upTo(rows).map((n) => ({ id: String(n), json: `{"n":${n}}` }));
    await cluster.index(index, documents);
    const definition = { ...table("a", { pageRows: 50, dutyCycle: 0.5 }), from: { index } };
    const lane = await Lane.plan(await makeStores(aws.address), [
      { table: definition, kind: "rows", splits: [whole] },
    ]);
    const clock = sleepingClock();
    let batches = 0;
    const sleep = clock.sleep.bind(clock);
    clock.sleep = async (millis) => {
      batches += 1;
      if (batches === 3) await flood.begin(index);
      await sleep(millis);
    };
    const state = await lane.invoke(client, { clock, remainingMillis: () => 3_600_000 });
    await flood.end();
    expect(state).toMatchObject({ done: true, ended: "rejections" });
    expect(state.rows).toBeGreaterThan(0);
    expect(state.rows).toBeLessThan(rows);
    expect(await lane.splits("a")).toMatchObject([{ rows: state.rows, done: false }]);
    const mark = await lane.ledger.pauses.read("shop");
    expect(mark?.reason).toMatch(/429 es_rejected_execution_exception/);

    const later = sleepingClock((mark?.until ?? 0) + 1);
    await lane.nextRun(later.now());
    const next = await lane.invoke(client, { clock: later, remainingMillis: () => 3_600_000 });
    expect(next).toMatchObject({ done: true, ended: "done" });
    // A new point in time goes on at the last value, whose row comes twice.
    expect(next.rows).toBe(rows - state.rows + 1);
    expect([...new Set(numbersOf(await lane.rows("a")))]).toEqual(upTo(rows));
  } finally {
    await flood.end();
    await client.close();
    await aws.stop();
  }
}

/** Customers that ask slow requests again and again, whatever the responses are. */
class Flood {
  readonly #address: string;
  readonly #end = new AbortController();
  #customers: Promise<void>[] = [];

  constructor(address: string) {
    this.#address = address;
  }

  /** Returns once the server rejects some of them. */
  async begin(index: string): Promise<void> {
    const rejected = new Promise<void>((resolve) => {
      this.#customers = Array.from({ length: customers }, () => this.#ask(index, resolve));
    });
    await Promise.race([rejected, ...this.#customers]);
  }

  async end(): Promise<void> {
    this.#end.abort();
    await Promise.allSettled(this.#customers);
  }

  async #ask(index: string, onRejected: () => void): Promise<void> {
    const source = `double x = 0; for (int i = 0; i < ${loops}; i++) { x += Math.sqrt(i); } return x > 0;`;
    const body = JSON.stringify({ size: 0, query: { script: { script: { source } } } });
    while (!this.#end.signal.aborted) {
      const response = await fetch(`${this.#address}/${index}/_search?request_cache=false`, {
        method: "POST",
        body,
        headers: { "content-type": "application/json" },
        signal: this.#end.signal,
      });
      await response.text();
      if (response.status !== 429) continue;
      onRejected();
      await setTimeout(patienceMillis);
    }
  }
}
