// Ending a stack on one machine: by Ctrl-C, and when its supervisor was killed. Nothing that it started is left.
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeEach, expect, test } from "vitest";
import { findMarked } from "../../local/servers/process.ts";
import { reachableFolder } from "../../local/servers/unprivileged.ts";
import { progressFile, readRunning } from "../../local/state.ts";
import { sluice, startSluice } from "../pipeline/sluice.ts";

const patienceMillis = 240_000;
// A stack with nothing in it takes a second or two; the rest is for a busy machine.
const promptlyMillis = 30_000;
// No server listens there, and no request is sent before a run: so none of these servers is started.
const elsewhere = [
  ...["--elasticsearch", "http://reader:not-shown@127.0.0.1:1"],
  ...["--cassandra", "reader:not-shown@127.0.0.1:1/datacenter1"],
];

let folder: string;
const folders: string[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-interrupt-"));
  folders.push(folder);
});

afterAll(() => {
  for (const one of folders) rmSync(one, { recursive: true, force: true });
});

async function until(what: string, holds: () => boolean, millis = patienceMillis): Promise<void> {
  const deadline = Date.now() + millis;
  while (!holds()) {
    if (Date.now() > deadline)
      throw new Error(`did not happen within ${String(millis / 1000)} s: ${what}`);
    await delay(50);
  }
}

const progress = (): string =>
  existsSync(progressFile(folder)) ? readFileSync(progressFile(folder), "utf8") : "";

/** The command line of a living process that belongs to the stack. */
async function leftOver(): Promise<string | undefined> {
  const data = await reachableFolder(join(folder, "data"));
  return (findMarked(data) ?? findMarked(folder))?.commandLine;
}

async function expectNothingLeft(): Promise<void> {
  expect(await leftOver()).toBeUndefined();
  for (const name of ["running.json", "options.json"])
    expect(existsSync(join(folder, name)), name).toBe(false);
}

test.for([
  ["servers start", [], "PostgreSQL is ready"],
  ["it is deployed", elsewhere, "synthesizing the CDK app"],
] as const)(
  "Ctrl-C while %s ends all of it soon, says so, and exits with 130",
  async ([, options, line]) => {
    const run = startSluice(folder, ["run", ...options]);
    await until(line, () => progress().includes(line));
    expect(await leftOver()).toBeDefined();
    const from = Date.now();
    process.kill(run.pid, "SIGINT");
    const { code, stderr } = await run.ended;
    expect(Date.now() - from).toBeLessThan(promptlyMillis);
    expect(code).toBe(130);
    expect(stderr).toContain("SIGINT: ending what was started …");
    expect(stderr.trimEnd()).toMatch(/sluice: interrupted \(SIGINT\)$/);
    await expectNothingLeft();
  },
);

test("a second Ctrl-C does not wait, and the stack ends by itself", async () => {
  const run = startSluice(folder, ["run"]);
  await until("a server is ready", () => progress().includes("PostgreSQL is ready"));
  process.kill(run.pid, "SIGINT");
  await until("it ends the stack", () => run.output().includes("ending the local stack"));
  process.kill(run.pid, "SIGINT");
  const { code } = await run.ended;
  expect(code).toBe(130);
  const deadline = Date.now() + promptlyMillis;
  while ((await leftOver()) !== undefined) {
    expect(Date.now(), "the stack is still there").toBeLessThan(deadline);
    await delay(50);
  }
  expect((await sluice(folder, "down")).code).toBe(0);
  await expectNothingLeft();
});

test("down ends what a killed supervisor left, and up works again", async () => {
  const first = await sluice(folder, "up", ...elsewhere);
  expect(first.code, first.stderr).toBe(0);
  expect(first.stdout).toContain("http://127.0.0.1:1");
  for (const text of [first.stdout, first.stderr, progress()])
    expect(text).not.toContain("not-shown");
  // It holds the password, which the secrets need.
  expect(statSync(join(folder, "running.json")).mode & 0o077).toBe(0);
  expect(statSync(join(folder, "options.json")).mode & 0o077).toBe(0);
  const running = readRunning(folder);
  if (running === undefined) throw new Error("up left nothing that runs");
  process.kill(running.pid, "SIGKILL");
  const down = await sluice(folder, "down");
  expect(down.code, down.stderr).toBe(0);
  await expectNothingLeft();

  const second = await sluice(folder, "up", ...elsewhere);
  expect(second.code, second.stderr).toBe(0);
  expect(readRunning(folder)?.status).toBe("ready");
  expect((await sluice(folder, "down")).code).toBe(0);
  await expectNothingLeft();
});

test("another password is given to a running stack, but no other choice and no server in place of its own", async () => {
  expect((await sluice(folder, "up", ...elsewhere)).code).toBe(0);
  const other = elsewhere.map((text) => text.replace("not-shown", "changed"));
  const again = await sluice(folder, "up", ...other);
  expect(again.code, again.stderr).toBe(0);
  expect(again.stdout).toContain(
    "the secrets of the elasticsearch sources hold what was typed now",
  );
  expect(readRunning(folder)?.secrets.cassandra?.password).toBe("changed");
  const choice = await sluice(folder, "up", "--set", "schedule=off");
  expect(choice.code).toBe(1);
  expect(choice.stderr).toMatch(
    /A stack runs already, with "rate\(1 hour\)" for schedule; .*End it first/,
  );
  expect((await sluice(folder, "down")).code).toBe(0);
  await expectNothingLeft();
});
