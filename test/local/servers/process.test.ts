// Tests that processes are recognised and ended, and that a stranger's is left alone.
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  describeProcess,
  endProcess,
  endRecorded,
  findMarked,
  isOurs,
} from "../../../local/servers/process.ts";
import { scratchFolder, until } from "./scratch.ts";

const graceSeconds = 5;

describe("describeProcess", () => {
  test("shows the command line, group and memory of a process", () => {
    const own = describeProcess(process.pid);
    expect(own?.pid).toBe(process.pid);
    expect(own?.commandLine).toContain("node");
    expect(own?.residentBytes).toBeGreaterThan(1024 * 1024);
  });

  test("knows nothing of a process that has ended", async () => {
    const child = await startScript("");
    await ended(child);
    expect(describeProcess(pidOf(child))).toBeUndefined();
  });
});

describe("isOurs", () => {
  test("recognises a process by a path among its arguments, but not by a part of a name", async () => {
    const folder = scratchFolder();
    const child = await startScript("setInterval(() => 0, 1000)", [`--data=${folder}/one/data`]);
    const pid = pidOf(child);
    expect(isOurs(pid, `${folder}/one`)).toBe(true);
    expect(isOurs(pid, `${folder}/one/data`)).toBe(true);
    expect(isOurs(pid, `${folder}/on`)).toBe(false);
    expect(isOurs(pid, `${folder}/two`)).toBe(false);
    expect(findMarked(`${folder}/one`)?.pid).toBe(pid);
    expect(findMarked(`${folder}/two`)).toBeUndefined();
  });
});

describe("endProcess", () => {
  test("ends a process that obeys", async () => {
    const child = await startScript("setInterval(() => 0, 1000)");
    await endProcess(pidOf(child), { graceSeconds });
    expect(child.signalCode ?? (await ended(child))).toBe("SIGTERM");
  });

  test("kills a process that does not obey", async () => {
    const child = await startScript("process.on('SIGTERM', () => 0); setInterval(() => 0, 1000)");
    await endProcess(pidOf(child), { graceSeconds: 0.2 });
    expect(child.signalCode ?? (await ended(child))).toBe("SIGKILL");
  });

  test("ends what the process has started, even when the process itself has ended", async () => {
    const pidFile = join(scratchFolder(), "pid");
    const child = await startScript(
      `const sleeper = require("node:child_process").spawn("sleep", ["1000"], { stdio: "ignore" });
       require("node:fs").writeFileSync(${JSON.stringify(pidFile)}, String(sleeper.pid));
       sleeper.unref();`,
    );
    await ended(child);
    const sleeper = Number(readFileSync(pidFile, "utf8"));
    expect(describeProcess(sleeper)?.group).toBe(pidOf(child));
    await endProcess(pidOf(child), { graceSeconds });
    expect(describeProcess(sleeper)).toBeUndefined();
  });

  test("has nothing to do for a process that is gone", async () => {
    const child = await startScript("");
    await ended(child);
    await expect(endProcess(pidOf(child), { graceSeconds })).resolves.toBeUndefined();
  });
});

describe("endRecorded", () => {
  test("leaves a process alone that only has the recorded id", async () => {
    const child = await startScript("setInterval(() => 0, 1000)", ["/data/other"]);
    const record = { pid: pidOf(child), marker: "/data/recorded", stopSignal: "SIGTERM" } as const;
    expect(await endRecorded(record, graceSeconds)).toBe(false);
    expect(describeProcess(record.pid)).toBeDefined();
  });

  test("ends the recorded process with its own signal", async () => {
    const child = await startScript("setInterval(() => 0, 1000)", ["/data/recorded"]);
    const record = { pid: pidOf(child), marker: "/data/recorded", stopSignal: "SIGINT" } as const;
    expect(await endRecorded(record, graceSeconds)).toBe(true);
    expect(child.signalCode ?? (await ended(child))).toBe("SIGINT");
  });
});

// The script has begun to run when this returns, so that its signal handlers are in place.
async function startScript(script: string, args: readonly string[] = []): Promise<ChildProcess> {
  const folder = scratchFolder();
  const file = join(folder, "script.cjs");
  const begun = join(folder, "begun");
  const announce = `require("node:fs").writeFileSync(${JSON.stringify(begun)}, "")`;
  writeFileSync(file, `${script};\n${announce};`);
  const child = spawn(process.execPath, [file, ...args], { detached: true, stdio: "ignore" });
  onTestFinished(() => endProcess(pidOf(child), { graceSeconds: 0 }));
  await until("the script runs", () => existsSync(begun));
  return child;
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error("The script was not started.");
  return child.pid;
}

async function ended(child: ChildProcess): Promise<NodeJS.Signals | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.signalCode;
  return new Promise((resolve) => {
    child.on("exit", (_, signal) => {
      resolve(signal);
    });
  });
}
