// A source for benchmarks: a server of its own, filled with sample rows of one table.
import { mkdtemp, chmod, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { History } from "../../examples/web-analytics/sample-data/history.ts";
import type { Server } from "../../local/servers/launch.ts";
import { fillCassandra, settleCassandra, startCassandraSource } from "./cassandra.ts";
import {
  fillElasticsearch,
  settleElasticsearch,
  startElasticsearchSource,
} from "./elasticsearch.ts";
import type { System } from "./table.ts";

/** A running server with one table in it. */
export interface LiveSource {
  readonly system: System;
  readonly server: Server;
  /** The Java heap that the server has. */
  readonly heapMegabytes: number;
  /** What was written; every row's contents follow from it. */
  readonly history: History;
  readonly rows: number;
  /** What the extractor's secret would hold. */
  readonly secretText: string;
  /** Ends the server and removes its data. */
  readonly stop: () => Promise<void>;
}

const SEED = 11;
const heapMegabytes: Record<System, number> = { elasticsearch: 1024, cassandra: 2048 };
// The extractor's window ends some seconds before now, and sample rows are written as of some seconds ago.
const UNTIL_ALL_IS_IN_THE_WINDOW_MILLIS = 5000;

/**
 * Starts the server, writes `rows` rows and waits until the server has nothing left to do.
 * @param own is given at once what ends it all, for whoever interrupts this
 */
export async function startSource(
  system: System,
  rows: number,
  say: (line: string) => void,
  own: (stop: () => Promise<void>) => void,
): Promise<LiveSource> {
  const folder = await mkdtemp(join(tmpdir(), `sluice-bench-${system}-`));
  await chmod(folder, 0o755);
  const heap = heapMegabytes[system];
  const options = {
    dataFolder: join(folder, "data"),
    logFolder: join(folder, "logs"),
    port: 0,
    heapMegabytes: heap,
    report: say,
  };
  say(`starting ${system} with a heap of ${heap} MB …`);
  let server: Server | undefined;
  const stop = async (): Promise<void> => {
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  };
  own(stop);
  try {
    server =
      system === "elasticsearch"
        ? await startElasticsearchSource(options)
        : await startCassandraSource(options);
    const history = historyOf(system, rows);
    say(`writing ${rows.toLocaleString("en-US")} rows …`);
    const before = Date.now();
    await (system === "elasticsearch"
      ? fillElasticsearch(server, history)
      : fillCassandra(server, history));
    say(`written in ${((Date.now() - before) / 1000).toFixed(0)} s; waiting until it is idle …`);
    await new Promise((resolve) => setTimeout(resolve, UNTIL_ALL_IS_IN_THE_WINDOW_MILLIS));
    await (system === "elasticsearch" ? settleElasticsearch(server) : settleCassandra(server));
    return {
      ...{ system, server, heapMegabytes: heap, history, rows, stop },
      secretText: secretOf(system, server),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

// Companies and accounts are only names here that rows point to.
function historyOf(system: System, rows: number): History {
  const isSearch = system === "elasticsearch";
  return {
    seed: SEED,
    edgeCases: true,
    rows: {
      companies: isSearch ? 0 : 300_000,
      leads: isSearch ? rows : 0,
      visits: rows,
      page_views: 0,
    },
    rounds: [{ nowMillis: Date.now(), shares: { inserts: 0, updates: 0, deletes: 0 } }],
  };
}

function secretOf(system: System, server: Server): string {
  if (system === "elasticsearch") return JSON.stringify({ nodes: [server.address] });
  return JSON.stringify({
    contactPoints: ["127.0.0.1"],
    port: server.port,
    localDataCenter: "datacenter1",
  });
}
