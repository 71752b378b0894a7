// Starts a real Cassandra: one node, or a small cluster of them on the loopback addresses.
import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { auth, Client } from "cassandra-driver";
import type { Report } from "../toolchain/cache.ts";
import { ensureCassandraJars } from "../toolchain/cassandra-jars.ts";
import { findJava } from "../toolchain/prerequisites.mjs";
import type { Keystore } from "./certificates.ts";
import { fillTemplate, type TemplateValues } from "./cassandra-settings.ts";
import { choosePort, findFreePort } from "./free-port.ts";
import { compilerOptions } from "./java-compiler.ts";
import { launch, type Server } from "./launch.ts";
import { giveFileToServer, makeServerFolder, writeServerFile } from "./unprivileged.ts";

const FIRST_HOST = "127.0.0.1";
const DATA_CENTER = "datacenter1";
const DEFAULT_HEAP_MEGABYTES = 512;
// With half a gigabyte a node that builds an SAI index does nothing but collect garbage.
const HEAP_MEGABYTES_FOR_INDEXES = 1024;
const HEAP_MEGABYTES_IN_CLUSTER = 384;
const DIRECT_MEMORY_MEGABYTES = 256;
const CONNECT_TIMEOUT_MILLISECONDS = 5000;
const SOURCE = fileURLToPath(new URL("../cassandra/", import.meta.url));

/** What makes the server speak TLS only and require authentication. */
interface CassandraSecurity {
  keystore: Keystore;
  /** The authority that signed the certificate, PEM. */
  ca: string;
}

/** The superuser that a new Cassandra with passwords has. */
export const cassandraAdmin = { username: "cassandra", password: "cassandra" } as const;

/** How to start Cassandra. */
export interface CassandraOptions {
  dataFolder: string;
  logFolder: string;
  /** The port for CQL; 0 finds a free one. */
  port: number;
  heapMegabytes?: number;
  /** Whether tables will have SAI indexes, which need more memory. */
  withIndexes?: boolean;
  security?: CassandraSecurity;
  /** When it fires, the start is given up. */
  interrupted?: AbortSignal;
  report: Report;
}

/** Starts one node and waits until it serves a query; the address is `host:port`. */
export async function startCassandra(options: CassandraOptions): Promise<Server> {
  const heap = options.withIndexes === true ? HEAP_MEGABYTES_FOR_INDEXES : DEFAULT_HEAP_MEGABYTES;
  return startNode({
    ...options,
    heapMegabytes: options.heapMegabytes ?? heap,
    name: "Cassandra",
    logName: "cassandra.log",
    host: FIRST_HOST,
    port: await choosePort("Cassandra", options.port, FIRST_HOST),
    storagePort: await findFreePort(),
    nodesSeen: 1,
    // Alone it need not wait to hear of other nodes.
    ringDelayMilliseconds: 0,
  });
}

/** The local data centre's name, which the driver needs. */
export const CASSANDRA_DATA_CENTER = DATA_CENTER;

/**
 * Starts a cluster of so many nodes on 127.0.0.1, 127.0.0.2 and so on, one after the other, all
 * with the same port. Each server's address is its node's.
 */
export async function startCassandraCluster(
  nodes: number,
  options: CassandraOptions,
): Promise<Server[]> {
  const port = await choosePort("Cassandra", options.port, FIRST_HOST);
  const storagePort = await findFreePort();
  const started: Server[] = [];
  try {
    for (let node = 1; node <= nodes; node++) {
      const server = await startNode({
        ...options,
        heapMegabytes: options.heapMegabytes ?? HEAP_MEGABYTES_IN_CLUSTER,
        dataFolder: join(options.dataFolder, `node-${node}`),
        name: `Cassandra node ${node}`,
        logName: `cassandra-${node}.log`,
        host: `127.0.0.${node}`,
        port,
        storagePort,
        nodesSeen: node,
        ringDelayMilliseconds: 2000,
      });
      started.push(server);
    }
  } catch (error) {
    await Promise.all(started.map((server) => server.stop()));
    throw error;
  }
  return started;
}

interface Node extends CassandraOptions {
  heapMegabytes: number;
  name: string;
  logName: string;
  host: string;
  storagePort: number;
  /** How many nodes it must know, itself included, to count as ready. */
  nodesSeen: number;
  ringDelayMilliseconds: number;
}

async function startNode(node: Node): Promise<Server> {
  const jars = await ensureCassandraJars(node.report);
  const config = join(node.dataFolder, "config");
  const temporary = join(node.dataFolder, "tmp");
  for (const folder of [node.dataFolder, config, temporary]) await makeServerFolder(folder);
  await writeConfig(node, config);
  return launch({
    name: node.name,
    port: node.port,
    address: `${node.host}:${node.port}`,
    invocation: {
      program: join(findJava(), "bin", "java"),
      args: javaArguments(node, config, temporary, jars),
    },
    asOrdinaryUser: true,
    marker: node.dataFolder,
    folder: node.dataFolder,
    logFile: join(node.logFolder, node.logName),
    stopSignal: "SIGTERM",
    graceSeconds: 20,
    startDeadlineSeconds: 240,
    interrupted: node.interrupted,
    isReady: () => servesQueries(node),
  });
}

function javaArguments(node: Node, config: string, temporary: string, jars: string): string[] {
  const properties = {
    "cassandra.config": `file://${join(config, "cassandra.yaml")}`,
    "cassandra.storagedir": node.dataFolder,
    "cassandra.logdir": node.dataFolder,
    "cassandra-foreground": "true",
    "cassandra.ring_delay_ms": node.ringDelayMilliseconds,
    "cassandra.skip_wait_for_gossip_to_settle": 0,
    // Others need time to hear of the end of one.
    "cassandra.shutdown_announce_in_ms": node.ringDelayMilliseconds,
    "cassandra.superuser_setup_delay_ms": 0,
    "cassandra.consistent.rangemovement": "false",
    "logback.configurationFile": join(config, "logback.xml"),
    "java.io.tmpdir": temporary,
    "java.net.preferIPv4Stack": "true",
  };
  return [
    `@${join(config, "jvm17.options")}`,
    ...compilerOptions(),
    `-Xms${node.heapMegabytes}m`,
    `-Xmx${node.heapMegabytes}m`,
    `-XX:MaxDirectMemorySize=${DIRECT_MEMORY_MEGABYTES}m`,
    ...Object.entries(properties).map(([name, value]) => `-D${name}=${value}`),
    "-cp",
    join(jars, "*"),
    "org.apache.cassandra.service.CassandraDaemon",
  ];
}

async function writeConfig(node: Node, folder: string): Promise<void> {
  const template = await readFile(join(SOURCE, "cassandra.yaml.template"), "utf8");
  const keystore = join(folder, "keystore.p12");
  if (node.security !== undefined) {
    await copyFile(node.security.keystore.file, keystore);
    await giveFileToServer(keystore);
  }
  const text = fillTemplate(template, {
    host: node.host,
    port: node.port,
    storagePort: node.storagePort,
    seeds: `${FIRST_HOST}:${node.storagePort}`,
    dataFolder: join(node.dataFolder, "data"),
    commitlogFolder: join(node.dataFolder, "commitlog"),
    hintsFolder: join(node.dataFolder, "hints"),
    savedCachesFolder: join(node.dataFolder, "saved-caches"),
    cdcFolder: join(node.dataFolder, "cdc"),
    ...accessSettings(node.security, keystore),
  });
  await writeServerFile(join(folder, "cassandra.yaml"), text);
  // The checkout may lie where the server's user cannot read it.
  for (const name of ["jvm17.options", "logback.xml"]) {
    await writeServerFile(join(folder, name), await readFile(join(SOURCE, name), "utf8"));
  }
}

function accessSettings(security: CassandraSecurity | undefined, keystore: string): TemplateValues {
  if (security === undefined) {
    return {
      authenticator: "AllowAllAuthenticator",
      authorizer: "AllowAllAuthorizer",
      clientEncryption: { enabled: false },
    };
  }
  return {
    authenticator: "PasswordAuthenticator",
    authorizer: "CassandraAuthorizer",
    clientEncryption: {
      enabled: true,
      optional: false,
      keystore,
      keystore_password: security.keystore.password,
    },
  };
}

async function servesQueries(node: Node): Promise<boolean> {
  const client = new Client({
    contactPoints: [`${node.host}:${node.port}`],
    localDataCenter: DATA_CENTER,
    socketOptions: { connectTimeout: CONNECT_TIMEOUT_MILLISECONDS },
    ...(node.security === undefined
      ? {}
      : {
          sslOptions: { ca: [node.security.ca], rejectUnauthorized: true },
          authProvider: new auth.PlainTextAuthProvider(
            cassandraAdmin.username,
            cassandraAdmin.password,
          ),
        }),
  });
  try {
    const peers = await client.execute("SELECT peer FROM system.peers");
    return peers.rowLength + 1 >= node.nodesSeen;
  } finally {
    await client.shutdown();
  }
}
