// Starts and ends the local stack from another process: what `up`, `down` and the tests call.
import { spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { extname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { projectHere } from "../lib/project.ts";
import { LOCAL_DEPLOYMENT } from "./deployment.ts";
import { endProcess, endRecorded, isOurs } from "./servers/process.ts";
import { reachableFolder } from "./servers/unprivileged.ts";
import {
  OWNER_ONLY,
  optionsFile,
  progressFile,
  ENGINE_FOLDER,
  readRunning,
  stateFolder,
  supervisorLog,
  type LocalOptions,
  type RunningStack,
} from "./state.ts";
import { lastLines, quoteLog } from "./toolchain/log-tail.ts";

const POLL_MILLIS = 100;
/** Downloads on a slow line are part of it. */
const START_DEADLINE_MILLIS = 45 * 60 * 1000;
const STOP_DEADLINE_MILLIS = 90 * 1000;
const SUPERVISOR_MARKER = `local/supervisor${extname(import.meta.filename)}`;

/** The stack as it runs now, or undefined if none does (or its supervisor died). */
export function runningStack(folder = stateFolder()): RunningStack | undefined {
  const running = readRunning(folder);
  if (running === undefined || !isOurs(running.pid, SUPERVISOR_MARKER)) return undefined;
  return running;
}

/**
 * Starts the stack, unless it runs, and waits until it can be used.
 * @throws Error with the part that failed, its last lines and its log
 */
export async function startStack(
  options: LocalOptions,
  report: (line: string) => void,
): Promise<RunningStack> {
  const folder = stateFolder();
  const already = runningStack(folder);
  if (already?.status === "ready") return already;
  if (already === undefined) {
    // What a killed supervisor left: its servers are ended, and their half-known state is not used again.
    await stopStack(report);
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    rmSync(optionsFile(folder), { force: true });
    writeFileSync(optionsFile(folder), JSON.stringify(options), { mode: OWNER_ONLY });
    writeFileSync(progressFile(folder), "");
    const log = openSync(supervisorLog(folder), "w");
    const child = spawn(process.execPath, [join(ENGINE_FOLDER, SUPERVISOR_MARKER)], {
      cwd: projectHere().folder,
      detached: true,
      stdio: ["ignore", log, log],
      env: { ...process.env, SLUICE_STATE: folder },
    });
    closeSync(log);
    child.unref();
    const pid = child.pid;
    if (pid === undefined) throw new Error(`${process.execPath} could not be started`);
    return waitUntilReady(folder, pid, report);
  }
  return waitUntilReady(folder, already.pid, report);
}

async function waitUntilReady(
  folder: string,
  pid: number,
  report: (line: string) => void,
): Promise<RunningStack> {
  let shown = 0;
  const showProgress = (): void => {
    const lines = readFileSync(progressFile(folder), "utf8").split("\n").slice(0, -1);
    for (const line of lines.slice(shown)) report(line);
    shown = lines.length;
  };
  const deadline = Date.now() + START_DEADLINE_MILLIS;
  while (Date.now() < deadline) {
    showProgress();
    const running = readRunning(folder);
    if (running?.pid === pid) {
      if (running.status === "ready") return running;
      if (running.status === "failed") {
        throw new Error(
          `The local stack did not start.\n${running.error ?? ""}\nLogs: ${running.logFolder}`,
        );
      }
    }
    if (!isOurs(pid, SUPERVISOR_MARKER)) {
      showProgress();
      const last = readRunning(folder);
      if (last?.pid === pid && last.status === "failed") continue;
      const log = supervisorLog(folder);
      throw new Error(
        `The supervisor of the local stack ended. ${quoteLog(log, lastLines(log, 20))}`,
      );
    }
    await delay(POLL_MILLIS);
  }
  throw new Error(
    `The local stack was not ready after ${String(START_DEADLINE_MILLIS / 60_000)} minutes. ${quoteLog(
      supervisorLog(folder),
      lastLines(progressFile(folder), 20),
    )}`,
  );
}

/**
 * Ends the stack and everything that a killed one left, and removes its state. Logs of the last start are kept.
 * @returns how many processes had to be ended
 */
export async function stopStack(report: (line: string) => void): Promise<number> {
  const folder = stateFolder();
  const running = readRunning(folder);
  let ended = 0;
  if (running !== undefined) {
    if (isOurs(running.pid, SUPERVISOR_MARKER)) {
      report("ending the local stack …");
      await endProcess(running.pid, { graceSeconds: STOP_DEADLINE_MILLIS / 1000 });
      ended += 1;
    }
    // The supervisor may have started more while it was being ended.
    for (const record of readRunning(folder)?.processes ?? running.processes) {
      if (await endRecorded(record, 15)) {
        report(`ended ${record.name} (process ${String(record.pid)}), which had been left running`);
        ended += 1;
      }
    }
  }
  const state = [
    "running.json",
    "options.json",
    "cdk.out",
    "deployed.json",
    "deployed.sha256",
    `${LOCAL_DEPLOYMENT}.json`,
    "filled-secrets.json",
  ];
  const paths = [
    ...state.map((name) => join(folder, name)),
    join(folder, "deployed.json.journal"),
    await reachableFolder(join(folder, "data")),
  ];
  for (const path of paths) {
    if (existsSync(path)) rmSync(path, { recursive: true, force: true });
  }
  return ended;
}
