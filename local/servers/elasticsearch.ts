// Starts a real Elasticsearch of one node.
import { cp } from "node:fs/promises";
import { join } from "node:path";
import type { Report } from "../toolchain/cache.ts";
import { ensureElasticsearchHome } from "../toolchain/elasticsearch-home.ts";
import { findJava } from "../toolchain/prerequisites.mjs";
import { choosePort, findFreePort } from "./free-port.ts";
import { launch, type Server } from "./launch.ts";
import { makeServerFolder, writeServerFile } from "./unprivileged.ts";

const host = "127.0.0.1";
const defaultHeapMegabytes = 512;
const requestTimeoutMilliseconds = 5000;

/** How to start Elasticsearch. */
export interface ElasticsearchOptions {
  dataFolder: string;
  logFolder: string;
  /** The HTTP port; 0 finds a free one. */
  port: number;
  heapMegabytes?: number;
  /** Settings of elasticsearch.yml that are added to Sluice's own or take their place. */
  settings?: Readonly<Record<string, string | number | boolean>>;
  report: Report;
}

/** Starts the server and waits until its indices can be used. */
export async function startElasticsearch(options: ElasticsearchOptions): Promise<Server> {
  const home = await ensureElasticsearchHome(options.report);
  const port = await choosePort("Elasticsearch", options.port, host);
  const config = join(options.dataFolder, "config");
  const temporary = join(options.dataFolder, "tmp");
  for (const folder of [options.dataFolder, config, temporary]) await makeServerFolder(folder);
  await writeConfig(config, home, options, port, await findFreePort());
  const address = `http://${host}:${port}`;
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
    env: { ES_JAVA_HOME: findJava(), ES_PATH_CONF: config, ES_TMPDIR: temporary },
    logFile: join(options.logFolder, "elasticsearch.log"),
    stopSignal: "SIGTERM",
    graceSeconds: 20,
    startDeadlineSeconds: 180,
    isReady: () => isReady(address),
  });
}

// HTTP answers before the indices of an earlier run have been recovered.
async function isReady(address: string): Promise<boolean> {
  const response = await fetch(`${address}/_cluster/health?wait_for_status=yellow&timeout=2s`, {
    signal: AbortSignal.timeout(requestTimeoutMilliseconds),
  });
  await response.body?.cancel();
  // With security on, to be asked who one is means that it is up.
  return response.ok || response.status === 401;
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
    "network.host": host,
    "http.port": port,
    "transport.port": transportPort,
    "discovery.type": "single-node",
    "xpack.security.enabled": false,
    // A laptop's disk is often over 90 % full, and then indices would become read-only.
    "cluster.routing.allocation.disk.threshold_enabled": false,
    ...options.settings,
  };
  // Any JSON value is YAML too.
  const lines = Object.entries(settings).map(
    ([name, value]) => `${name}: ${JSON.stringify(value)}`,
  );
  await writeServerFile(join(folder, "elasticsearch.yml"), `${lines.join("\n")}\n`);
  const heap = options.heapMegabytes ?? defaultHeapMegabytes;
  await writeServerFile(join(folder, "jvm.options"), jvmOptions(heap));
  await writeServerFile(join(folder, "log4j2.properties"), logging);
  for (const name of ["roles.yml", "role_mapping.yml", "users", "users_roles"]) {
    // What "elasticsearch-users" has added stays.
    await cp(join(home, "config", name), join(folder, name), { force: false });
  }
}

function jvmOptions(heapMegabytes: number): string {
  return [
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
const logging = `status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] %m%consoleException%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
`;
