// Provides an archive of the classes that Spark loads, with which a Glue job starts in two thirds of the time.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder, ensureFolder, toolLog, type Report } from "./cache.ts";
import { findJava } from "./prerequisites.mjs";
import type { PythonEnvironment } from "./python-environment.ts";
import { runCommand, ToolchainError } from "./run-command.ts";

const NAME = "spark-classes";
const PACKAGE_FOLDER = fileURLToPath(new URL("../../emulator", import.meta.url));
const programs = ["spark_classes.py", "spark_training.py"];

/**
 * The archive, or undefined where this Java cannot write one: Spark then starts as it does without.
 * @param sparkJars the folder of {@link import("./spark-jars.ts").ensureSparkJars}
 */
export async function ensureSparkClasses(
  python: PythonEnvironment,
  sparkJars: string,
  report: Report,
): Promise<string | undefined> {
  const java = findJava();
  try {
    const folder = await ensureFolder(
      {
        name: NAME,
        // An archive is good for one build of Java, and for jars at one path.
        definition: [
          java,
          await readFile(join(java, "release"), "utf8").catch(() => "no description"),
          python.folder,
          sparkJars,
          ...(await Promise.all(
            programs.map((file) => readFile(join(PACKAGE_FOLDER, "emulator", file), "utf8")),
          )),
        ],
        parent: cacheFolder(),
        make: async (folder) => {
          report("writing an archive of Spark's classes, to start it faster from then on …");
          await write(python.python, sparkJars, java, join(folder, "spark.jsa"));
        },
      },
      report,
    );
    return join(folder, "spark.jsa");
  } catch (error) {
    if (!(error instanceof ToolchainError)) throw error;
    report(`Spark will start more slowly, without an archive of its classes: ${error.message}`);
    return undefined;
  }
}

async function write(
  python: string,
  sparkJars: string,
  java: string,
  archive: string,
): Promise<void> {
  await runCommand({
    what: "Writing an archive of Spark's classes",
    program: python,
    args: [
      ...["-m", "emulator.spark_classes"],
      ...["--spark-python", python, "--spark-jars", sparkJars, "--archive", archive],
    ],
    logFile: toolLog(NAME),
    env: { ...process.env, JAVA_HOME: java, PYTHONPATH: PACKAGE_FOLDER },
  });
}
