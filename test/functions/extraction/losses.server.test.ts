// What the source itself loses in the midst of an extraction: its points in time; and two runs at once.
import { expect, onTestFinished, test } from "vitest";
import { runElasticsearch, runMoto } from "../extract/servers.ts";
import { Cluster } from "../../sources/elasticsearch/cluster.ts";
import { ElasticsearchTable, uniqueName } from "./elasticsearch-table.ts";
import { Faults } from "./faults.ts";
import { World } from "./world.ts";

test("five thousand rows of one cursor value are read although their points in time are lost in their midst", async () => {
  const [aws, search] = await Promise.all([runMoto(), runElasticsearch()]);
  const table = await ElasticsearchTable.make(search.address, uniqueName("leads"), "key-scan");
  const world = await World.make(aws.address, [table], new Faults(null));
  onTestFinished(async () => {
    world.destroy();
    await table.close();
    await Promise.all([aws.stop(), search.stop()]);
  });
  const cluster = new Cluster(search.address);
  const ties = Array.from({ length: 5000 }, (_, row) => ({ n: 500, text: `row ${row}`, row }));
  await table.write(ties.map(({ row, ...doc }) => ({ code: `c${row}`, doc })));
  await table.write([1, 499, 501].map((n) => ({ code: `other${n}`, doc: { n, text: null } })));
  let batch = 0;
  let lost = 0;
  const beforeBatch = async (): Promise<void> => {
    batch += 1;
    // In the middle of an invocation, and at the beginning of another.
    if (batch < 4 || batch > 9) return;
    for (const { id } of await world.ledger.resources.list("search")) {
      await cluster.closePointInTime(id);
      lost += 1;
    }
  };
  await world.settle({ pageRows: 400, beforeBatch });
  expect(lost).toBeGreaterThanOrEqual(2);
  expect(await world.differences()).toEqual([]);
  // Read again from their beginning they would be far more.
  expect(batch).toBeLessThan(60);
});

test("two runs at once on one source: one reads each table, and nothing is lost or read by both", async () => {
  const [aws, search] = await Promise.all([runMoto(), runElasticsearch()]);
  const tables = await Promise.all(
    ["a", "b"].map((name) => ElasticsearchTable.make(search.address, uniqueName(name), "key-scan")),
  );
  const world = await World.make(aws.address, tables, new Faults(null));
  onTestFinished(async () => {
    world.destroy();
    await Promise.all(tables.map((table) => table.close()));
    await Promise.all([aws.stop(), search.stop()]);
  });
  await Promise.all(tables.map((table) => table.reset()));
  let atOnce = 0;
  let most = 0;
  const counted = {
    lanes: 2,
    areLanesParallel: true,
    onBatch: (change: 1 | -1): void => {
      atOnce += change;
      most = Math.max(most, atOnce);
    },
  };
  await Promise.all([
    world.run(counted),
    world.run(counted),
    world.run({ ...counted, batches: 3 }),
  ]);
  await Promise.all(tables.map((table) => table.change(0)));
  await Promise.all([world.run(counted), world.run(counted)]);
  // All runs together never read in more lanes than the source has.
  expect(most).toBeLessThanOrEqual(2);
  await world.settle();
  expect(await world.differences()).toEqual([]);
});
