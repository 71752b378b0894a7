// Tests that a real Cassandra's lasting failures end with an error that names the reason, and cost no other table.
import { afterAll, beforeAll, expect, test } from "vitest";
import { keys } from "../../contract/keys.ts";
import { SourceUnavailableError } from "../../contract/errors.ts";
import type { RunningServer } from "../functions/extract/servers.ts";
import { runMoto } from "../functions/extract/servers.ts";
import { Lane, makeStores } from "../functions/extract/lane.ts";
import { TestKeyspace } from "./cassandra/keyspace.ts";

let keyspace: TestKeyspace;
let moto: RunningServer;

beforeAll(async () => {
  [keyspace, moto] = await Promise.all([TestKeyspace.make(), runMoto()]);
});

afterAll(async () => {
  await keyspace.close();
  await moto.stop();
});

/** A partition with more tombstones than tombstone_failure_threshold, which is 100,000 by default, before its only row. */
async function makeTombstones(table: string): Promise<void> {
  const columns = Array.from({ length: 60 }, (_, index) => `c${index}`);
  await keyspace.execute(
    `CREATE TABLE {ks}.${table} (id int, n int, ${columns.map((name) => `${name} int`).join(", ")}, PRIMARY KEY (id, n))`,
    `INSERT INTO {ks}.${table} (id, n, c0) VALUES (1, 100000, 1)`,
  );
  const nulls = columns.map((name) => `${name} = null`).join(", ");
  for (let from = 0; from < 1800; from += 100) {
    const updates = Array.from(
      { length: 100 },
      (_, n) => `UPDATE {ks}.${table} SET ${nulls} WHERE id = 1 AND n = ${from + n}`,
    );
    await keyspace.execute(`BEGIN UNLOGGED BATCH ${updates.join("; ")} APPLY BATCH`);
  }
}

test("too many tombstones give up their table after some tries, with the reason, and the others are read", async () => {
  await makeTombstones("graves");
  await keyspace.execute(`CREATE TABLE {ks}.alive (id int PRIMARY KEY)`);
  for (let id = 0; id < 20; id += 1)
    await keyspace.execute(`INSERT INTO {ks}.alive (id) VALUES (${id})`);
  const graves = keyspace.definition("graves", {
    ...{ columns: ["id", "n", "c0"], key: ["id", "n"], splits: 1 },
  });
  const alive = keyspace.definition("alive", { columns: ["id"], splits: 1 });
  const [gravesSplits, aliveSplits] = await Promise.all([
    keyspace.client.planRows(graves, null),
    keyspace.client.planRows(alive, null),
  ]);
  await expect(keyspace.read(graves, {}, gravesSplits)).rejects.toThrow(SourceUnavailableError);

  const lane = await Lane.plan(await makeStores(moto.address), [
    { table: alive, kind: "rows", splits: aliveSplits },
    { table: graves, kind: "rows", splits: gravesSplits },
  ]);
  const rejections: unknown[] = [];
  let now = Date.now();
  const state = await lane.invoke(keyspace.client, {
    clock: {
      now: () => now,
      sleep: (millis) => {
        now += millis;
        return Promise.resolve();
      },
    },
    log: (_, details) => {
      if ("rejections" in details) rejections.push(details.reason);
    },
  });
  expect(state.done).toBe(true);
  expect(rejections.length).toBeGreaterThan(1);
  expect(await lane.rows("alive")).toHaveLength(20);
  expect(await lane.read(keys.extractProblem("run-1", "graves"))).toMatchObject({
    ...{ table: "graves", error: "SourceUnavailableError" },
    message: expect.stringMatching(
      /Source "shop" .*table .*\.graves, returned 0x1300 \(read failure.*too many tombstones/,
    ) as unknown,
  });
});
