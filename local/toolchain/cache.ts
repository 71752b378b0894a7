// Keeps each downloaded tool in a folder named by its content, made once and then used for ever.
import { createHash } from "node:crypto";
import { chmod, lstat, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { withLock } from "./lock.mjs";

const HASH_LENGTH = 12;

/** Says one line of progress. */
export type Report = (line: string) => void;

/** How a tool's folder is made. */
export interface Recipe {
  /** The tool, for folder names and messages: "spark-jars". */
  name: string;
  /** What determines the content: when any of it changes, another folder is made. */
  definition: readonly string[];
  /** The folder that will hold it: {@link cacheFolder} or {@link serversFolder}. */
  parent: string;
  /** Fills the empty folder, which will be renamed to `finalFolder` when all of it is there. */
  make: (folder: string, finalFolder: string) => Promise<void>;
}

/** Where downloads are kept: $SLUICE_CACHE, else $XDG_CACHE_HOME/sluice, else ~/.cache/sluice. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.SLUICE_CACHE) return env.SLUICE_CACHE;
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, "sluice");
  return join(homedir(), ".cache", "sluice");
}

/** The log of the last time that a tool was made. */
export function toolLog(name: string): string {
  return join(cacheFolder(), "logs", `${name}.log`);
}

/** Whether this process is root, as which Elasticsearch and PostgreSQL do not run. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/**
 * Where server programs are unpacked. Root runs them as another user, who cannot enter root's
 * home, so root unpacks them in the system's temporary folder.
 */
export function serversFolder(): string {
  return isRoot() ? tmpdir() : cacheFolder();
}

/**
 * The tool's folder, made now if it is not there yet. Two processes may call this at once: one makes it
 * and the other waits. What a crash left half made is removed the next time.
 */
export async function ensureFolder(recipe: Recipe, report: Report): Promise<string> {
  const folder = join(
    recipe.parent,
    `${folderPrefix(recipe)}${recipe.name}-${hash(recipe.definition)}`,
  );
  if (await isOwnFolder(folder)) return folder;
  const lock = join(cacheFolder(), "locks", `${basename(folder)}.lock`);
  return withLock(
    lock,
    async () => {
      if (!(await isOwnFolder(folder))) await make(recipe, folder);
      return folder;
    },
    {
      onWait: (pid) => {
        report(`waiting for process ${pid}, which is preparing ${recipe.name} …`);
      },
    },
  );
}

async function make(recipe: Recipe, folder: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  await removeHalfMade(folder);
  const halfMade = await mkdtemp(`${folder}.making-`);
  await chmod(halfMade, 0o755);
  try {
    await recipe.make(halfMade, folder);
    if (isRoot()) await letEveryoneRead(halfMade);
    await rename(halfMade, folder);
  } finally {
    await rm(halfMade, { recursive: true, force: true });
  }
}

// Only the holder of the lock comes here, so no process works in any of these.
async function removeHalfMade(folder: string): Promise<void> {
  const parent = dirname(folder);
  const prefix = `${basename(folder)}.making-`;
  for (const name of await readdir(parent)) {
    if (name.startsWith(prefix)) await rm(join(parent, name), { recursive: true, force: true });
  }
}

// Root's umask may keep new files from everybody else, and servers run as somebody else.
async function letEveryoneRead(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    const { mode } = await lstat(path);
    const mayEnter = entry.isDirectory() || (mode & 0o100) !== 0;
    await chmod(path, mode | (mayEnter ? 0o055 : 0o044));
  }
}

// In a shared temporary folder somebody else could have put programs of theirs under this name.
async function isOwnFolder(folder: string): Promise<boolean> {
  const status = await lstat(folder).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  });
  if (status === undefined) return false;
  if (status.isDirectory() && status.uid === (process.getuid?.() ?? status.uid)) return true;
  throw new Error(
    `${folder} is not a folder of yours (it belongs to user ${status.uid}), so Sluice will not run ` +
      "programs from it. Remove it, or set TMPDIR to another folder.",
  );
}

// The cache is Sluice's own; a shared temporary folder is not.
function folderPrefix(recipe: Recipe): string {
  return recipe.parent === cacheFolder() ? "" : "sluice-";
}

function hash(parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, HASH_LENGTH);
}
