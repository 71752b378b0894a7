// The package as a team gets it: installed from its file into an empty folder, on a machine with an empty home, it makes
// a project, and a live index becomes a table of the warehouse.
import { execFile, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { QUICK_START } from "../../cli/commands/demo.ts";
import { findMarked } from "../../local/servers/process.ts";
import { reachableFolder } from "../../local/servers/unprivileged.ts";
import { ENGINE_FOLDER, readRunning } from "../../local/state.ts";
import { cacheFolder } from "../../local/toolchain/cache.ts";
import { buildPackage } from "../../package/build.ts";
import { Cluster } from "../sources/elasticsearch/cluster.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-package-"));
const project = join(folder, "warehouse");
const state = join(folder, "state");
const home = join(folder, "home");
// Nothing of the table is in Cassandra, and no request is sent before a run: so no Cassandra is started.
const NO_CASSANDRA = "127.0.0.1:1/datacenter1";

interface Finished {
  readonly code: number;
  readonly stdout: string;
  /** Both streams. */
  readonly output: string;
}

/** What npm needs to know of the network, and nothing else that it or `npm test` has set. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) =>
      !/^(npm_|INIT_CWD$|SLUICE_|XDG_|VITEST|NODE_)/i.test(name) ||
      /^npm_config_(registry|cafile|(https?-|https?_|no)?proxy|strict.ssl)$/i.test(name) ||
      /^NODE_(EXTRA_CA_CERTS|USE_ENV_PROXY)$/.test(name),
  );
  const programs = (process.env.PATH ?? "")
    .split(delimiter)
    .filter((path) => !path.startsWith(ENGINE_FOLDER));
  return {
    ...Object.fromEntries(kept),
    PATH: programs.join(delimiter),
    HOME: home,
    npm_config_cache: spawnSync("npm", ["config", "get", "cache"], {
      encoding: "utf8",
    }).stdout.trim(),
    SLUICE_CACHE: cacheFolder(),
    SLUICE_STATE: state,
    SLUICE_OWNER_PID: String(process.pid),
    SLUICE_SPARK_JAVA_OPTIONS: QUICK_START,
  };
}

const secretSchema = z.object({ nodes: z.array(z.string()) });

let env: NodeJS.ProcessEnv;

async function run(program: string, ...args: string[]): Promise<Finished> {
  return new Promise((resolve) => {
    execFile(program, args, { cwd: project, env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ code, stdout, output: stdout + stderr });
    });
  });
}

/** @throws AssertionError with all that was said, if it failed */
async function succeed(program: string, ...args: string[]): Promise<string> {
  const { code, stdout, output } = await run(program, ...args);
  expect(code, `${program} ${args.join(" ")}\n${output}`).toBe(0);
  return stdout;
}

const install = ["install", "--no-fund", "--no-audit", "--prefer-offline"] as const;

beforeAll(async () => {
  mkdirSync(project);
  mkdirSync(home);
  const settings = join(homedir(), ".npmrc");
  if (existsSync(settings)) copyFileSync(settings, join(home, ".npmrc"));
  env = environment();
  // `npm test` checks the types of all code beside this.
  const archive = buildPackage(folder, false);
  await succeed("npm", ...install, archive);
});

afterAll(async () => {
  if (existsSync(state)) await run("npx", "sluice", "down");
  for (const path of [folder, await reachableFolder(join(state, "data"))])
    rmSync(path, { recursive: true, force: true });
});

test("the package holds no tests, examples or TypeScript but declarations", async () => {
  const found = await succeed("find", join(project, "node_modules/sluice"), "-type", "f");
  const files = found.split("\n").map((file) => file.replace(/.*node_modules\/sluice\//, ""));
  expect(files).toContain("bundles/extract/index.mjs");
  expect(
    files.filter(
      (file) =>
        !file.startsWith("cli/project-template/") &&
        (/^(test|bench|examples)\/|\.test\.|\.pyc$/.test(file) || /(?<!\.d)\.ts$/.test(file)),
    ),
  ).toEqual([]);
});

test("outside of a project a command says what is missing", async () => {
  const { code, output } = await run("npx", "sluice", "discover", "search", "orders");
  expect(code).toBe(1);
  expect(output).toContain("is not in a Sluice project");
  expect(output).toContain("npx sluice init FOLDER");
});

test("it makes a project, and writes over none", async () => {
  const said = await succeed("npx", "sluice", "init", ".", "--source", "search=elasticsearch");
  expect(said).toContain("npx sluice discover search INDEX --write");
  await succeed("npm", ...install);
  const again = await run("npx", "sluice", "init", ".");
  expect(again.code).toBe(1);
  expect(again.output).toContain("left as they are");
});

test("a live index becomes a table of the project, whose templates cdk-nag accepts, and of the warehouse", async () => {
  // With a catalog that is empty but for a source.
  await succeed("npx", "sluice", "up", "--cassandra", NO_CASSANDRA);
  const [address = ""] = secretSchema.parse(readRunning(state)?.secrets.elasticsearch).nodes;
  const cluster = new Cluster(address);
  const index = await cluster.makeIndex({
    order_id: { type: "keyword" },
    total: { type: "double" },
    updated_at: { type: "date" },
  });
  const orders = ["a", "b", "c"].map((id, at) => ({
    id,
    json: JSON.stringify({ order_id: id, total: at + 0.5, updated_at: "2026-01-01T00:00:00Z" }),
  }));
  await cluster.index(index, orders);
  await succeed("npx", "sluice", "discover", "search", index, "--name", "orders", "--write");
  expect(readFileSync(join(project, "catalog/index.ts"), "utf8")).toContain("tables: [orders]");
  const [synthesis] = await Promise.all([
    run("npx", "cdk", "synth", "--quiet", "-c", "deployment=dev", "-c", "nag=true"),
    succeed("npm", "test"),
    succeed("npx", "sluice", "run"),
  ]);
  expect(synthesis.code, synthesis.output).toBe(0);
  expect(synthesis.output).not.toMatch(/AwsSolutions-|Bundling/);
  const sql = "select order_id, total from mart.orders order by order_id";
  const answer = await succeed("npx", "sluice", "query", sql, "--json");
  expect(z.object({ rows: z.unknown() }).parse(JSON.parse(answer)).rows).toEqual([
    ["a", 0.5],
    ["b", 1.5],
    ["c", 2.5],
  ]);
  expect(await succeed("npx", "sluice", "status")).toContain("orders");
});

test("`down` leaves nothing running", async () => {
  await succeed("npx", "sluice", "down");
  expect(
    (findMarked(await reachableFolder(join(state, "data"))) ?? findMarked(folder))?.commandLine,
  ).toBeUndefined();
  expect(existsSync(join(state, "running.json"))).toBe(false);
});
