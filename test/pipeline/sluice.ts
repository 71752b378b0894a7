// Runs the `sluice` command as a person would, in a state folder of the test's own.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { QUICK_START } from "../../cli/commands/demo.ts";
import { ENGINE_FOLDER } from "../../local/state.ts";

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly ended: Promise<Finished>;
  readonly pid: number;
  /** What it has said so far, on both streams. */
  readonly output: () => string;
}

/**
 * Starts the command; a test that wants to disturb it does so while `ended` is pending.
 * @param environment variables beside the test's own
 */
export function startSluice(
  stateFolder: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Started {
  const child = spawn(process.execPath, [join(ENGINE_FOLDER, "cli/main.ts"), ...args], {
    cwd: ENGINE_FOLDER,
    env: {
      ...process.env,
      SLUICE_STATE: stateFolder,
      SLUICE_OWNER_PID: String(process.pid),
      SLUICE_SPARK_JAVA_OPTIONS: QUICK_START,
      ...environment,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString("utf8")));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString("utf8")));
  const ended = new Promise<Finished>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      resolve({ code: code ?? -1, stdout, stderr });
    });
  });
  return { ended, pid: child.pid ?? -1, output: () => stdout + stderr };
}

export const sluice = (stateFolder: string, ...args: string[]): Promise<Finished> =>
  startSluice(stateFolder, args).ended;
