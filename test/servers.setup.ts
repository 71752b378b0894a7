// Starts each server once for all tests that need one, and ends them after the last. A server whose address is in the
// environment already (SLUICE_TEST_…, as a developer may keep one running) is used as it is.
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { startAws } from "../local/servers/aws.ts";
import { startCassandra } from "../local/servers/cassandra.ts";
import { startElasticsearch } from "../local/servers/elasticsearch.ts";
import type { Server } from "../local/servers/launch.ts";
import { startPostgres } from "../local/servers/postgres.ts";
import { reachableFolder } from "../local/servers/unprivileged.ts";
import { ensurePythonEnvironment } from "../local/toolchain/python-environment.ts";

const isGiven = (name: string): boolean => (process.env[name] ?? "") !== "";

export default async function setup(): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-test-servers-"));
  const dataFolder = await reachableFolder(join(folder, "data"));
  const logFolder = join(folder, "logs");
  const report = (line: string): void => {
    console.log(line);
  };
  const options = (name: string) => ({
    dataFolder: join(dataFolder, name),
    logFolder,
    port: 0,
    report,
  });
  const servers: Server[] = [];
  const started = async (start: Promise<Server>): Promise<Server> => {
    const server = await start;
    servers.push(server);
    return server;
  };
  const stop = async (): Promise<void> => {
    await Promise.allSettled(servers.reverse().map((server) => server.stop()));
    for (const path of new Set([folder, dataFolder]))
      rmSync(path, { recursive: true, force: true });
  };
  const warehouseAndAws = async (): Promise<void> => {
    if (isGiven("SLUICE_TEST_POSTGRES") && isGiven("SLUICE_TEST_AWS")) return;
    const postgres = await started(startPostgres(options("postgres")));
    process.env.SLUICE_TEST_POSTGRES = postgres.address;
    const aws = await started(
      startAws({
        port: 0,
        logFolder,
        workFolder: join(dataFolder, "aws"),
        postgresUrl: postgres.address,
        report,
      }),
    );
    process.env.SLUICE_TEST_AWS = aws.address;
  };
  const python = await ensurePythonEnvironment(report);
  process.env.SLUICE_PYTHON = python.python;
  const search = async (): Promise<void> => {
    if (isGiven("SLUICE_TEST_ELASTICSEARCH")) return;
    const server = await started(startElasticsearch(options("elasticsearch")));
    process.env.SLUICE_TEST_ELASTICSEARCH = server.address;
  };
  const events = async (): Promise<void> => {
    if (isGiven("SLUICE_TEST_CASSANDRA")) return;
    const server = await started(startCassandra({ ...options("cassandra"), withIndexes: true }));
    process.env.SLUICE_TEST_CASSANDRA = server.address;
  };
  const outcomes = await Promise.allSettled([search(), events(), warehouseAndAws()]);
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }
  return stop;
}
