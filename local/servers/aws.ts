// Starts the local AWS: the emulator, in its Python environment.
import { statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Report } from "../toolchain/cache.ts";
import { ensureSpark } from "../toolchain/ensure-all.ts";
import { lastLines } from "../toolchain/log-tail.ts";
import { findJava } from "../toolchain/prerequisites.mjs";
import { choosePort } from "./free-port.ts";
import { launch, type Server } from "./launch.ts";

const HOST = "127.0.0.1";
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const WATCHED_LINES = 200;

/** How to start the local AWS. */
export interface AwsOptions {
  /** 0 finds a free one. */
  port: number;
  logFolder: string;
  /** Where it keeps what it unpacks; different for each emulator that runs at a time. */
  workFolder: string;
  /** The address of the PostgreSQL that stands in for Redshift. */
  postgresUrl: string;
  /** The folder of the Python package `emulator`; by default Sluice's own. */
  packageFolder?: string;
  /** Variables that the emulator gets besides the few that every server gets. */
  env?: NodeJS.ProcessEnv;
  /** When it fires, the start is given up. */
  interrupted?: AbortSignal;
  report: Report;
}

/** Starts the emulator with nothing deployed in it; the address is the endpoint of all services. */
export async function startAws(options: AwsOptions): Promise<Server> {
  const spark = await ensureSpark(options.report);
  const { python, sparkHome } = spark.python;
  const port = await choosePort("The local AWS", options.port, HOST);
  await mkdir(options.workFolder, { recursive: true });
  await mkdir(options.logFolder, { recursive: true });
  const logFile = join(options.logFolder, "aws.log");
  const logStart = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0;
  const values = {
    port,
    "log-dir": options.logFolder,
    "work-dir": options.workFolder,
    node: process.execPath,
    jsonata: dirname(createRequire(import.meta.url).resolve("jsonata")),
    "postgres-url": options.postgresUrl,
    "spark-python": python,
    "spark-jars": spark.sparkJars,
    ...(spark.sparkClasses === undefined ? {} : { "spark-classes": spark.sparkClasses }),
    ...sparkOptions(options.env),
  };
  const args = Object.entries(values).map(([name, value]) => `--${name}=${String(value)}`);
  return launch({
    name: "The local AWS",
    port,
    address: `http://${HOST}:${port}`,
    invocation: { program: python, args: ["-m", "emulator", ...args] },
    asOrdinaryUser: false,
    marker: options.workFolder,
    folder: options.workFolder,
    env: {
      // Its own home, so that nothing in it finds the user's AWS configuration.
      HOME: options.workFolder,
      JAVA_HOME: findJava(),
      SPARK_HOME: sparkHome,
      PYTHONPATH: options.packageFolder ?? join(ROOT, "emulator"),
      PYTHONUNBUFFERED: "1",
      ...options.env,
    },
    logFile,
    stopSignal: "SIGTERM",
    graceSeconds: 10,
    startDeadlineSeconds: 120,
    interrupted: options.interrupted,
    isReady: () => Promise.resolve(lastLines(logFile, WATCHED_LINES, logStart).includes("ready")),
  });
}

/** What people set of Spark by the environment; `env` comes first. */
function sparkOptions(env: NodeJS.ProcessEnv = {}): Readonly<Record<string, string>> {
  const { SLUICE_SPARK_MEMORY: memory, SLUICE_SPARK_JAVA_OPTIONS: java } = {
    ...process.env,
    ...env,
  };
  return {
    ...(memory === undefined ? {} : { "spark-memory": memory }),
    ...(java === undefined ? {} : { "spark-java-options": java }),
  };
}
