// What processes use of the machine, as Linux counts it: CPU time and resident memory of whole process trees.
import { readdirSync, readFileSync } from "node:fs";

/** The kernel counts CPU time for programs in these, whatever its own tick is. */
const TICKS_PER_SECOND = 100;

/** The process and all that it started, directly or not. */
export function processTree(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(processTree)];
}

// Each thread has its own children.
function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8")
        .split(" ")
        .filter(Boolean)
        .map(Number),
    );
  } catch {
    // It has ended.
    return [];
  }
}

/** CPU seconds, user and system, that a process has used so far; null once it has ended. */
function cpuSeconds(pid: number): number | null {
  const fields = statOf(pid);
  return fields === null ? null : (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** CPU seconds of all processes that this one started and that have ended and were waited for, with theirs. */
export function endedChildrenCpuSeconds(): number {
  const fields = statOf(process.pid);
  return (Number(fields?.[13]) + Number(fields?.[14])) / TICKS_PER_SECOND;
}

/** CPU seconds of the whole tree so far. */
export function treeCpuSeconds(pid: number): number {
  return processTree(pid).reduce((sum, one) => sum + (cpuSeconds(one) ?? 0), 0);
}

/** Resident bytes of a process; 0 once it has ended. */
function residentBytes(pid: number): number {
  return statusBytes(pid, "VmRSS");
}

/** The most that were resident since it began, as the kernel counts them; 0 once it has ended. */
export function peakResidentBytes(pid: number): number {
  return statusBytes(pid, "VmHWM");
}

function statusBytes(pid: number, field: string): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** CPU seconds of the whole machine so far. */
export interface MachineCpu {
  /** Used by programs and the kernel, and taken by the host. */
  readonly used: number;
  /** The part that a virtual machine's host took while a process here was ready to run; 0 if not reported. */
  readonly stolen: number;
}

export function machineCpu(): MachineCpu {
  const line = readFileSync("/proc/stat", "utf8").split("\n")[0] ?? "";
  const [user, nice, system, , , interrupts, softInterrupts, stolen] = line
    .replace(/^cpu +/, "")
    .split(" ")
    .map(Number);
  const ticks = [user, nice, system, interrupts, softInterrupts, stolen];
  return {
    used: ticks.reduce<number>((sum, one) => sum + (one ?? 0), 0) / TICKS_PER_SECOND,
    stolen: (stolen ?? 0) / TICKS_PER_SECOND,
  };
}

/** The fields of /proc/PID/stat from the state on. */
function statOf(pid: number): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The program's name stands in brackets and may itself hold blanks and brackets.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return null;
  }
}

/** Follows process trees: their memory's peak, and CPU of processes that ended without being waited for. */
export class TreeSampler {
  readonly #roots: readonly number[];
  readonly #cpu = new Map<number, number>();
  readonly #timer: NodeJS.Timeout;
  #peakBytes = 0;

  constructor(roots: readonly number[], everyMillis = 200) {
    this.#roots = roots;
    this.#timer = setInterval(() => {
      this.#sample();
    }, everyMillis);
    this.#sample();
  }

  /** Ends the sampling. */
  stop(): { peakBytes: number; cpuSeconds: number } {
    clearInterval(this.#timer);
    this.#sample();
    const seconds = [...this.#cpu.values()].reduce((sum, one) => sum + one, 0);
    return { peakBytes: this.#peakBytes, cpuSeconds: seconds };
  }

  #sample(): void {
    let bytes = 0;
    for (const pid of this.#roots.flatMap(processTree)) {
      bytes += residentBytes(pid);
      const seconds = cpuSeconds(pid);
      if (seconds !== null) this.#cpu.set(pid, seconds);
    }
    this.#peakBytes = Math.max(this.#peakBytes, bytes);
  }
}
