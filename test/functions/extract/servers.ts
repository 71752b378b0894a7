// Starts the real servers that the extractor's tests need, in a folder that is removed afterwards.
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startCassandra } from "../../../local/servers/cassandra.ts";
import { startElasticsearch } from "../../../local/servers/elasticsearch.ts";
import type { Server } from "../../../local/servers/launch.ts";
import type { Report } from "../../../local/toolchain/cache.ts";
import { startMoto } from "../moto.ts";

export interface RunningServer {
  readonly address: string;
  stop(): Promise<void>;
}

interface Folders {
  readonly folder: string;
  readonly logFolder: string;
  readonly report: Report;
}

/** `SLUICE_TEST_ELASTICSEARCH` names one that runs already, which saves half a minute while developing. */
export function runElasticsearch(): Promise<RunningServer> {
  return runOrUse("SLUICE_TEST_ELASTICSEARCH", ({ folder, logFolder, report }) =>
    startElasticsearch({ dataFolder: join(folder, "elasticsearch"), logFolder, port: 0, report }),
  );
}

/** The address is `host:port`; `SLUICE_TEST_CASSANDRA` names one that runs already. */
export function runCassandra(): Promise<RunningServer> {
  return runOrUse("SLUICE_TEST_CASSANDRA", ({ folder, logFolder, report }) =>
    startCassandra({
      ...{ dataFolder: join(folder, "cassandra"), logFolder, port: 0, report },
      withIndexes: true,
    }),
  );
}

/** S3 and DynamoDB, with the emulator's repairs; `SLUICE_TEST_AWS` names one that runs already. */
export function runMoto(): Promise<RunningServer> {
  return startMoto();
}

async function runOrUse(
  variable: string,
  start: (folders: Folders) => Promise<Server>,
): Promise<RunningServer> {
  const given = process.env[variable];
  if (given !== undefined) return { address: given, stop: () => Promise.resolve() };
  const folder = await mkdtemp(join(tmpdir(), "sluice-extract-test-"));
  await chmod(folder, 0o755);
  const server = await start({
    folder,
    logFolder: join(folder, "logs"),
    report: (line) => {
      console.log(line);
    },
  });
  return {
    address: server.address,
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Of drivers that write for a test: a machine that is busy with other tests responds late. */
export const patientSockets = { readTimeout: 60_000 };
