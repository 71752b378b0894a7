// Cassandra as a benchmark's source: the table of visits.
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "cassandra-driver";
import type { History } from "../../examples/web-analytics/sample-data/history.ts";
import {
  createKeyspace,
  writeEventsRound,
} from "../../examples/web-analytics/sample-data/write-events.ts";
import {
  CASSANDRA_DATA_CENTER,
  startCassandra,
  type CassandraOptions,
} from "../../local/servers/cassandra.ts";
import type { Server } from "../../local/servers/launch.ts";

const IDLE_DEADLINE_MILLIS = 300_000;
const POLL_MILLIS = 1000;
/** It must look idle this often in a row: a compaction may follow another. */
const IDLE_LOOKS = 5;

export const startCassandraSource = (options: CassandraOptions): Promise<Server> =>
  startCassandra(options);

export async function fillCassandra(server: Server, history: History): Promise<void> {
  const target = {
    contactPoints: ["127.0.0.1"],
    port: server.port,
    localDataCenter: CASSANDRA_DATA_CENTER,
  };
  await createKeyspace(target);
  await writeEventsRound(history, 0, target);
}

/** Waits until nothing is flushed or compacted. */
export async function settleCassandra(server: Server): Promise<void> {
  const client = new Client({
    contactPoints: [server.address],
    localDataCenter: CASSANDRA_DATA_CENTER,
  });
  try {
    const deadline = Date.now() + IDLE_DEADLINE_MILLIS;
    for (let idle = 0; idle < IDLE_LOOKS;) {
      if (Date.now() > deadline)
        throw new Error(`${server.name} still compacts after ${IDLE_DEADLINE_MILLIS / 1000} s.`);
      const tasks = await client.execute("SELECT task_id FROM system_views.sstable_tasks");
      idle = tasks.rowLength === 0 ? idle + 1 : 0;
      await delay(POLL_MILLIS);
    }
  } finally {
    await client.shutdown();
  }
}
