// Starts a real PostgreSQL, which stands in for Redshift.
import { existsSync } from "node:fs";
import { readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Report } from "../toolchain/cache.ts";
import { ensurePostgresHome } from "../toolchain/postgres-home.ts";
import { choosePort } from "./free-port.ts";
import { launch, type Server } from "./launch.ts";
import { acceptsConnections } from "./postgres-probe.ts";
import { isOurs } from "./process.ts";
import { makeServerFolder, runAsOrdinaryUser } from "./unprivileged.ts";

const HOST = "127.0.0.1";
const USER = "sluice";
const DATABASE = "warehouse";
const settings = {
  listen_addresses: HOST,
  // No socket files: their paths may be at most 107 bytes long.
  unix_socket_directories: "",
  max_connections: 100,
  shared_buffers: "64MB",
  timezone: "UTC",
  log_timezone: "UTC",
  // Without these a crash of the machine, not of the server, can lose data: it is made again.
  fsync: "off",
  full_page_writes: "off",
  synchronous_commit: "off",
};

/** How to start PostgreSQL. */
export interface PostgresOptions {
  dataFolder: string;
  logFolder: string;
  /** 0 finds a free one. */
  port: number;
  /** Settings of postgresql.conf that are added to Sluice's own or take their place. */
  settings?: Readonly<Record<string, string | number>>;
  /** When it fires, the start is given up. */
  interrupted?: AbortSignal;
  report: Report;
}

/** Starts the server with the database `warehouse`; the address is a URL without a password. */
export async function startPostgres(options: PostgresOptions): Promise<Server> {
  const home = await ensurePostgresHome(options.report);
  const port = await choosePort("PostgreSQL", options.port, HOST);
  const cluster = join(options.dataFolder, "cluster");
  await makeServerFolder(options.dataFolder);
  if (!existsSync(cluster)) await createCluster(home, cluster);
  await removeDeadPidFile(cluster);
  const all = Object.entries({ ...settings, ...options.settings, port });
  return launch({
    name: "PostgreSQL",
    port,
    address: `postgresql://${USER}@${HOST}:${port}/${DATABASE}`,
    invocation: {
      program: join(home, "bin", "postgres"),
      args: ["-D", cluster, ...all.flatMap(([name, value]) => ["-c", `${name}=${value}`])],
    },
    asOrdinaryUser: true,
    marker: cluster,
    folder: options.dataFolder,
    logFile: join(options.logFolder, "postgres.log"),
    // "Fast": it ends the connections; SIGTERM would wait for their clients.
    stopSignal: "SIGINT",
    graceSeconds: 15,
    startDeadlineSeconds: 60,
    interrupted: options.interrupted,
    isReady: () => acceptsConnections({ host: HOST, port, user: USER, database: DATABASE }),
  });
}

// It gets its name only when all of it is there, so one that is left half made is made again.
async function createCluster(home: string, cluster: string): Promise<void> {
  const halfMade = `${cluster}.making`;
  await rm(halfMade, { recursive: true, force: true });
  await runAsOrdinaryUser({
    program: join(home, "bin", "initdb"),
    args: [
      ["--pgdata", halfMade],
      ["--username", USER],
      // It listens on the loopback only, like the other local servers.
      ["--auth", "trust"],
      ["--encoding", "UTF8"],
      // Redshift compares text by its bytes.
      ["--locale", "C"],
      ["--no-sync"],
    ].flat(),
  });
  await runAsOrdinaryUser(
    {
      program: join(home, "bin", "postgres"),
      args: ["--single", "-D", halfMade, "-c", "fsync=off", "postgres"],
    },
    `CREATE DATABASE ${DATABASE}\n`,
  );
  await rename(halfMade, cluster);
}

// After a crash the file may name a process id that another program has now, and then PostgreSQL
// would not start.
async function removeDeadPidFile(cluster: string): Promise<void> {
  const file = join(cluster, "postmaster.pid");
  if (!existsSync(file)) return;
  const [pid] = (await readFile(file, "utf8")).split("\n");
  if (!isOurs(Number(pid), cluster)) await rm(file);
}
