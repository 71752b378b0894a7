// Runs servers as an ordinary user when Sluice itself runs as root, since the servers do not run as root.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, constants } from "node:fs";
import { chmod, chown, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { isRoot } from "../toolchain/cache.ts";

const USER_NAME = "nobody";
const PATH_HASH_LENGTH = 12;

/** A program and its arguments. */
export interface Invocation {
  program: string;
  args: readonly string[];
}

/**
 * The invocation that runs the same as an ordinary user, if this process is root and
 * `asOrdinaryUser` is set. On Linux the system also sends the signal to the program when this
 * process dies, so that a killed Sluice leaves no servers behind.
 */
export async function prepareInvocation(
  invocation: Invocation,
  asOrdinaryUser: boolean,
  signalWhenOrphaned: NodeJS.Signals,
): Promise<Invocation> {
  const change = asOrdinaryUser && isRoot();
  const setpriv = findSetpriv();
  if (setpriv === undefined) {
    if (!change) return invocation;
    throw new Error(
      "Elasticsearch, Cassandra and PostgreSQL do not run as root, and to run them as another user " +
        'the program setpriv is needed. Install it ("apt install util-linux"), or start Sluice as an ordinary user.',
    );
  }
  const { uid, gid } = change ? await ordinaryUser() : { uid: 0, gid: 0 };
  const identity = change ? [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"] : [];
  const orphan = `--pdeathsig=${signalWhenOrphaned.replace("SIG", "")}`;
  return {
    program: setpriv,
    args: [...identity, orphan, "--", invocation.program, ...invocation.args],
  };
}

/** Runs a short program to its end in the same way. Throws with its output when it fails. */
export async function runAsOrdinaryUser(invocation: Invocation, input = ""): Promise<void> {
  const { program, args } = await prepareInvocation(invocation, true, "SIGTERM");
  try {
    execFileSync(program, args, {
      input,
      encoding: "utf8",
      env: serverEnvironment(),
      cwd: "/",
      stdio: "pipe",
    });
  } catch (error) {
    const output = error instanceof Error && "stderr" in error ? String(error.stderr) : "";
    throw new Error(`${invocation.program} failed:\n${output || String(error)}`, { cause: error });
  }
}

/** The few variables that servers get: credentials and settings of the user do not concern them. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  const path = process.env.PATH ?? "/usr/local/bin:/usr/bin:/bin";
  return { PATH: path, LANG: "C.UTF-8", TZ: "UTC", TMPDIR: tmpdir() };
}

/** Makes a folder that the server's user owns, so that the server can write in it. */
export async function makeServerFolder(folder: string): Promise<void> {
  await makeEnterable(folder);
  const obstacle = isRoot() ? await obstacleOnTheWay(folder) : undefined;
  if (obstacle !== undefined) {
    throw new Error(
      `Servers run as user "${USER_NAME}" when Sluice runs as root, and that user cannot enter ${obstacle}, ` +
        `so ${folder} is out of reach. Use a folder elsewhere, or start Sluice as an ordinary user.`,
    );
  }
  await giveToServer(folder, 0o755);
}

/** Writes a file that the server's user can read. */
export async function writeServerFile(file: string, text: string): Promise<void> {
  await writeFile(file, text);
  await giveToServer(file, 0o644);
}

/** Lets only the server's user, besides root, read an existing file. */
export async function giveFileToServer(file: string): Promise<void> {
  await giveToServer(file, 0o600);
}

/**
 * Where servers may keep the data of the given folder: in that folder itself if the server's user
 * can reach it, else in a folder of the system's temporary folder that is named after it.
 */
export async function reachableFolder(folder: string): Promise<string> {
  if (!isRoot() || (await obstacleOnTheWay(folder)) === undefined) return folder;
  const hash = createHash("sha256")
    .update(resolve(folder))
    .digest("hex")
    .slice(0, PATH_HASH_LENGTH);
  return join(tmpdir(), `sluice-data-${hash}`);
}

// Root's umask may keep everybody else out of new folders; those that were there keep their mode.
async function makeEnterable(folder: string): Promise<void> {
  const firstMade = await mkdir(folder, { recursive: true });
  if (firstMade === undefined || !isRoot()) return;
  for (let at = resolve(folder); at !== dirname(firstMade); at = dirname(at))
    await chmod(at, 0o755);
}

async function giveToServer(path: string, mode: number): Promise<void> {
  if (!isRoot()) return;
  const { uid, gid } = await ordinaryUser();
  await chmod(path, mode);
  await chown(path, uid, gid);
}

// The first folder, from the root down, that does not exist yet ends the way.
async function obstacleOnTheWay(folder: string): Promise<string | undefined> {
  const parents: string[] = [];
  for (let at = resolve(folder); at !== dirname(at); at = dirname(at)) parents.unshift(at);
  for (const parent of parents.filter((path) => path !== resolve(folder))) {
    const status = await stat(parent).catch(() => undefined);
    if (status === undefined) return undefined;
    if ((status.mode & 0o001) === 0) return parent;
  }
  return undefined;
}

async function ordinaryUser(): Promise<{ uid: number; gid: number }> {
  const users = await readFile("/etc/passwd", "utf8");
  const fields = users.split("\n").map((line) => line.split(":"));
  const [, , uid, gid] = fields.find(([name]) => name === USER_NAME) ?? [];
  if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  throw new Error(
    `There is no user "${USER_NAME}" in /etc/passwd to run servers as. Start Sluice as an ordinary user.`,
  );
}

function findSetpriv(): string | undefined {
  if (process.platform !== "linux") return undefined;
  const folders = (process.env.PATH ?? "").split(delimiter).concat("/usr/bin", "/bin");
  return folders
    .map((folder) => join(folder, "setpriv"))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
