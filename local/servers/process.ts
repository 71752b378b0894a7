// Looks at processes and ends them, never one that only happens to have the id that was expected.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

const POLL_MILLISECONDS = 50;
const BYTES_PER_KILOBYTE = 1024;
const KILL_DEADLINE_SECONDS = 10;

/** What the system says of a running process. */
export interface ProcessDescription {
  pid: number;
  /** The process group, which is the id of the process that leads it. */
  group: number;
  commandLine: string;
  /** The memory that it occupies, in bytes. */
  residentBytes: number;
}

/** What is known of a server's process, to be written down and used by another process later. */
export interface ProcessRecord {
  pid: number;
  /** A path that is in the command line of this server and of no other process. */
  marker: string;
  /** The signal that ends this server in an orderly way. */
  stopSignal: NodeJS.Signals;
}

/** How to end a process. */
export interface EndOptions {
  /** How long it may take to end by itself before it is killed. */
  graceSeconds: number;
  /** The signal that asks it to end; SIGTERM by default. */
  signal?: NodeJS.Signals;
}

/** Describes a process; undefined when there is none with this id, or it has ended already. */
export function describeProcess(pid: number): ProcessDescription | undefined {
  return process.platform === "linux" ? describeFromProc(pid) : describeFromPs(pid);
}

/**
 * Whether the process, or another of its group when it has ended itself, has the marker in its
 * command line: a process id may have been given to another program since it was written down.
 */
export function isOurs(pid: number, marker: string): boolean {
  const leader = describeProcess(pid);
  if (leader !== undefined) return mentions(leader.commandLine, marker);
  return groupMembers(pid).some((member) => mentions(member.commandLine, marker));
}

/** A running process other than this one that has the marker in its command line. */
export function findMarked(marker: string): ProcessDescription | undefined {
  return allProcesses().find(
    ({ pid, commandLine }) => pid !== process.pid && mentions(commandLine, marker),
  );
}

/**
 * Ends a process and its whole group when it leads one: asks by a signal, waits, and kills what is
 * still there after the grace. Succeeds at once when there is none. Throws when even that fails.
 */
export async function endProcess(pid: number, options: EndOptions): Promise<void> {
  sendSignal(pid, options.signal ?? "SIGTERM");
  if (await hasEnded(pid, options.graceSeconds)) return;
  sendSignal(pid, "SIGKILL");
  if (await hasEnded(pid, KILL_DEADLINE_SECONDS)) return;
  throw new Error(
    `Process ${pid} still runs ${KILL_DEADLINE_SECONDS} s after it was killed. ` +
      `Look at it (ps -fp ${pid}) and end it by hand.`,
  );
}

/** Ends the recorded process if it still is the one that was recorded. Returns whether it was. */
export async function endRecorded(record: ProcessRecord, graceSeconds: number): Promise<boolean> {
  if (!isOurs(record.pid, record.marker)) return false;
  await endProcess(record.pid, { graceSeconds, signal: record.stopSignal });
  return true;
}

async function hasEnded(pid: number, withinSeconds: number): Promise<boolean> {
  const deadline = Date.now() + withinSeconds * 1000;
  while (isAlive(pid)) {
    if (Date.now() > deadline) return false;
    await delay(POLL_MILLISECONDS);
  }
  return true;
}

function isAlive(pid: number): boolean {
  return describeProcess(pid) !== undefined || groupMembers(pid).length > 0;
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  const target = groupMembers(pid).length > 0 ? -pid : pid;
  try {
    process.kill(target, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

function groupMembers(group: number): ProcessDescription[] {
  return allProcesses().filter((member) => member.group === group);
}

function allProcesses(): ProcessDescription[] {
  const pids = process.platform === "linux" ? pidsFromProc() : pidsFromPs();
  return pids.map(describeProcess).filter((found) => found !== undefined);
}

// The path may be followed by more of a path, but not by more of a name.
function mentions(commandLine: string, marker: string): boolean {
  const at = commandLine.indexOf(marker);
  if (at < 0) return false;
  const next = commandLine.charAt(at + marker.length);
  if (!/[\w.-]/.test(next)) return true;
  return mentions(commandLine.slice(at + 1), marker);
}

function pidsFromProc(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function describeFromProc(pid: number): ProcessDescription | undefined {
  try {
    const commandLine = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The program's name stands in brackets and may itself hold blanks and brackets.
    const [state, , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // A zombie has ended; its parent has not read its exit status yet.
    if (state === "Z" || state === "X") return undefined;
    const resident = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return {
      pid,
      group: Number(group),
      commandLine,
      residentBytes: Number(resident?.[1] ?? 0) * BYTES_PER_KILOBYTE,
    };
  } catch {
    return undefined;
  }
}

function pidsFromPs(): number[] {
  return execFileSync("ps", ["-A", "-o", "pid="], { encoding: "utf8" })
    .trim()
    .split(/\s+/)
    .map(Number);
}

function describeFromPs(pid: number): ProcessDescription | undefined {
  try {
    const columns = ["-ww", "-o", "stat=,pgid=,rss=,command=", "-p", String(pid)];
    const line = execFileSync("ps", columns, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    const match = /^\s*(\S+)\s+(\d+)\s+(\d+)\s+(.*)$/m.exec(line);
    const [, state, group, resident, commandLine] = match ?? [];
    if (state === undefined || state.startsWith("Z") || commandLine === undefined) return undefined;
    return {
      pid,
      group: Number(group),
      commandLine,
      residentBytes: Number(resident) * BYTES_PER_KILOBYTE,
    };
  } catch {
    return undefined;
  }
}
