// Tests that a real Cassandra starts, answers, keeps its data and stops, or says why not.
import { join } from "node:path";
import { Client } from "cassandra-driver";
import { expect, test } from "vitest";
import {
  CASSANDRA_DATA_CENTER,
  startCassandra,
  type CassandraOptions,
} from "../../../local/servers/cassandra.ts";
import { fillTemplate } from "../../../local/servers/cassandra-settings.ts";
import type { Server } from "../../../local/servers/launch.ts";
import { describeCost, expectCleanStop, running } from "./running.ts";
import { scratchFolder } from "./scratch.ts";

const deadlineMilliseconds = 400_000;

test(
  "Cassandra answers its driver, keeps rows over a restart and leaves no process",
  { timeout: deadlineMilliseconds },
  async () => {
    const options = optionsIn(scratchFolder());
    const begun = Date.now();
    const first = await running(startCassandra(options));
    console.log(describeCost(first, begun));
    await query(
      first,
      "CREATE KEYSPACE shop WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
      "CREATE TABLE shop.things (id int PRIMARY KEY, name text)",
      "INSERT INTO shop.things (id, name) VALUES (1, 'one')",
    );
    await expectCleanStop(first);
    const second = await running(startCassandra(options));
    expect(await query(second, "SELECT name FROM shop.things")).toMatchObject([{ name: "one" }]);
    await expectCleanStop(second);
  },
);

test(
  "a heap that Java rejects is shown from its log",
  { timeout: deadlineMilliseconds },
  async () => {
    const folder = scratchFolder();
    const start = startCassandra({ ...optionsIn(folder), heapMegabytes: 0.5 });
    await expect(start).rejects.toThrow(/Cassandra exited with 1 before it was ready/);
    await expect(start).rejects.toThrow("Invalid initial heap size");
    await expect(start).rejects.toThrow(join(folder, "logs", "cassandra.log"));
  },
);

test("a template's name without a value is an error", () => {
  expect(() => fillTemplate("port: {port}", {})).toThrow("needs a value for {port}");
  expect(fillTemplate("# {port}\nport: {port}", { port: 1 })).toBe("# {port}\nport: 1");
});

function optionsIn(folder: string): CassandraOptions {
  return {
    dataFolder: join(folder, "cassandra"),
    logFolder: join(folder, "logs"),
    port: 0,
    report: console.log,
  };
}

// The rows of the last statement.
async function query(server: Server, ...statements: string[]): Promise<unknown[]> {
  const client = new Client({
    contactPoints: [server.address],
    localDataCenter: CASSANDRA_DATA_CENTER,
  });
  try {
    let rows: unknown[] = [];
    for (const statement of statements) rows = [...(await client.execute(statement))];
    return rows;
  } finally {
    await client.shutdown();
  }
}
