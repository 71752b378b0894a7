// Starts a real Elasticsearch of one node.
import { pbkdf2Sync, randomBytes } from "node:crypto";
import { copyFile, cp } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "@elastic/elasticsearch";
import type { Report } from "../toolchain/cache.ts";
import { ensureElasticsearchHome } from "../toolchain/elasticsearch-home.ts";
import { findJava } from "../toolchain/prerequisites.mjs";
import type { Keystore } from "./certificates.ts";
import { choosePort, findFreePort } from "./free-port.ts";
import { compilerOptions } from "./java-compiler.ts";
import { launch, type Server } from "./launch.ts";
import { giveFileToServer, makeServerFolder, writeServerFile } from "./unprivileged.ts";

const HOST = "127.0.0.1";
const DEFAULT_HEAP_MEGABYTES = 512;
const REQUEST_TIMEOUT_MILLISECONDS = 5000;
// Few rounds: the password is a test's.
const HASH_ROUNDS = 10_000;
const HASH_BYTES = 32;
const KEYSTORE_NAME = "http.p12";

/** What makes the server speak HTTPS only and require authentication. */
interface ElasticsearchSecurity {
  keystore: Keystore;
  /** The authority that signed the certificate, PEM. */
  ca: string;
  /** A user of the server's own file who may do everything; other users are made through the API. */
  admin: { username: string; password: string };
}

/** How to start Elasticsearch. */
export interface ElasticsearchOptions {
  dataFolder: string;
  logFolder: string;
  /** The HTTP port; 0 finds a free one. */
  port: number;
  heapMegabytes?: number;
  /** Settings of elasticsearch.yml that are added to Sluice's own or take their place. */
  settings?: Readonly<Record<string, string | number | boolean>>;
  security?: ElasticsearchSecurity;
  /** When it fires, the start is given up. */
  interrupted?: AbortSignal;
  report: Report;
}

/** Starts the server and waits until its indices can be used. */
export async function startElasticsearch(options: ElasticsearchOptions): Promise<Server> {
  const home = await ensureElasticsearchHome(options.report);
  const port = await choosePort("Elasticsearch", options.port, HOST);
  const config = join(options.dataFolder, "config");
  const temporary = join(options.dataFolder, "tmp");
  for (const folder of [options.dataFolder, config, temporary]) await makeServerFolder(folder);
  await writeConfig(config, home, options, port, await findFreePort());
  const { security } = options;
  const address = `${security === undefined ? "http" : "https"}://${HOST}:${port}`;
  return launch({
    name: "Elasticsearch",
    port,
    address,
    // The folder in the arguments is what the process is recognised by.
    invocation: {
      program: "bash",
      args: [join(home, "bin", "elasticsearch"), `-Epath.data=${join(options.dataFolder, "data")}`],
    },
    asOrdinaryUser: true,
    marker: join(options.dataFolder, "data"),
    folder: options.dataFolder,
    env: {
      ES_JAVA_HOME: findJava(),
      ES_PATH_CONF: config,
      ES_TMPDIR: temporary,
      // The launcher is a Java of its own, which leaves a file behind at each start.
      CLI_JAVA_OPTS: [...compilerOptions("quick"), `-Djava.io.tmpdir=${temporary}`].join(" "),
    },
    logFile: join(options.logFolder, "elasticsearch.log"),
    stopSignal: "SIGTERM",
    graceSeconds: 20,
    startDeadlineSeconds: 180,
    interrupted: options.interrupted,
    isReady: () => (security === undefined ? isReady(address) : isReadyAs(security, address)),
  });
}

// HTTP responds before the indices of an earlier run have been recovered.
async function isReady(address: string): Promise<boolean> {
  const response = await fetch(`${address}/_cluster/health?wait_for_status=yellow&timeout=2s`, {
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MILLISECONDS),
  });
  await response.body?.cancel();
  // With security on, a request for authentication means that it is up.
  return response.ok || response.status === 401;
}

async function isReadyAs({ ca, admin }: ElasticsearchSecurity, address: string): Promise<boolean> {
  const client = new Client({
    node: address,
    auth: admin,
    tls: { ca },
    maxRetries: 0,
    requestTimeout: REQUEST_TIMEOUT_MILLISECONDS,
  });
  try {
    await client.cluster.health({ wait_for_status: "yellow", timeout: "2s" });
    return true;
  } finally {
    await client.close();
  }
}

async function writeConfig(
  folder: string,
  home: string,
  options: ElasticsearchOptions,
  port: number,
  transportPort: number,
): Promise<void> {
  const settings = {
    "cluster.name": "sluice",
    "node.name": "sluice-1",
    "path.logs": join(options.dataFolder, "logs"),
    "network.host": HOST,
    "http.port": port,
    "transport.port": transportPort,
    "discovery.type": "single-node",
    "xpack.security.enabled": false,
    // A laptop's disk is often over 90 % full, and then indices would become read-only.
    "cluster.routing.allocation.disk.threshold_enabled": false,
    ...(options.security === undefined ? {} : securitySettings(options.security)),
    ...options.settings,
  };
  // Any JSON value is YAML too.
  const lines = Object.entries(settings).map(
    ([name, value]) => `${name}: ${JSON.stringify(value)}`,
  );
  await writeServerFile(join(folder, "elasticsearch.yml"), `${lines.join("\n")}\n`);
  const heap = options.heapMegabytes ?? DEFAULT_HEAP_MEGABYTES;
  await writeServerFile(join(folder, "jvm.options"), jvmOptions(heap));
  await writeServerFile(join(folder, "log4j2.properties"), LOGGING);
  for (const name of ["roles.yml", "role_mapping.yml", "users", "users_roles"]) {
    // What "elasticsearch-users" has added stays.
    await cp(join(home, "config", name), join(folder, name), { force: false });
  }
  if (options.security !== undefined) await writeSecurity(folder, options.security);
}

function securitySettings({ keystore }: ElasticsearchSecurity): Record<string, string | boolean> {
  return {
    "xpack.security.enabled": true,
    "xpack.security.http.ssl.enabled": true,
    "xpack.security.http.ssl.keystore.path": KEYSTORE_NAME,
    "xpack.security.http.ssl.keystore.password": keystore.password,
  };
}

async function writeSecurity(folder: string, security: ElasticsearchSecurity): Promise<void> {
  const { admin, keystore } = security;
  // It may read files of its own folder only.
  await copyFile(keystore.file, join(folder, KEYSTORE_NAME));
  await giveFileToServer(join(folder, KEYSTORE_NAME));
  // What "elasticsearch-users useradd" would write, without starting Java for it.
  const salt = randomBytes(HASH_BYTES);
  const hash = pbkdf2Sync(admin.password, salt, HASH_ROUNDS, HASH_BYTES, "sha512");
  const text = `{PBKDF2}${HASH_ROUNDS}$${salt.toString("base64")}$${hash.toString("base64")}`;
  await writeServerFile(join(folder, "users"), `${admin.username}:${text}\n`);
  await writeServerFile(join(folder, "users_roles"), `superuser:${admin.username}\n`);
}

function jvmOptions(heapMegabytes: number): string {
  return [
    ...compilerOptions(),
    `-Xms${heapMegabytes}m`,
    `-Xmx${heapMegabytes}m`,
    "-XX:+UseG1GC",
    "-Djava.io.tmpdir=${ES_TMPDIR}",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:ErrorFile=hs_err_pid%p.log",
    "",
  ].join("\n");
}

// Everything goes to standard output, which Sluice keeps in one log file a server.
const LOGGING = `status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] %m%consoleException%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
`;
