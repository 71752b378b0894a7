// What is known of the stack that runs on this machine: one folder a project, one file that says what runs.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { jsonObjectSchema } from "../contract/json.ts";
import { projectHere } from "../lib/project.ts";

/** Where Sluice's own code and files are: the package, or the repository. */
export const ENGINE_FOLDER = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");

/** Names of the emulated account. */
export const LOCAL_REGION = "us-east-1";
export const LOCAL_ACCOUNT = "123456789012";
export const LOCAL_CREDENTIALS = { accessKeyId: "local", secretAccessKey: "local" } as const;

/** What the secrets of sources hold, by their system. */
const secretsSchema = z.record(z.string(), jsonObjectSchema);

/** How a stack on this machine is to be started. */
export const localOptionsSchema = z.strictObject({
  /** The user's own sources, by system, in place of servers that are started. */
  secrets: secretsSchema,
  /** Choices of the deployment as they were typed, by name; `local/deployment.ts` has the others. */
  set: z.record(z.string(), z.string()),
  /** The stack ends when this process is gone; without it, it lasts until `down`. */
  ownerPid: z.int().positive().optional(),
});
export type LocalOptions = z.infer<typeof localOptionsSchema>;

const processSchema = z.strictObject({
  name: z.string(),
  pid: z.int(),
  marker: z.string(),
  stopSignal: z.custom<NodeJS.Signals>(
    (value) => typeof value === "string" && value.startsWith("SIG"),
  ),
});

const runningSchema = z.strictObject({
  format: z.literal(2),
  status: z.enum(["starting", "ready", "failed", "stopping"]),
  /** The supervisor's. */
  pid: z.int().positive(),
  startedAt: z.string(),
  error: z.string().optional(),
  logFolder: z.string(),
  deployment: z.string(),
  /** The emulated AWS, once it serves. */
  endpoint: z.string().optional(),
  postgres: z
    .strictObject({ host: z.string(), port: z.int(), user: z.string(), database: z.string() })
    .optional(),
  secrets: secretsSchema,
  options: localOptionsSchema,
  /** Servers and helpers by pid; `marker` is text in their command line, so that a recycled pid is left alone. */
  processes: z.array(processSchema),
});
export type RunningStack = z.infer<typeof runningSchema>;

/** The folder of this project's stack: `$SLUICE_STATE`, else one under the system's temporary folder, named by the project's. */
export function stateFolder(env: NodeJS.ProcessEnv = process.env): string {
  const given = env.SLUICE_STATE;
  if (given !== undefined && given !== "") return given;
  const name = createHash("sha256").update(projectHere().folder).digest("hex").slice(0, 12);
  return join(tmpdir(), `sluice-${String(process.getuid?.() ?? 0)}-${name}`);
}

/** The mode of files that hold credentials. */
export const OWNER_ONLY = 0o600;

const runningFile = (folder: string): string => join(folder, "running.json");
/** Lines that the supervisor writes while it starts; `up` shows them. */
export const progressFile = (folder: string): string => join(folder, "progress.log");
export const optionsFile = (folder: string): string => join(folder, "options.json");
export const supervisorLog = (folder: string): string => join(folder, "supervisor.log");

/** What runs, as last written, or undefined if nothing was started. */
export function readRunning(folder: string): RunningStack | undefined {
  const file = runningFile(folder);
  if (!existsSync(file)) return undefined;
  return runningSchema.parse(JSON.parse(readFileSync(file, "utf8")));
}

/** Writes what runs, whole or not at all. */
export function writeRunning(folder: string, running: RunningStack): void {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const temporary = `${runningFile(folder)}.${String(process.pid)}`;
  // It holds passwords of the user's own sources.
  writeFileSync(temporary, JSON.stringify(running, null, 2), { mode: OWNER_ONLY });
  renameSync(temporary, runningFile(folder));
}
