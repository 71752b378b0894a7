// Tests the entry in a checkout of its own, with stand-ins for npm, Python, Java and Maven.
import { spawn, spawnSync, type SpawnSyncReturns } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { scratchFolder, until } from "./scratch.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const copied = [
  "cli/enter.mjs",
  "local/toolchain/lock.mjs",
  "local/toolchain/prerequisites.mjs",
] as const;

describe("the machine's prerequisites", () => {
  test("each one that is missing is named with its fix", () => {
    const checkout = new Checkout();
    const { status, stderr } = checkout.enter(["demo"]);
    expect(status).toBe(1);
    expect(stderr).toContain('this machine lacks what "demo" needs');
    expect(stderr).toMatch(
      /Python 3\.11 .* is needed .*found no Python on PATH.*apt install python3\.11/,
    );
    expect(stderr).toMatch(/Java 17 .* is needed .*found no java on PATH.*JAVA_HOME/);
    expect(stderr).toMatch(/Maven is needed .*found no mvn on PATH.*apt install maven/);
    expect(checkout.npmCalls()).toBe(0);
  });

  test("what was found in their place is named with its version and path", () => {
    const checkout = new Checkout();
    checkout.program("python3", 'echo "3.12"');
    checkout.program("java", 'echo "    java.version = 21.0.2" >&2');
    checkout.program("mvn", "");
    const { stderr } = checkout.enter(["demo"]);
    expect(stderr).toContain(`found Python 3.12 (${checkout.programs}/python3)`);
    expect(stderr).toContain(`found Java 21.0.2 (${checkout.programs}/java)`);
    expect(stderr).not.toContain("Maven is needed");
  });

  test("a Python without venv and a Java without compiler do not do", () => {
    const checkout = new Checkout();
    checkout.program("python3.11", 'echo "3.11"; exit 1');
    const home = join(checkout.folder, "jre");
    mkdirSync(join(home, "bin"), { recursive: true });
    checkout.program("java", "");
    copyFileSync(join(checkout.programs, "java"), join(home, "bin", "java"));
    writeFileSync(join(home, "release"), 'JAVA_VERSION="17.0.9"\n');
    const { stderr } = checkout.enter(["demo"], { JAVA_HOME: home });
    expect(stderr).toContain("found Python 3.11 without its venv module");
    expect(stderr).toContain(`found Java 17.0.9 without javac (${home})`);
  });

  test("a Python that Ctrl-C ends while it is asked is not passed over for the next one", () => {
    const checkout = new Checkout();
    checkout.program("python3.11", "kill -TERM $$");
    checkout.program("python3", 'echo "3.11"');
    checkout.program("mvn", "");
    const { stderr } = checkout.enter(["demo"]);
    expect(stderr).toContain(`${checkout.programs}/python3.11 was ended by SIGTERM`);
  });

  test("a JAVA_HOME that leads nowhere is named", () => {
    const { stderr } = new Checkout().enter(["demo"], { JAVA_HOME: "/no/java" });
    expect(stderr).toContain("JAVA_HOME is /no/java, but /no/java/bin/java is not a program");
  });

  test("commands that only look need none of them", () => {
    for (const command of ["--help", "--version", "status", "query", "down", "discover", "init"]) {
      const { status, stdout } = new Checkout().enter([command]);
      expect(stdout).toContain(`main ["${command}"]`);
      expect(status).toBe(0);
    }
  });

  test.each([
    [["run", "--deployed", "prod"]],
    [["run", "companies", "--json", "--deployed=prod"]],
    [["discover", "search", "companies-*", "--deployed", "prod"]],
    [["discover", "--drift", "--deployed=prod"]],
    [["run", "--help"]],
    [["demo", "-h"]],
  ])("%j needs Node alone", (args) => {
    const { status, stdout, stderr } = new Checkout().enter(args);
    expect(stderr).not.toContain("is needed");
    expect(stdout).toContain(`main ${JSON.stringify(args)}`);
    expect(status).toBe(0);
  });

  test.each([[["run"]], [["run", "--", "--deployed"]], [["run", "deployed"]]])(
    "%j starts servers, and needs what they need",
    (args) => {
      const { status, stderr } = new Checkout().enter(args);
      expect(stderr).toContain('this machine lacks what "run" needs');
      expect(status).toBe(1);
    },
  );
});

describe("the installation", () => {
  test("is done once, and again only when the lock file or the allowed scripts change", () => {
    const checkout = new Checkout();
    const first = checkout.enter(["status"]);
    expect(first.stderr).toContain("Installing the npm packages");
    expect(first.stderr).not.toContain("chatter of npm");
    expect(checkout.enter(["status"]).stderr).toBe("");
    expect(checkout.npmCalls()).toBe(1);
    writeFileSync(join(checkout.folder, "package-lock.json"), '{"changed":true}');
    checkout.enter(["status"]);
    expect(checkout.npmCalls()).toBe(2);
    writeFileSync(
      join(checkout.folder, "package.json"),
      '{"type":"module","allowScripts":{"node":false}}',
    );
    checkout.enter(["status"]);
    expect(checkout.npmCalls()).toBe(3);
    rmSync(join(checkout.folder, "node_modules"), { recursive: true });
    checkout.enter(["status"]);
    expect(checkout.npmCalls()).toBe(4);
  });

  test("is done once for two that start at the same time", async () => {
    const checkout = new Checkout();
    const both = await Promise.all([checkout.start(["status"]), checkout.start(["status"])]);
    expect(both).toEqual([0, 0]);
    expect(checkout.npmCalls()).toBe(1);
  });

  test("shows npm's output when it fails, and is tried again the next time", () => {
    const checkout = new Checkout();
    checkout.program("npm", 'echo "out of registry"; echo "npm error 404" >&2; exit 7');
    const { status, stderr } = checkout.enter(["status"]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/npm ci failed \(exit code 7\)[^]*out of registry[^]*npm error 404/);
    expect(checkout.enter(["status"]).stderr).toContain("npm ci failed");
  });

  test("whose scripts were skipped, so that Node 24 is missing, is explained", () => {
    const checkout = new Checkout();
    checkout.program("npm", "mkdir -p node_modules/.bin");
    const { status, stderr } = checkout.enter(["status"]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/should be Node 24, but is missing/);
    expect(stderr).toContain("npm rebuild --ignore-scripts=false");
  });
});

describe("the way on", () => {
  test("passes arguments, the folder of programs and the exit code on", () => {
    const checkout = new Checkout();
    const { status, stdout } = checkout.enter(["status", "a b", "--exit=3"]);
    expect(stdout).toContain('main ["status","a b","--exit=3"]');
    expect(stdout).toContain(`PATH ${checkout.folder}/node_modules/.bin:`);
    expect(status).toBe(3);
  });

  test("works with a closed stdin", () => {
    const checkout = new Checkout();
    const script = '"$0" "$1" status <&-';
    const args = ["-c", script, process.execPath, join(checkout.folder, "cli", "enter.mjs")];
    const { stdout, status } = spawnSync("/bin/sh", args, {
      encoding: "utf8",
      env: checkout.env(),
    });
    expect(stdout).toContain('main ["status"]');
    expect(status).toBe(0);
  });

  test.each(["SIGTERM", "SIGINT"] as const)(
    "passes %s on and waits for the end",
    async (signal) => {
      const checkout = new Checkout();
      const said = join(checkout.folder, "said");
      const file = join(checkout.folder, "cli", "enter.mjs");
      const child = spawn(process.execPath, [file, "status", `--wait=${said}`], {
        env: checkout.env(),
        stdio: "ignore",
      });
      const code = new Promise((resolve) => child.on("exit", resolve));
      await until("the command waits", () => existsSync(said));
      child.kill(signal);
      expect(await code).toBe(5);
      expect(readFileSync(said, "utf8")).toBe(`got ${signal}`);
    },
  );
});

// What stands in for the real repository.ts: it shows what it was given.
const main = `
import { writeFileSync } from "node:fs";
const args = process.argv.slice(2);
const option = (name) => args.find((arg) => arg.startsWith(name))?.slice(name.length);
console.log("main " + JSON.stringify(args));
console.log("PATH " + process.env.PATH);
const waitFile = option("--wait=");
if (waitFile !== undefined) {
  for (const signal of ["SIGTERM", "SIGINT"]) {
    process.on(signal, () => { writeFileSync(waitFile, "got " + signal); process.exit(5); });
  }
  setInterval(() => 0, 1000);
  writeFileSync(waitFile, "");
}
process.exitCode = Number(option("--exit=") ?? 0);
`;

class Checkout {
  readonly folder = scratchFolder();
  readonly programs = join(this.folder, "programs");

  constructor() {
    for (const folder of ["cli", "local/toolchain", "programs"]) {
      mkdirSync(join(this.folder, folder), { recursive: true });
    }
    for (const file of copied) copyFileSync(join(root, file), join(this.folder, file));
    writeFileSync(join(this.folder, "cli", "repository.ts"), main);
    writeFileSync(join(this.folder, "package.json"), '{"type":"module"}');
    writeFileSync(join(this.folder, "package-lock.json"), "{}");
    for (const name of ["sh", "mkdir", "ln", "rm"]) {
      symlinkSync(realPath(name), join(this.programs, name));
    }
    this.program(
      "npm",
      `echo call >> npm-calls; echo "chatter of npm"
       rm -rf node_modules; mkdir -p node_modules/.bin; ln -s ${process.execPath} node_modules/.bin/node`,
    );
  }

  program(name: string, script: string): void {
    const file = join(this.programs, name);
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
  }

  env(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
    return { PATH: this.programs, ...more };
  }

  enter(args: readonly string[], more: NodeJS.ProcessEnv = {}): SpawnSyncReturns<string> {
    const file = join(this.folder, "cli", "enter.mjs");
    return spawnSync(process.execPath, [file, ...args], { encoding: "utf8", env: this.env(more) });
  }

  async start(args: readonly string[]): Promise<number | null> {
    const file = join(this.folder, "cli", "enter.mjs");
    const child = spawn(process.execPath, [file, ...args], { env: this.env(), stdio: "ignore" });
    return new Promise((resolve) => child.on("exit", resolve));
  }

  npmCalls(): number {
    const file = join(this.folder, "npm-calls");
    return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").length : 0;
  }
}

function realPath(name: string): string {
  const path = [`/usr/bin/${name}`, `/bin/${name}`].find((candidate) => existsSync(candidate));
  if (path === undefined) throw new Error(`This test needs the program ${name}.`);
  return path;
}
