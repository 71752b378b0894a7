// Tests that a real Elasticsearch starts, answers, keeps its data and stops, or says why not.
import { createServer } from "node:net";
import { join } from "node:path";
import { Client } from "@elastic/elasticsearch";
import { expect, onTestFinished, test } from "vitest";
import {
  startElasticsearch,
  type ElasticsearchOptions,
} from "../../../local/servers/elasticsearch.ts";
import { findFreePort } from "../../../local/servers/free-port.ts";
import type { Server } from "../../../local/servers/launch.ts";
import { ElasticsearchTable, uniqueName } from "../../functions/extraction/elasticsearch-table.ts";
import {
  expectNothingLost,
  killServer,
  restartServer,
} from "../../functions/extraction/lost-server.ts";
import { expectPauseWhenOverloaded, narrow } from "../../functions/extraction/overload.ts";
import { isWhole } from "../../functions/extraction/seed.ts";
import { describeCost, expectCleanStop, running } from "./running.ts";
import { scratchFolder } from "./scratch.ts";

const deadlineMilliseconds = 600_000;

test(
  "Elasticsearch answers its client, keeps documents when it is killed and started again, and gets a pause when it rejects requests",
  { timeout: deadlineMilliseconds },
  async () => {
    const options = optionsIn(scratchFolder());
    const begun = Date.now();
    const first = await running(startElasticsearch(options));
    console.log(describeCost(first, begun));
    const client = new Client({ node: first.address });
    const info = await client.info();
    expect(info.version.number).toBe("8.19.16");
    expect(info.cluster_name).toBe("sluice");
    await client.index({ index: "things", id: "1", document: { name: "one" } });
    await expect(startElasticsearch({ ...options, port: 0 })).rejects.toThrow(
      /Elasticsearch already runs on .*\(process \d+\)/,
    );

    const second = await killWhileReading(first, { ...options, settings: narrow });
    const found = await client.get({ index: "things", id: "1" });
    expect(found._source).toEqual({ name: "one" });
    await expectPauseWhenOverloaded(second.address);
    await expectCleanStop(second);
  },
);

/** Kills the server in the midst of an extraction; nothing may be missing from what is read, and nothing extra in it. */
async function killWhileReading(server: Server, options: ElasticsearchOptions): Promise<Server> {
  const table = await ElasticsearchTable.make(server.address, uniqueName("leads"), "key-scan");
  onTestFinished(() => table.client.close());
  await table.reset();
  let restarted: Promise<Server> = Promise.resolve(server);
  await expectNothingLost(table, {
    beforeBatch: 4,
    lose: async () => {
      await killServer(server);
      const start = () => startElasticsearch({ ...options, port: server.port });
      restarted = running(restartServer(start));
      // With enough time the reading goes on meanwhile, and its requests are rejected until the source gets a pause.
      if (isWhole()) restarted.catch(() => undefined);
      else await restarted;
    },
  });
  return await restarted;
}

test(
  "a setting that Elasticsearch does not know is shown from its log",
  { timeout: deadlineMilliseconds },
  async () => {
    const folder = scratchFolder();
    const settings = { "no.such.setting": true };
    const start = startElasticsearch({ ...optionsIn(folder), settings });
    await expect(start).rejects.toThrow(/Elasticsearch exited with \d+ before it was ready/);
    await expect(start).rejects.toThrow("unknown setting [no.such.setting]");
    await expect(start).rejects.toThrow(join(folder, "logs", "elasticsearch.log"));
  },
);

test("a port that is taken is rejected with its number", async () => {
  const port = await findFreePort();
  const occupant = createServer().listen(port, "127.0.0.1");
  onTestFinished(() => {
    occupant.close();
  });
  const start = startElasticsearch({ ...optionsIn(scratchFolder()), port });
  await expect(start).rejects.toThrow(`Elasticsearch cannot have port ${port} on 127.0.0.1`);
});

function optionsIn(folder: string): ElasticsearchOptions {
  return {
    dataFolder: join(folder, "elasticsearch"),
    logFolder: join(folder, "logs"),
    port: 0,
    report: console.log,
  };
}
