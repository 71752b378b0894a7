// Starts the foreground's load and gets the latencies of its requests.
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { lastLines, quoteLog } from "../../local/toolchain/log-tail.ts";
import { askChild } from "../measure/messages.ts";
import { treeCpuSeconds } from "../measure/processes.ts";
import { type Children, killGroup } from "../measure/run-contestant.ts";
import type { LiveSource } from "../sources/live-source.ts";
import {
  type Latencies,
  latenciesSchema,
  type LatenciesRequest,
  type LoadSettings,
} from "./settings.ts";

const PROGRAM = fileURLToPath(new URL("process.ts", import.meta.url));
const QUOTED_LINES = 20;

/** A load that goes on until it is ended. */
export class Foreground {
  readonly #child: ChildProcess;
  readonly #pid: number;
  readonly #logFile: string;

  private constructor(child: ChildProcess, pid: number, logFile: string) {
    this.#child = child;
    this.#pid = pid;
    this.#logFile = logFile;
  }

  static async start(
    source: LiveSource,
    requestsPerSecond: number,
    children: Children,
    logFile: string,
  ): Promise<Foreground> {
    const { seed, rows, rounds } = source.history;
    const settings: LoadSettings = {
      ...{ system: source.system, address: source.server.address, requestsPerSecond, seed: 7 },
      history: { seed, rows: { ...rows }, nowMillis: rounds[0].nowMillis },
    };
    const child = await children.start(
      { program: process.execPath, args: [PROGRAM, JSON.stringify(settings)] },
      logFile,
      true,
    );
    if (child.pid === undefined) throw new Error("The foreground's load could not be started.");
    return new Foreground(child, child.pid, logFile);
  }

  /** Latencies of the requests that were due from one moment to another. */
  async latencies(request: LatenciesRequest): Promise<Latencies> {
    return latenciesSchema.parse(await askChild(this.#child, request, () => this.#ended()));
  }

  get cpuSeconds(): number {
    return treeCpuSeconds(this.#pid);
  }

  stop(): void {
    killGroup(this.#pid, "SIGKILL");
  }

  #ended(): Error {
    return new Error(
      `The foreground's load ended by itself. ${quoteLog(this.#logFile, lastLines(this.#logFile, QUOTED_LINES))}`,
    );
  }
}
