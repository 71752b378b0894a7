#!/usr/bin/env node
// Enters Sluice under any Node from 18: checks the machine, in the repository installs what npm brings,
// and goes on under Node 24. It must not import anything from node_modules.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { withLock } from "../local/toolchain/lock.mjs";
import { checkNode, missingPrerequisites } from "../local/toolchain/prerequisites.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
// npm puts no lock file into a package.
const isRepository = existsSync(join(root, "package-lock.json"));
const modules = isRepository ? join(root, "node_modules") : packageModules();
const programs = join(modules, ".bin");
const node24 = join(programs, "node");
const main = join(root, "cli", isRepository ? "repository.ts" : "main.js");
// It lies in node_modules, so whatever removes those removes it as well.
const stampFile = join(modules, ".sluice-installed");
// These only look at what is there.
const commandsWithoutServers = ["--version", "help", "status", "query", "down", "discover", "init"];

try {
  const args = process.argv.slice(2);
  checkMachine(args);
  if (isRepository) await install();
  checkNode24();
  goOn(args);
} catch (error) {
  console.error(`sluice: ${error.message}`);
  process.exitCode = 1;
}

/** The node_modules into which npm put Node 24 for the package. */
function packageModules() {
  try {
    const manifest = createRequire(import.meta.url).resolve("node/package.json");
    return dirname(dirname(manifest));
  } catch {
    // checkNode24 says what is missing.
    return join(root, "node_modules");
  }
}

function checkMachine(args) {
  checkNode(process.versions.node);
  if (!startsServers(args)) return;
  const [command] = args;
  const problems = missingPrerequisites();
  if (problems.length > 0) {
    throw new Error(
      `this machine lacks what "${command}" needs:\n` +
        problems.map((text) => `  - ${text}`).join("\n"),
    );
  }
}

/** False if Node alone does: nothing is started on this machine for a deployment in AWS, or for help. */
function startsServers(args) {
  const [command] = args;
  if (command === undefined || commandsWithoutServers.includes(command)) return false;
  const end = args.indexOf("--");
  const options = end < 0 ? args : args.slice(0, end);
  return !options.some((arg) => /^--deployed(=|$)/.test(arg) || arg === "--help" || arg === "-h");
}

async function install() {
  if (isInstalled()) return;
  await withLock(
    join(root, ".sluice", "install.lock"),
    async () => {
      if (!isInstalled()) npmCi();
    },
    {
      onWait: (pid) =>
        console.error(`Waiting for process ${pid}, which is installing the packages …`),
    },
  );
}

function isInstalled() {
  return existsSync(stampFile) && readFileSync(stampFile, "utf8") === wantedStamp();
}

function wantedStamp() {
  const { allowScripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .update(JSON.stringify(allowScripts ?? null))
    .digest("hex");
}

function npmCi() {
  console.error("Installing the npm packages (npm ci; about half a minute) …");
  const stamp = wantedStamp();
  const npm = spawnSync("npm", ["ci", "--no-fund", "--no-audit"], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 64 * 1024 * 1024,
  });
  if (npm.error?.code === "ENOENT") {
    throw new Error("npm is needed and is not on PATH. It comes with Node: https://nodejs.org");
  }
  if (npm.status !== 0) {
    const reason =
      npm.error?.message ?? (npm.signal === null ? `exit code ${npm.status}` : npm.signal);
    throw new Error(
      `npm ci failed (${reason}) in ${root}:\n${npm.stdout ?? ""}${npm.stderr ?? ""}`,
    );
  }
  writeFileSync(stampFile, stamp);
}

function checkNode24() {
  const { stdout } = spawnSync(node24, ["--version"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const version = (stdout ?? "").trim();
  if (version.startsWith("v24.")) return;
  throw new Error(
    `${node24} should be Node 24, but ${version === "" ? "is missing or does not run" : `is ${version}`}. ` +
      'The npm package "node" brings it in an install script, and npm has skipped those ' +
      "(ignore-scripts in an .npmrc or NPM_CONFIG_IGNORE_SCRIPTS?). " +
      `Allow them for this project: cd ${dirname(modules)} && npm rebuild --ignore-scripts=false`,
  );
}

function goOn(args) {
  const child = spawn(node24, [main, ...args], {
    stdio: "inherit",
    env: { ...process.env, PATH: `${programs}${delimiter}${process.env.PATH ?? ""}` },
  });
  passSignalsTo(child);
  child.on("error", (error) => {
    console.error(`sluice: cannot start ${node24}: ${error.message}`);
    process.exitCode = 1;
  });
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
  });
}

// A terminal sends its signals to both processes, and the child should get each only once.
function passSignalsTo(child) {
  const atTerminal = [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY);
  const forward = (signal) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
  };
  process.on("SIGTERM", forward);
  process.on("SIGINT", atTerminal ? () => undefined : forward);
  process.on("SIGHUP", atTerminal ? () => undefined : forward);
}
