// `sluice test`: runs every check and test of the project, TypeScript and Python, and counts them over all runners.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { z } from "zod";
import { ENGINE_FOLDER } from "../../local/state.ts";
import { ensureAll } from "../../local/toolchain/ensure-all.ts";
import { readArguments } from "../arguments.ts";
import { REPOSITORY_COMMANDS } from "../commands.ts";
import { Interrupted } from "../interruption.ts";

interface Counts {
  readonly passed: number;
  readonly failed: number;
}

interface Step {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Reads the counts that the runner left; a step without it is one test, passed if it exits with 0. */
  readonly count?: () => Counts;
}

const vitestSchema = z.object({ numPassedTests: z.int(), numFailedTests: z.int() });

function readVitest(file: string): Counts {
  if (!existsSync(file)) return { passed: 0, failed: 1 };
  const result = vitestSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  return { passed: result.numPassedTests, failed: result.numFailedTests };
}

function readJunit(file: string): Counts {
  if (!existsSync(file)) return { passed: 0, failed: 1 };
  const text = readFileSync(file, "utf8");
  const attribute = (name: string): number =>
    Number(new RegExp(`<testsuite [^>]*\\b${name}="(\\d+)"`).exec(text)?.[1] ?? "0");
  const failed = attribute("failures") + attribute("errors");
  return { passed: attribute("tests") - failed - attribute("skipped"), failed };
}

/** Folders whose imports `.dependency-cruiser.mjs` limits. */
const LAYERS = [
  ...["contract", "catalog", "sources", "stores", "functions"],
  ...["lib", "emulator", "local", "cli", "examples", "test"],
];

export async function test(args: string[]): Promise<number> {
  const { values, positionals } = readArguments({
    args,
    options: REPOSITORY_COMMANDS.test.options,
    allowPositionals: true,
  });
  const toolchain = await ensureAll((line) => {
    console.log(line);
  });
  const folder = mkdtempSync(join(tmpdir(), "sluice-test-"));
  mkdirSync(folder, { recursive: true });
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    SLUICE_PYTHON: toolchain.python.python,
    SLUICE_SPARK_JARS: toolchain.sparkJars,
    ...(toolchain.sparkClasses === undefined
      ? {}
      : { SLUICE_SPARK_CLASSES: toolchain.sparkClasses }),
    ...(values.all === true ? { SLUICE_TEST_ALL: "1" } : {}),
  };
  const bin = (name: string): string => join(ENGINE_FOLDER, "node_modules/.bin", name);
  const python = (name: string, module: string[], count?: () => Counts): Step => ({
    name,
    program: toolchain.python.python,
    args: ["-m", ...module],
    ...(count === undefined ? {} : { count }),
  });
  const vitest = (project: string, filters: readonly string[] = []): Step => {
    const file = join(folder, `${project}.json`);
    return {
      name: `${project} tests`,
      program: bin("vitest"),
      args: [
        ...["run", "--project", project, "--passWithNoTests"],
        ...["--reporter=verbose", "--reporter=json", `--outputFile.json=${file}`],
        ...filters,
      ],
      count: () => readVitest(file),
    };
  };
  const pytest = (filters: readonly string[]): Step => {
    const file = join(folder, "pytest.xml");
    return python(
      "python tests",
      ["pytest", "-q", "-p", "no:cacheprovider", `--junitxml=${file}`, ...filters],
      () => readJunit(file),
    );
  };
  const checks: Step[] = [
    { name: "format", program: bin("prettier"), args: ["--check", "--log-level=warn", "."] },
    { name: "types", program: bin("tsc"), args: ["--noEmit"] },
    { name: "lint", program: bin("eslint"), args: ["."] },
    { name: "layers", program: bin("depcruise"), args: ["--output-type", "err", ...LAYERS] },
    { name: "unused code", program: bin("knip"), args: ["--no-progress"] },
    python("python format", ["ruff", "format", "--check", "--no-cache", "--quiet", "."]),
    python("python lint", ["ruff", "check", "--no-cache", "--quiet", "."]),
    python("python types", ["mypy", "glue-jobs", "emulator/emulator", "emulator/tests"]),
    {
      name: "python layers",
      program: join(dirname(toolchain.python.python), "lint-imports"),
      args: ["--no-logo", "--no-cache"],
      env: { PYTHONPATH: ["glue-jobs", "emulator"].join(delimiter) },
    },
  ];
  // All of them wait now and then, for servers that start and for runs: side by side they keep two cores busy. They
  // take about as long as each other, so that no cores stay idle while one of them still runs.
  const lists: Step[][] =
    positionals.length === 0
      ? [
          [vitest("server")],
          [pytest([])],
          [...checks, vitest("unit"), vitest("pipeline"), vitest("stack")],
        ]
      : [
          [
            ...(positionals.some((filter) => !filter.endsWith(".py"))
              ? ["unit", "server", "stack", "pipeline"].map((name) => vitest(name, positionals))
              : []),
            ...(positionals.some((filter) => filter.endsWith(".py"))
              ? [pytest(positionals.filter((filter) => filter.endsWith(".py")))]
              : []),
          ],
        ];
  const isAlone = lists.length === 1;
  const results = await Promise.all(
    lists.map(async (steps) => {
      const all: Counts[] = [];
      for (const step of steps) if (!interrupted) all.push(await runStep(step, env, isAlone));
      return all;
    }),
  );
  const counts = results.flat();
  rmSync(folder, { recursive: true, force: true });
  if (interrupted) throw new Interrupted("the tests were ended");
  const passed = counts.reduce((sum, count) => sum + count.passed, 0);
  const failed = counts.reduce((sum, count) => sum + count.failed, 0);
  console.log(`\n${String(passed)} passed, ${String(failed)} failed`);
  return failed === 0 ? 0 : 1;
}

/** Set when the process was asked to end: the running step is notified, and no other one begins. */
let interrupted = false;

async function runStep(step: Step, env: NodeJS.ProcessEnv, live: boolean): Promise<Counts> {
  const from = Date.now();
  console.log(live ? `\n── ${step.name}` : `── ${step.name}: begun`);
  const child = spawn(step.program, step.args, {
    cwd: ENGINE_FOLDER,
    env: { ...env, ...step.env },
    stdio: ["ignore", live ? "inherit" : "pipe", live ? "inherit" : "pipe"],
  });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => chunks.push(chunk));
  }
  const forward = (signal: NodeJS.Signals): void => {
    interrupted = true;
    child.kill(signal);
  };
  process.on("SIGINT", forward).on("SIGTERM", forward);
  const code = await new Promise<number>((resolve) => {
    child.on("error", () => {
      resolve(127);
    });
    child.on("close", (status) => {
      resolve(status ?? 1);
    });
  });
  process.off("SIGINT", forward).off("SIGTERM", forward);
  const counted = step.count?.() ?? { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1 };
  // A runner that failed although no test did (a broken setup, say) must not count as passed.
  const result =
    code !== 0 && counted.failed === 0 ? { ...counted, failed: counted.failed + 1 } : counted;
  const seconds = ((Date.now() - from) / 1000).toFixed(1);
  const verdict = result.failed === 0 ? "ok" : "FAILED";
  if (!live && chunks.length > 0) {
    console.log(`\n── ${step.name}\n${Buffer.concat(chunks).toString("utf8").trimEnd()}`);
  }
  console.log(
    `── ${step.name}: ${verdict} (${String(result.passed)} passed, ${String(result.failed)} failed, ${seconds} s)`,
  );
  return result;
}
