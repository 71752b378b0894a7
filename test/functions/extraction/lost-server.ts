// Reads a table while its server, or one of its nodes, is killed with SIGKILL.
import { setTimeout } from "node:timers/promises";
import { expect } from "vitest";
import type { Server } from "../../../local/servers/launch.ts";
import { runMoto } from "../extract/servers.ts";
import { Faults } from "./faults.ts";
import type { LiveTable } from "./live-table.ts";
import { World } from "./world.ts";

/** Kills all processes of a server, and returns when they are gone. */
export async function killServer(server: Server): Promise<void> {
  process.kill(-server.pid, "SIGKILL");
  await server.stop();
}

/** Starts a killed server again at its port, which its connections may hold for a moment longer than it lived. */
export async function restartServer(start: () => Promise<Server>): Promise<Server> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    try {
      return await start();
    } catch (error) {
      if (!String(error).includes("EADDRINUSE") || Date.now() > deadline) throw error;
      await setTimeout(200);
    }
  }
}

/**
 * Reads all of a table with the server lost before one of the batches, then changes it and reads again; nothing may
 * be missing or extra.
 * @param lose kills it, and may bring it back
 */
export async function expectNothingLost(
  table: LiveTable,
  { beforeBatch, lose }: { beforeBatch: number; lose: () => Promise<void> },
): Promise<void> {
  const aws = await runMoto();
  const world = await World.make(aws.address, [table], new Faults(null));
  try {
    let batch = 0;
    const options = {
      isRealTime: true,
      beforeBatch: async () => {
        batch += 1;
        if (batch === beforeBatch) await lose();
      },
    };
    await world.settle(options);
    expect(batch).toBeGreaterThan(beforeBatch);
    expect(await world.differences()).toEqual([]);
    await table.change(0);
    await world.settle(options);
    expect(await world.differences()).toEqual([]);
    expect(await world.openResources()).toBe(0);
  } finally {
    world.destroy();
    await aws.stop();
  }
}
