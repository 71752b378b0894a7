// Tests that a real PostgreSQL starts, answers, keeps its data and stops, or says why not.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { findFreePort } from "../../../local/servers/free-port.ts";
import type { Server } from "../../../local/servers/launch.ts";
import { startPostgres, type PostgresOptions } from "../../../local/servers/postgres.ts";
import { acceptsConnections } from "../../../local/servers/postgres-probe.ts";
import { describeProcess } from "../../../local/servers/process.ts";
import { ensurePythonEnvironment } from "../../../local/toolchain/python-environment.ts";
import { describeCost, expectCleanStop, running } from "./running.ts";
import { scratchFolder, until } from "./scratch.ts";

const deadlineMilliseconds = 300_000;

test(
  "PostgreSQL answers queries, keeps rows over a restart and leaves no process",
  { timeout: deadlineMilliseconds },
  async () => {
    const options = optionsIn(scratchFolder());
    const begun = Date.now();
    const first = await running(startPostgres(options));
    console.log(describeCost(first, begun));
    await query(first, "CREATE TABLE things AS SELECT 'één' AS name");
    expect(await query(first, "SHOW server_encoding")).toBe("UTF8");
    await expectCleanStop(first);
    const second = await running(startPostgres(options));
    expect(await query(second, "SELECT name FROM things")).toBe("één");
    await expectCleanStop(second);
  },
);

test(
  "it starts again after it was killed, though its pid file names a process that lives",
  { timeout: deadlineMilliseconds },
  async () => {
    const options = optionsIn(scratchFolder());
    const first = await running(startPostgres(options));
    process.kill(-first.pid, "SIGKILL");
    await until("it has ended", () => describeProcess(first.pid) === undefined);
    const pidFile = join(options.dataFolder, "cluster", "postmaster.pid");
    writeFileSync(pidFile, `${process.pid}\n`);
    const second = await running(startPostgres(options));
    expect(await query(second, "SELECT 1")).toBe("1");
  },
);

test(
  "it does not outlive a Sluice that was killed",
  { timeout: deadlineMilliseconds },
  async () => {
    const folder = scratchFolder();
    const script = join(folder, "start.ts");
    const module = fileURLToPath(new URL("../../../local/servers/postgres.ts", import.meta.url));
    const options = { dataFolder: join(folder, "postgres"), logFolder: folder, port: 0 };
    writeFileSync(
      script,
      `import { existsSync, readFileSync, writeFileSync } from "node:fs";
       import { startPostgres } from ${JSON.stringify(module)};
       const server = await startPostgres({ ...${JSON.stringify(options)}, report: console.log });
       writeFileSync(${JSON.stringify(join(folder, "pid"))}, String(server.pid));
       setInterval(() => 0, 1000);`,
    );
    const sluice = spawn(process.execPath, [script], { stdio: "inherit" });
    const pidFile = join(folder, "pid");
    const hasPid = (): boolean => existsSync(pidFile) && readFileSync(pidFile, "utf8") !== "";
    await until("PostgreSQL runs", hasPid, 60);
    const pid = Number(readFileSync(pidFile, "utf8"));
    expect(describeProcess(pid)).toBeDefined();
    sluice.kill("SIGKILL");
    await until("PostgreSQL has ended", () => describeProcess(pid) === undefined, 30);
  },
);

test(
  "a setting that PostgreSQL does not know is shown from its log",
  { timeout: deadlineMilliseconds },
  async () => {
    const folder = scratchFolder();
    const start = startPostgres({ ...optionsIn(folder), settings: { no_such_setting: "on" } });
    await expect(start).rejects.toThrow(/PostgreSQL exited with 1 before it was ready/);
    await expect(start).rejects.toThrow('unrecognized configuration parameter "no_such_setting"');
    await expect(start).rejects.toThrow(join(folder, "logs", "postgres.log"));
  },
);

test("a port that is taken is rejected with its number", async () => {
  const port = await findFreePort();
  const occupant = createServer().listen(port, "127.0.0.1");
  onTestFinished(() => {
    occupant.close();
  });
  const start = startPostgres({ ...optionsIn(scratchFolder()), port });
  await expect(start).rejects.toThrow(`PostgreSQL cannot have port ${port} on 127.0.0.1`);
});

test(
  "the probe gives the server's reason for rejecting it",
  { timeout: deadlineMilliseconds },
  async () => {
    const { port } = await running(startPostgres(optionsIn(scratchFolder())));
    const target = { host: "127.0.0.1", port, user: "sluice", database: "nowhere" };
    await expect(acceptsConnections(target)).rejects.toThrow('database "nowhere" does not exist');
  },
);

function optionsIn(folder: string): PostgresOptions {
  return {
    dataFolder: join(folder, "postgres"),
    logFolder: join(folder, "logs"),
    port: 0,
    report: console.log,
  };
}

// The first value of the first row, by a client that is not Sluice's own.
async function query(server: Server, sql: string): Promise<string> {
  const { python } = await ensurePythonEnvironment(console.log);
  const script = `
import psycopg2, sys
connection = psycopg2.connect(sys.argv[1])
connection.autocommit = True
cursor = connection.cursor()
cursor.execute(sys.argv[2])
print(cursor.fetchone()[0] if cursor.description else "", end="")
`;
  return execFileSync(python, ["-c", script, server.address, sql], { encoding: "utf8" });
}
