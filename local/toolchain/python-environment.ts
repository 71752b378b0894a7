// Provides the Python environment of the Glue job, the local AWS and their tests.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder, ensureFolder, toolLog, type Report } from "./cache.ts";
import { findPython } from "./prerequisites.mjs";
import { runCommand } from "./run-command.ts";

const REQUIREMENTS = fileURLToPath(new URL("../../requirements.txt", import.meta.url));
const NAME = "python-environment";

/** An environment with everything in requirements.txt. */
export interface PythonEnvironment {
  folder: string;
  /** The path of its Python. */
  python: string;
  /** Where Spark lies in it, for SPARK_HOME. */
  sparkHome: string;
}

/** The environment, made now if it is not there yet. */
export async function ensurePythonEnvironment(report: Report): Promise<PythonEnvironment> {
  const basePython = findPython();
  const folder = await ensureFolder(
    {
      name: NAME,
      // The environment links to the Python that made it.
      definition: [await readFile(REQUIREMENTS, "utf8"), basePython],
      parent: cacheFolder(),
      make: (halfMade, finalFolder) => install(basePython, halfMade, finalFolder, report),
    },
    report,
  );
  return {
    folder,
    python: join(folder, "bin", "python"),
    sparkHome: join(folder, "lib", "python3.11", "site-packages", "pyspark"),
  };
}

async function install(
  basePython: string,
  folder: string,
  finalFolder: string,
  report: Report,
): Promise<void> {
  report("installing the Python packages (Spark among them, 320 MB) …");
  const run = (what: string, program: string, args: readonly string[]): Promise<void> =>
    runCommand({ what, program, args, logFile: toolLog(NAME) });
  await run("Making the Python environment", basePython, ["-m", "venv", folder]);
  await run("Installing the Python packages", join(folder, "bin", "python"), [
    "-m",
    "pip",
    "install",
    "--require-hashes",
    "--no-input",
    "--disable-pip-version-check",
    "--progress-bar=off",
    "--requirement",
    REQUIREMENTS,
  ]);
  await correctPaths(join(folder, "bin"), folder, finalFolder);
}

// The scripts in bin name the folder in which they were made, which is about to be renamed.
async function correctPaths(binFolder: string, from: string, to: string): Promise<void> {
  for (const entry of await readdir(binFolder, { withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(binFolder, entry.name);
    const content = await readFile(file);
    if (content.includes(0) || !content.includes(from)) continue;
    await writeFile(file, content.toString("utf8").replaceAll(from, to));
  }
}
