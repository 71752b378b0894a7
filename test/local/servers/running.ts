// Starts a server for one test and makes sure that it is gone afterwards.
import { readdirSync, readFileSync } from "node:fs";
import { expect, onTestFinished } from "vitest";
import type { Server } from "../../../local/servers/launch.ts";

const stopDeadlineMilliseconds = 60_000;

/** The server, which will be stopped when the test is finished, whatever its outcome. */
export async function running(start: Promise<Server>): Promise<Server> {
  const server = await start;
  onTestFinished(() => server.stop(), stopDeadlineMilliseconds);
  return server;
}

/** Stops the server and checks that no process of its group is left. */
export async function expectCleanStop(server: Server): Promise<void> {
  expect(groupOf(server.pid)).not.toEqual([]);
  await server.stop();
  expect(groupOf(server.pid)).toEqual([]);
}

/** Says how long the server took to start and how much memory its processes occupy together. */
export function describeCost(server: Server, startedAtMilliseconds: number): string {
  const seconds = (Date.now() - startedAtMilliseconds) / 1000;
  const kilobytes = groupOf(server.pid).map((pid) => {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
  });
  const megabytes = kilobytes.reduce((sum, size) => sum + size, 0) / 1024;
  return `${server.name}: ${seconds.toFixed(1)} s, ${megabytes.toFixed(0)} MB resident`;
}

function groupOf(group: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        const [state, , itsGroup] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        return state !== "Z" && Number(itsGroup) === group;
      } catch {
        return false;
      }
    });
}
