// Runs one contestant to its end and measures what it took of the machine.
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { prepareInvocation } from "../../local/servers/unprivileged.ts";
import { lastLines, quoteLog } from "../../local/toolchain/log-tail.ts";
import type { Contestant } from "../peers/contestants.ts";
import type { LiveSource } from "../sources/live-source.ts";
import { countRows } from "./count-rows.ts";
import { endedChildrenCpuSeconds, machineCpu, treeCpuSeconds, TreeSampler } from "./processes.ts";

/** One reading of the whole table. */
export interface Measurement {
  readonly rows: number;
  readonly wallSeconds: number;
  readonly clientCpuSeconds: number;
  readonly serverCpuSeconds: number;
  /** CPU that neither the reader nor the server used: on a quiet machine nearly none. */
  readonly otherCpuSeconds: number;
  /** Peak of the resident bytes of all its processes together. */
  readonly peakResidentBytes: number;
  readonly bytesOut: number;
}

const QUOTED_LINES = 20;

/** Processes that must not outlive this one. */
export class Children {
  readonly #groups = new Set<number>();

  /** Starts a program in a process group of its own, its output in the file. */
  async start(
    invocation: { program: string; args: readonly string[] },
    logFile: string,
    withMessages = false,
  ): Promise<ReturnType<typeof spawn>> {
    // Killed by the system if this process dies before it can clean up.
    const { program, args } = await prepareInvocation(invocation, false, "SIGKILL");
    const log = openSync(logFile, "a");
    const child = spawn(program, args, {
      stdio: ["ignore", log, log, ...(withMessages ? (["ipc"] as const) : [])],
      detached: true,
    });
    closeSync(log);
    const { pid } = child;
    if (pid !== undefined) {
      this.#groups.add(pid);
      child.once("exit", () => this.#groups.delete(pid));
    }
    return child;
  }

  /** Kills all that still run, with all that they started. */
  killAll(): void {
    for (const group of this.#groups) killGroup(group, "SIGKILL");
  }
}

/** Sends the signal to a process and those that it started; one that has ended already is a success. */
export function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/**
 * Reads the table once into the folder, which is made before and left for the caller.
 * @throws Error if the contestant fails, or its output does not have exactly the source's rows
 */
export async function runContestant(
  contestant: Contestant,
  source: LiveSource,
  folder: string,
  children: Children,
): Promise<Measurement> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, "out"), { recursive: true });
  const logFile = join(folder, "log.txt");
  const invocations = contestant.commands(source, join(folder, "out"));
  const before = {
    at: performance.now(),
    children: endedChildrenCpuSeconds(),
    own: process.cpuUsage(),
    server: treeCpuSeconds(source.server.pid),
    machine: machineCpu().used,
  };
  const started = await Promise.all(invocations.map((one) => children.start(one, logFile)));
  const sampler = new TreeSampler(started.flatMap(({ pid }) => pid ?? []));
  const problems = await Promise.all(started.map(problemAtEnd));
  const wallSeconds = (performance.now() - before.at) / 1000;
  const sampled = sampler.stop();
  const own = process.cpuUsage(before.own);
  const serverCpuSeconds = treeCpuSeconds(source.server.pid) - before.server;
  const machineSeconds = machineCpu().used - before.machine;
  const problem = problems.find((one) => one !== undefined);
  if (problem !== undefined)
    throw new Error(
      `${contestant.name} ${problem}. ${quoteLog(logFile, lastLines(logFile, QUOTED_LINES))}`,
    );
  // Processes that were not waited for are only in the samples, very short ones only in the children's sum.
  const clientCpuSeconds = Math.max(
    endedChildrenCpuSeconds() - before.children,
    sampled.cpuSeconds,
  );
  const { rows, bytes } = await countRows(join(folder, "out"), contestant.form);
  if (rows !== source.rows)
    throw new Error(
      `${contestant.name} wrote ${rows} rows of ${source.rows}. ` +
        quoteLog(logFile, lastLines(logFile, QUOTED_LINES)),
    );
  return {
    ...{ rows, wallSeconds, clientCpuSeconds, serverCpuSeconds, bytesOut: bytes },
    otherCpuSeconds:
      machineSeconds - clientCpuSeconds - serverCpuSeconds - (own.user + own.system) / 1e6,
    peakResidentBytes: sampled.peakBytes,
  };
}

function problemAtEnd(child: ReturnType<typeof spawn>): Promise<string | undefined> {
  return new Promise((resolve) => {
    child.once("error", (error) => {
      resolve(`could not be started (${error.message})`);
    });
    child.once("exit", (code, signal) => {
      if (code === 0) resolve(undefined);
      else resolve(signal === null ? `exited with ${code ?? "nothing"}` : `was ended by ${signal}`);
    });
  });
}
