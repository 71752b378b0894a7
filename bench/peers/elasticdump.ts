// elasticdump, the tool that people dump Elasticsearch indices with.
import { cp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder, ensureFolder, toolLog, type Report } from "../../local/toolchain/cache.ts";
import { runCommand } from "../../local/toolchain/run-command.ts";
import type { Contestant } from "./contestants.ts";

const VERSION = "6.125.1";
const files = ["package.json", "package-lock.json"].map((name) =>
  fileURLToPath(new URL(`elasticdump/${name}`, import.meta.url)),
);
/** Of 1,000, 5,000 and 10,000 the one that costs it the least per document; the server's limit is 10,000. */
const BEST_LIMIT = 10_000;

export interface ElasticdumpOptions {
  /** Documents per request; its best where nothing is given. */
  readonly limit?: number;
  /** It waits this long after each request. */
  readonly throttleMillis?: number;
}

/** Installs elasticdump into the cache, and returns how to run it. */
export async function ensureElasticdump(
  report: Report,
): Promise<(options?: ElasticdumpOptions) => Contestant> {
  const definition = await Promise.all(files.map((file) => readFile(file, "utf8")));
  const folder = await ensureFolder(
    {
      name: "elasticdump",
      definition,
      parent: cacheFolder(),
      make: async (made) => {
        report(`downloading elasticdump ${VERSION} (114 MB with what it needs) …`);
        for (const file of files) await cp(file, join(made, file.slice(file.lastIndexOf("/") + 1)));
        await runCommand({
          what: "Installing elasticdump",
          program: "npm",
          args: ["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
          folder: made,
          logFile: toolLog("elasticdump"),
        });
      },
    },
    report,
  );
  const program = join(folder, "node_modules", "elasticdump", "bin", "elasticdump");
  return (options = {}) => elasticdump(program, options);
}

function elasticdump(program: string, options: ElasticdumpOptions): Contestant {
  const { limit = BEST_LIMIT, throttleMillis } = options;
  return {
    name: "elasticdump",
    isOurs: false,
    settings: [
      `${VERSION}, scroll, --limit=${limit}`,
      "plain file",
      ...(throttleMillis === undefined ? [] : [`--throttleInterval=${throttleMillis}`]),
    ].join(", "),
    form: { kind: "lines", headerRows: 0, files: /leads\.json$/ },
    commands: (source, folder) => [
      {
        program: process.execPath,
        args: [
          program,
          `--input=${source.server.address}/leads`,
          `--output=${join(folder, "leads.json")}`,
          `--limit=${limit}`,
          "--type=data",
          "--quiet",
          ...(throttleMillis === undefined ? [] : [`--throttleInterval=${throttleMillis}`]),
        ],
      },
    ],
  };
}
