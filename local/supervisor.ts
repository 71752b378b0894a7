// The detached process that starts the servers of a local stack, deploys into it, and ends it all on request.
import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { errorMessage } from "../contract/error-message.ts";
import { applyCatalogAndCode } from "./deploy.ts";
import { LOCAL_DEPLOYMENT } from "./deployment.ts";
import { declarationOf } from "../sources/declarations.ts";
import type { Server } from "./servers/launch.ts";
import { startAws } from "./servers/aws.ts";
import { startCassandra } from "./servers/cassandra.ts";
import { startElasticsearch } from "./servers/elasticsearch.ts";
import { startPostgres } from "./servers/postgres.ts";
import {
  localOptionsSchema,
  optionsFile,
  progressFile,
  readRunning,
  stateFolder,
  writeRunning,
  type LocalOptions,
  type RunningStack,
} from "./state.ts";
import { reachableFolder } from "./servers/unprivileged.ts";
import { ensureAll } from "./toolchain/ensure-all.ts";

const POLL_MILLIS = 100;
const AGAIN_MILLIS = 1000;

const FOLDER = stateFolder();
const options: LocalOptions = localOptionsSchema.parse(
  JSON.parse(readFileSync(optionsFile(FOLDER), "utf8")),
);
const STARTED_AT = new Date().toISOString();
const LOG_FOLDER = join(FOLDER, "logs", STARTED_AT.replaceAll(":", "-"));
mkdirSync(LOG_FOLDER, { recursive: true, mode: 0o755 });

const say = (line: string): void => {
  appendFileSync(progressFile(FOLDER), `${line}\n`);
};

let running: RunningStack = {
  format: 2,
  status: "starting",
  pid: process.pid,
  startedAt: STARTED_AT,
  logFolder: LOG_FOLDER,
  deployment: LOCAL_DEPLOYMENT,
  secrets: {},
  options,
  processes: [],
};
const change = (changes: Partial<RunningStack>): void => {
  running = { ...running, ...changes };
  writeRunning(FOLDER, running);
};
change({});

const servers: Server[] = [];
let isAskedToEnd = false;
const interruption = new AbortController();

/** Notes a started server at once, so that `down` can end it whatever happens to this process. */
const note = (server: Server): void => {
  servers.push(server);
  change({
    processes: [...running.processes, { name: server.name, ...server.record }],
  });
};

const started = async (name: string, start: Promise<Server>): Promise<Server> => {
  const from = Date.now();
  const server = await start;
  note(server);
  say(`${name} is ready at ${server.address} (${((Date.now() - from) / 1000).toFixed(1)} s)`);
  return server;
};

async function startAll(): Promise<void> {
  const toolchain = await ensureAll(say);
  const dataFolder = await reachableFolder(join(FOLDER, "data"));
  const data = (name: string): string => join(dataFolder, name);
  const common = { logFolder: LOG_FOLDER, port: 0, interrupted: interruption.signal, report: say };
  for (const [system, secret] of Object.entries(options.secrets)) {
    const { title, showAddress } = declarationOf(system);
    say(`the sources' ${title} is ${showAddress(secret)}`);
  }
  change({ secrets: options.secrets });
  const own = [
    ...(options.secrets.elasticsearch === undefined ? ["Elasticsearch"] : []),
    ...(options.secrets.cassandra === undefined ? ["Cassandra"] : []),
  ];
  say(`starting ${[...own, "PostgreSQL"].join(", ")} and the emulated AWS …`);
  const elasticsearch = async (): Promise<void> => {
    if (options.secrets.elasticsearch !== undefined) return;
    const server = await started(
      "Elasticsearch",
      startElasticsearch({ dataFolder: data("elasticsearch"), ...common }),
    );
    change({ secrets: { ...running.secrets, elasticsearch: { nodes: [server.address] } } });
  };
  const cassandra = async (): Promise<void> => {
    if (options.secrets.cassandra !== undefined) return;
    const server = await started(
      "Cassandra",
      startCassandra({ dataFolder: data("cassandra"), ...common }),
    );
    change({
      secrets: {
        ...running.secrets,
        cassandra: {
          contactPoints: ["127.0.0.1"],
          port: server.port,
          localDataCenter: "datacenter1",
        },
      },
    });
  };
  const warehouseAndAws = async (): Promise<void> => {
    const postgres = await startPostgres({ dataFolder: data("postgres"), ...common });
    note(postgres);
    say(`PostgreSQL is ready at ${postgres.address}`);
    change({
      postgres: { host: "127.0.0.1", port: postgres.port, user: "sluice", database: "warehouse" },
    });
    const aws = await started(
      "The emulated AWS",
      startAws({ workFolder: data("aws"), postgresUrl: postgres.address, ...common }),
    );
    change({ endpoint: aws.address });
  };
  const outcomes = await Promise.allSettled([elasticsearch(), cassandra(), warehouseAndAws()]);
  const reasons = outcomes.flatMap((outcome): unknown[] =>
    outcome.status === "rejected" ? [outcome.reason] : [],
  );
  if (reasons.length > 0) throw new Error(reasons.map(errorMessage).join("\n\n"));
  const summary = await applyCatalogAndCode(FOLDER, running, toolchain.python, say);
  say(
    `deployed: ${String(summary.created)} created, ${String(summary.updated)} updated, ${String(summary.deleted)} deleted`,
  );
}

async function stopAll(): Promise<void> {
  change({ status: "stopping" });
  // The emulated AWS first: it ends Lambda workers and Spark, which use the others.
  const aws = servers.filter((server) => server.name === "The local AWS");
  await Promise.allSettled(aws.map((server) => server.stop()));
  await Promise.allSettled(
    servers.filter((server) => !aws.includes(server)).map((server) => server.stop()),
  );
}

function ownerIsGone(): boolean {
  if (options.ownerPid === undefined) return false;
  try {
    process.kill(options.ownerPid, 0);
    return false;
  } catch (error) {
    // One that may not be signalled is there.
    return error instanceof Error && "code" in error && error.code === "ESRCH";
  }
}

/**
 * Ends programs of the start (downloads, the CDK's synthesis, the deployer), which are of this process's group, until it
 * gives up: servers, which are not, hear of the interruption by themselves.
 */
async function endStart(starting: Promise<void>): Promise<void> {
  const settled = starting.then(
    () => true,
    () => true,
  );
  do process.kill(0, "SIGTERM");
  while (!(await Promise.race([settled, delay(AGAIN_MILLIS, false)])));
}

/** Returns when this process is asked to end, or the one that it works for is gone. */
async function untilItMustEnd(): Promise<void> {
  while (!isAskedToEnd && !ownerIsGone()) await delay(POLL_MILLIS);
}

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  process.on(signal, () => {
    isAskedToEnd = true;
  });
}

try {
  const starting = startAll();
  const end = untilItMustEnd();
  const first = await Promise.race([
    starting.then(() => "started" as const),
    end.then(() => "interrupted" as const),
  ]);
  if (first === "started") {
    change({ status: "ready" });
    await end;
  } else {
    say("interrupted while starting: ending what was started …");
    interruption.abort();
    await endStart(starting);
  }
  await stopAll();
} catch (error) {
  change({ status: "failed", error: errorMessage(error) });
  const failed = errorMessage(error);
  await stopAll();
  change({ status: "failed", error: failed });
  process.exitCode = 1;
}
if (readRunning(FOLDER)?.status === "stopping") change({ processes: [] });
process.exit();
