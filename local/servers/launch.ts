// Starts a server process, waits until it can be used, and says why when it cannot.
import { spawn } from "node:child_process";
import { closeSync, fstatSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { errorMessage } from "../../contract/error-message.ts";
import { lastLines, quoteLog } from "../toolchain/log-tail.ts";
import { endProcess, findMarked, type ProcessRecord } from "./process.ts";
import { prepareInvocation, serverEnvironment, type Invocation } from "./unprivileged.ts";

const POLL_MILLISECONDS = 100;
const QUOTED_LINES = 20;

/** A running server. */
export interface Server {
  /** The part of Sluice that it is, as in "Elasticsearch". */
  name: string;
  pid: number;
  port: number;
  /** How clients reach it: a URL, for Cassandra `host:port`. */
  address: string;
  logFile: string;
  /** What another process needs to end it. */
  record: ProcessRecord;
  /** Ends it, in an orderly way if it can, and returns when no process of it is left. */
  stop: () => Promise<void>;
}

/** What to start, and how to know that it is ready. */
export interface Launch {
  name: string;
  port: number;
  address: string;
  invocation: Invocation;
  /** Whether it runs as an ordinary user when Sluice is root. */
  asOrdinaryUser: boolean;
  /** A path in its arguments by which its process is recognised. */
  marker: string;
  folder: string;
  env?: NodeJS.ProcessEnv;
  logFile: string;
  stopSignal: NodeJS.Signals;
  /** How long it may take to stop before it is killed. */
  graceSeconds: number;
  startDeadlineSeconds: number;
  /** When it fires, a server that is not ready yet is ended. */
  interrupted?: AbortSignal | undefined;
  /** Whether it responds; may throw, which means not yet and explains a missed deadline. */
  isReady: () => Promise<boolean>;
}

/** A server did not start; the message holds the end of its log. */
class ServerStartError extends Error {
  override name = "ServerStartError";
}

/** Starts the server. Throws {@link ServerStartError} if it dies or is not ready in time. */
export async function launch(plan: Launch): Promise<Server> {
  await waitForPredecessor(plan);
  const { program, args } = await prepareInvocation(
    plan.invocation,
    plan.asOrdinaryUser,
    plan.stopSignal,
  );
  mkdirSync(dirname(plan.logFile), { recursive: true });
  const log = openSync(plan.logFile, "a");
  const logStart = fstatSync(log).size;
  const child = spawn(program, args, {
    cwd: plan.folder,
    env: { ...serverEnvironment(), ...plan.env },
    stdio: ["ignore", log, log],
    // Its own process group: a Ctrl-C at the terminal must not reach it before Sluice has decided.
    detached: true,
  });
  closeSync(log);
  let ending: string | undefined;
  child.on("error", (error) => (ending = `could not be started (${error.message})`));
  child.on("exit", (code, signal) => {
    ending ??= signal === null ? `exited with ${code ?? "nothing"}` : `was ended by ${signal}`;
  });
  child.unref();

  const problem = await waitUntilReady(plan, () => ending);
  const pid = child.pid ?? 0;
  const stop = async (): Promise<void> => {
    await endProcess(pid, { graceSeconds: plan.graceSeconds, signal: plan.stopSignal });
  };
  if (problem !== undefined) {
    if (pid !== 0) await stop();
    throw new ServerStartError(
      `${plan.name} ${problem}. ${quoteLog(plan.logFile, lastLines(plan.logFile, QUOTED_LINES, logStart))}`,
    );
  }
  const { name, port, address, logFile, marker, stopSignal } = plan;
  return { name, pid, port, address, logFile, record: { pid, marker, stopSignal }, stop };
}

async function waitUntilReady(
  plan: Launch,
  ending: () => string | undefined,
): Promise<string | undefined> {
  const deadline = Date.now() + plan.startDeadlineSeconds * 1000;
  let lastProblem = "it does not respond";
  while (Date.now() < deadline) {
    // The order matters: something else may listen at this address, and our own has died.
    const ready = await plan.isReady().catch((error: unknown) => {
      lastProblem = errorMessage(error);
      return false;
    });
    const end = ending();
    if (end !== undefined) return `${end} before it was ready`;
    if (ready) return undefined;
    if (plan.interrupted?.aborted === true) return "was interrupted while it started";
    await delay(POLL_MILLISECONDS);
  }
  return `was not ready within ${plan.startDeadlineSeconds} s (${lastProblem})`;
}

// Two servers on one data folder would destroy it. One may still be stopping after a crash.
async function waitForPredecessor(plan: Launch): Promise<void> {
  const deadline = Date.now() + plan.graceSeconds * 1000;
  for (;;) {
    const predecessor = findMarked(plan.marker);
    if (predecessor === undefined) return;
    if (Date.now() > deadline) {
      throw new ServerStartError(
        `${plan.name} already runs on ${plan.marker} (process ${predecessor.pid}). ` +
          `End that first: "sluice down", or kill ${predecessor.pid}.`,
      );
    }
    await delay(POLL_MILLISECONDS);
  }
}
