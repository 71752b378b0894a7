// Starts S3 and DynamoDB in memory: moto, with the emulator's repairs that make its conditional writes atomic.
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findFreePort } from "../../local/servers/free-port.ts";
import { launch } from "../../local/servers/launch.ts";
import { ensurePythonEnvironment } from "../../local/toolchain/python-environment.ts";

export interface Moto {
  readonly address: string;
  stop(): Promise<void>;
}

const emulatorFolder = fileURLToPath(new URL("../../emulator", import.meta.url));

// The folder in the arguments is only what the process is recognised by.
const program = `
import sys
sys.path.insert(0, sys.argv[2])
from emulator import dispatch, dynamodb, s3
dispatch.install()
dynamodb.install()
s3.install()
from moto.server import main
main(sys.argv[3:])
`;

/**
 * `SLUICE_TEST_AWS` names an emulator that runs already; tests give what they make there names of their own.
 * `SLUICE_PYTHON` names a Python that has moto; without it the project's own environment is made ready.
 */
export async function startMoto(): Promise<Moto> {
  const given = process.env.SLUICE_TEST_AWS;
  if (given !== undefined) return { address: given, stop: () => Promise.resolve() };
  const folder = await mkdtemp(join(tmpdir(), "sluice-moto-"));
  await chmod(folder, 0o755);
  const port = await findFreePort();
  const address = `http://127.0.0.1:${port}`;
  const server = await launch({
    name: "moto",
    port,
    address,
    invocation: {
      program: process.env.SLUICE_PYTHON ?? (await ownPython()),
      args: ["-c", program, folder, emulatorFolder, "-H", "127.0.0.1", "-p", String(port)],
    },
    asOrdinaryUser: false,
    marker: folder,
    folder,
    logFile: join(folder, "moto.log"),
    stopSignal: "SIGTERM",
    graceSeconds: 5,
    startDeadlineSeconds: 60,
    isReady: async () => (await fetch(`${address}/moto-api/`)).ok,
  });
  return {
    address,
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function ownPython(): Promise<string> {
  const { python } = await ensurePythonEnvironment((line) => {
    console.log(line);
  });
  return python;
}
