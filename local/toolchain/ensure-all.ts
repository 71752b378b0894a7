// Provides everything that a local run needs, so that a first run downloads it all at once.
import { errorMessage } from "../../contract/error-message.ts";
import type { Report } from "./cache.ts";
import { ensureCassandraJars } from "./cassandra-jars.ts";
import { ensureElasticsearchHome } from "./elasticsearch-home.ts";
import { ensurePostgresHome } from "./postgres-home.ts";
import { ensurePythonEnvironment, type PythonEnvironment } from "./python-environment.ts";
import { ensureSparkClasses } from "./spark-classes.ts";
import { ensureSparkJars } from "./spark-jars.ts";

/** Where the tools of a local run lie. */
export interface Toolchain {
  python: PythonEnvironment;
  sparkJars: string;
  /** An archive of the classes that Spark loads, where this Java can write one. */
  sparkClasses: string | undefined;
  cassandraJars: string;
  elasticsearchHome: string;
  postgresHome: string;
}

/** Makes what is missing, all at once. Throws when all have ended, naming every failure. */
export async function ensureAll(report: Report): Promise<Toolchain> {
  const [spark, cassandraJars, elasticsearchHome, postgresHome] = await allEnded([
    ensureSpark(report),
    ensureCassandraJars(report),
    ensureElasticsearchHome(report),
    ensurePostgresHome(report),
  ]);
  return { ...spark, cassandraJars, elasticsearchHome, postgresHome };
}

/** Makes what is missing of all that a Glue job's Spark needs. Throws as {@link ensureAll} does. */
export async function ensureSpark(
  report: Report,
): Promise<Pick<Toolchain, "python" | "sparkJars" | "sparkClasses">> {
  const [python, sparkJars] = await allEnded([
    ensurePythonEnvironment(report),
    ensureSparkJars(report),
  ]);
  return { python, sparkJars, sparkClasses: await ensureSparkClasses(python, sparkJars, report) };
}

// A failure must not leave the other downloads running behind the caller's back.
async function allEnded<Values extends readonly unknown[]>(work: {
  [Index in keyof Values]: Promise<Values[Index]>;
}): Promise<Values> {
  const outcomes = await Promise.allSettled<unknown>(work);
  const failures = outcomes.flatMap((outcome): unknown[] =>
    outcome.status === "rejected" ? [outcome.reason] : [],
  );
  if (failures.length > 0) {
    throw new AggregateError(failures, failures.map(errorMessage).join("\n"));
  }
  return Promise.all(work);
}
