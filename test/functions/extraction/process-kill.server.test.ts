// The real handlers in real processes, killed with SIGKILL at one of their writes: what is left is all that counts.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCassandra, runElasticsearch, runMoto, type RunningServer } from "../extract/servers.ts";
import { CassandraTable } from "./cassandra-table.ts";
import { ElasticsearchTable, uniqueName } from "./elasticsearch-table.ts";
import { Faults, type StepName } from "./faults.ts";
import { deploy, type Kill, runAndKill } from "./killed-handler.ts";
import type { LiveTable } from "./live-table.ts";
import { isWhole, seed, shuffled } from "./seed.ts";
import { World } from "./world.ts";

let aws: RunningServer;
let search: RunningServer;
let events: RunningServer;

beforeAll(async () => {
  [aws, search, events] = await Promise.all([runMoto(), runElasticsearch(), runCassandra()]);
});
afterAll(async () => {
  await Promise.all([aws.stop(), search.stop(), events.stop()]);
});

/** Kills of each source in a plain `npm test`. */
const sampleSize = 2;
const mostWrites: Readonly<Partial<Record<StepName, number>>> = {
  plan: 9,
  invocation: 12,
  commit: 4,
};

interface Case {
  readonly step: StepName;
  readonly kill: Kill;
  readonly isAborted: boolean;
}

function allCases(): Case[] {
  return (["plan", "invocation", "commit"] as const).flatMap((step) =>
    Array.from({ length: mostWrites[step] ?? 0 }, (_, index) => index + 1).flatMap((write) =>
      (["before", "after"] as const).flatMap((side) =>
        [false, true].map((isAborted) => ({ step, kill: { write, side }, isAborted })),
      ),
    ),
  );
}

async function play(table: LiveTable, deployment: string, one: Case): Promise<string> {
  await table.reset();
  const world = await World.make(aws.address, [table], new Faults(null));
  let killedAt = "the end";
  try {
    world.nextInProcess(one.step, async (event) => {
      const address = { ...world.address, deployment };
      const ended = await runAndKill(one.step, event, one.kill, address);
      if ("response" in ended) return ended;
      ({ killedAt } = ended);
      return { lost: one.isAborted ? "abort" : "retry" };
    });
    await world.run({ batches: 4 });
    await table.change(0);
    await world.run();
    await table.change(1);
    await world.settle();
    expect(await world.differences()).toEqual([]);
    expect(await world.openResources()).toBe(0);
    return killedAt;
  } finally {
    world.destroy();
  }
}

describe.each([
  ["elasticsearch", () => ElasticsearchTable.make(search.address, uniqueName("leads"), "key-scan")],
  ["cassandra", () => CassandraTable.make([events.address], uniqueName("visits"))],
] as const)("%s", (name, make: () => Promise<LiveTable>) => {
  test(
    "a process killed with SIGKILL at a write loses nothing",
    { timeout: 3_600_000 },
    async () => {
      const table = await make();
      try {
        const deployment = `d${randomUUID().slice(0, 8)}`;
        await deploy(deployment, aws.address, table);
        const cases = isWhole() ? allCases() : shuffled(allCases(), seed()).slice(0, sampleSize);
        console.log(`${name}: ${cases.length} kills, seed ${seed()}`);
        for (const one of cases) {
          const killedAt = await play(table, deployment, one).catch((error: unknown) => {
            throw new Error(`${JSON.stringify(one)}: ${String(error)}`, { cause: error });
          });
          console.log(`${one.step}: killed ${one.kill.side} ${killedAt}`);
        }
      } finally {
        await table.close();
      }
    },
  );
});
