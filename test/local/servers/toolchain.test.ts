// Tests that tools are made once, whole or not at all, and that a failure shows its log.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { cacheFolder, ensureFolder, type Recipe } from "../../../local/toolchain/cache.ts";
import { withLock } from "../../../local/toolchain/lock.mjs";
import { runCommand } from "../../../local/toolchain/run-command.ts";
import { ensureSparkClasses } from "../../../local/toolchain/spark-classes.ts";
import { scratchFolder } from "./scratch.ts";

describe("cacheFolder", () => {
  test("follows SLUICE_CACHE, then XDG_CACHE_HOME, then the home folder", () => {
    expect(cacheFolder({ SLUICE_CACHE: "/a", XDG_CACHE_HOME: "/b" })).toBe("/a");
    expect(cacheFolder({ XDG_CACHE_HOME: "/b" })).toBe("/b/sluice");
    expect(cacheFolder({})).toMatch(/\/\.cache\/sluice$/);
  });
});

describe("ensureFolder", () => {
  test("makes a tool once for all callers at the same time", async () => {
    const parent = scratchFolder();
    let made = 0;
    const recipe: Recipe = {
      name: "tool",
      definition: ["1"],
      parent,
      make: (folder) => {
        made++;
        writeFileSync(join(folder, "file"), "content");
        return Promise.resolve();
      },
    };
    const folders = await Promise.all([1, 2, 3].map(() => ensureFolder(recipe, console.log)));
    expect(new Set(folders).size).toBe(1);
    expect(made).toBe(1);
    expect(readFileSync(join(folders[0] ?? "", "file"), "utf8")).toBe("content");
    const other = await ensureFolder({ ...recipe, definition: ["2"] }, console.log);
    expect(other).not.toBe(folders[0]);
  });

  test("leaves nothing behind when making it fails", async () => {
    const parent = scratchFolder();
    const recipe: Recipe = {
      name: "tool",
      definition: [],
      parent,
      make: (folder) => {
        writeFileSync(join(folder, "half"), "");
        return Promise.reject(new Error("no network"));
      },
    };
    await expect(ensureFolder(recipe, console.log)).rejects.toThrow("no network");
    expect(readdirSync(parent)).toEqual([]);
  });
});

describe("withLock", () => {
  test("takes over the lock of a process that is gone", async () => {
    const file = join(scratchFolder(), "lock");
    writeFileSync(file, "4194999 12345\n");
    expect(await withLock(file, () => Promise.resolve("done"))).toBe("done");
    expect(existsSync(file)).toBe(false);
  });

  test("takes over a lock whose process id another process has now", async () => {
    const file = join(scratchFolder(), "lock");
    writeFileSync(file, `${process.pid} 12345\n`);
    expect(await withLock(file, () => Promise.resolve("done"))).toBe("done");
  });

  test("lets one at a time in, and says whom the others wait for", async () => {
    const file = join(scratchFolder(), "lock");
    const waitedFor: number[] = [];
    let inside = 0;
    let mostInside = 0;
    const work = async (): Promise<void> => {
      mostInside = Math.max(mostInside, ++inside);
      await new Promise((resolve) => setTimeout(resolve, 50));
      inside--;
    };
    const onWait = (pid: number): void => void waitedFor.push(pid);
    await Promise.all([1, 2, 3].map(() => withLock(file, work, { onWait })));
    expect(mostInside).toBe(1);
    expect(waitedFor).toContain(process.pid);
  });

  test("gives up on a living holder at the deadline", async () => {
    const file = join(scratchFolder(), "lock");
    const inner = (): Promise<void> =>
      withLock(file, () => Promise.resolve(), { deadlineSeconds: 0 });
    await expect(withLock(file, inner)).rejects.toThrow(`Process ${process.pid} has held ${file}`);
  });
});

describe("runCommand", () => {
  test("shows the end of the output and where all of it is", async () => {
    const logFile = join(scratchFolder(), "logs", "tool.log");
    const args = ["-c", "seq 1 100; echo 'no such artifact' >&2; exit 3"];
    const run = runCommand({ what: "Downloading a tool", program: "sh", args, logFile });
    await expect(run).rejects.toThrow(/^Downloading a tool failed: sh exited with 3\./);
    await expect(run).rejects.toThrow(/ {4}100\n {4}no such artifact\nThe whole log: .*tool\.log$/);
    await expect(run).rejects.not.toThrow(/^ {4}50$/m);
  });

  test("says when the program is missing", async () => {
    const logFile = join(scratchFolder(), "tool.log");
    const run = runCommand({ what: "Unpacking", program: "/no/such/program", args: [], logFile });
    await expect(run).rejects.toThrow("/no/such/program could not be started");
  });
});

describe("ensureSparkClasses", () => {
  afterEach(() => vi.unstubAllEnvs());

  test("says that Spark starts more slowly where no archive can be written, and goes on", async () => {
    const cache = scratchFolder();
    vi.stubEnv("SLUICE_CACHE", cache);
    const said: string[] = [];
    const python = { folder: "/no/such", python: "/no/such/python", sparkHome: "/no/such/spark" };
    const report = (line: string): void => void said.push(line);
    expect(await ensureSparkClasses(python, "/no/such/jars", report)).toBeUndefined();
    expect(said.join("\n")).toMatch(
      /Spark will start more slowly, .*\/no\/such\/python could not be started/,
    );
    expect(readdirSync(cache).filter((name) => name.startsWith("spark-classes"))).toEqual([]);
  });
});
