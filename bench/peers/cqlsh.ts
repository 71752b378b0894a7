// cqlsh, whose COPY TO comes with Cassandra.
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder, ensureFolder, toolLog, type Report } from "../../local/toolchain/cache.ts";
import { findPython } from "../../local/toolchain/prerequisites.mjs";
import { runCommand } from "../../local/toolchain/run-command.ts";
import type { Contestant } from "./contestants.ts";

const VERSION = "6.2.2";
const REQUIREMENTS = fileURLToPath(new URL("cqlsh/requirements.txt", import.meta.url));

/** Installs cqlsh into the cache, and returns how to run its COPY TO. */
export async function ensureCqlsh(report: Report): Promise<() => Contestant> {
  const python = findPython();
  const folder = await ensureFolder(
    {
      name: "cqlsh",
      definition: [await readFile(REQUIREMENTS, "utf8"), python],
      parent: cacheFolder(),
      make: async (made) => {
        report(`installing cqlsh ${VERSION} …`);
        const run = (what: string, program: string, args: readonly string[]): Promise<void> =>
          runCommand({ what, program, args, logFile: toolLog("cqlsh") });
        await run("Making cqlsh's environment", python, ["-m", "venv", made]);
        await run("Installing cqlsh", join(made, "bin", "python"), [
          ...["-m", "pip", "install", "--require-hashes", "--no-input"],
          ...["--disable-pip-version-check", "--progress-bar=off", "--requirement", REQUIREMENTS],
        ]);
      },
    },
    report,
  );
  // Its script names the folder that it was installed in, which has another name since.
  return () => cqlsh(join(folder, "bin", "python"));
}

function cqlsh(python: string): Contestant {
  const workers = availableParallelism();
  return {
    name: "cqlsh COPY TO",
    isOurs: false,
    mostRepeats: 2,
    settings: `${VERSION}, CSV, NUMPROCESSES=${workers}, PAGESIZE=5000`,
    form: { kind: "csv", headerRows: 0, files: /visits\.csv$/ },
    commands: (source, folder) => [
      {
        program: python,
        args: [
          ...["-m", "cqlshlib", "127.0.0.1", String(source.server.port)],
          ...["--request-timeout=600", "-e"],
          `COPY tracking.visits TO '${join(folder, "visits.csv")}' WITH NUMPROCESSES=${workers} AND PAGESIZE=5000 AND PAGETIMEOUT=600`,
        ],
      },
    ],
  };
}
