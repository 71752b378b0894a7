// Runs a program of the toolchain with its output in a log file.
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { lastLines, quoteLog } from "./log-tail.ts";

const QUOTED_LINES = 20;

/** One program to run to its end. */
export interface Command {
  /** What it does, as in "Downloading Elasticsearch". */
  what: string;
  program: string;
  args: readonly string[];
  logFile: string;
  folder?: string;
  env?: NodeJS.ProcessEnv;
}

/** A program of the toolchain did not succeed; the message holds the end of its output. */
export class ToolchainError extends Error {
  override name = "ToolchainError";
}

/** Runs the program, replacing the log file. Throws {@link ToolchainError} when it fails. */
export async function runCommand(command: Command): Promise<void> {
  mkdirSync(dirname(command.logFile), { recursive: true });
  const log = openSync(command.logFile, "w");
  try {
    const problem = await outcome(command, log);
    if (problem === undefined) return;
    const lines = lastLines(command.logFile, QUOTED_LINES);
    throw new ToolchainError(
      `${command.what} failed: ${command.program} ${problem}. ${quoteLog(command.logFile, lines)}`,
    );
  } finally {
    closeSync(log);
  }
}

async function outcome(command: Command, log: number): Promise<string | undefined> {
  const child = spawn(command.program, command.args, {
    cwd: command.folder,
    env: command.env ?? process.env,
    stdio: ["ignore", log, log],
  });
  return new Promise((resolve) => {
    child.on("error", (error) => {
      resolve(`could not be started (${error.message})`);
    });
    child.on("exit", (code, signal) => {
      if (code === 0) resolve(undefined);
      else resolve(signal === null ? `exited with ${code ?? "nothing"}` : `was ended by ${signal}`);
    });
  });
}
