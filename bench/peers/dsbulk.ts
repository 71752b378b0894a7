// DataStax Bulk Loader, the tool that people unload Cassandra tables with.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder, ensureFolder, type Report } from "../../local/toolchain/cache.ts";
import { copyLibraries, pomDefinition } from "../../local/toolchain/maven.ts";
import { findJava } from "../../local/toolchain/prerequisites.mjs";
import type { Contestant } from "./contestants.ts";

const VERSION = "1.10.0";
const POM = fileURLToPath(new URL("dsbulk/pom.xml", import.meta.url));
const HEAP_MEGABYTES = 1024;

export interface DsbulkOptions {
  readonly connector: "json" | "csv";
  readonly maxRowsPerSecond?: number;
}

/** Downloads DSBulk into the cache, and returns how to run it. */
export async function ensureDsbulk(
  report: Report,
): Promise<(options: DsbulkOptions) => Contestant> {
  const jars = await ensureFolder(
    {
      name: "dsbulk-jars",
      definition: await pomDefinition(POM),
      parent: cacheFolder(),
      make: async (folder) => {
        report(`downloading DSBulk ${VERSION} (35 MB) …`);
        await copyLibraries("dsbulk-jars", POM, folder);
      },
    },
    report,
  );
  return (options) => dsbulk(jars, options);
}

function dsbulk(jars: string, options: DsbulkOptions): Contestant {
  const { connector, maxRowsPerSecond } = options;
  const form = connector === "json" ? "JSON" : "CSV";
  return {
    name: `DSBulk, ${form}`,
    isOurs: false,
    settings: [
      `${VERSION}, heap ${HEAP_MEGABYTES} MB, ${form} connector, plain files`,
      "pages of 5,000, its own choice of concurrency and files",
      ...(maxRowsPerSecond === undefined ? [] : [`executor.maxPerSecond=${maxRowsPerSecond}`]),
    ].join(", "),
    form: {
      kind: connector === "json" ? "lines" : "csv",
      headerRows: connector === "csv" ? 1 : 0,
      files: /^dsbulk\/[^/]+\.(json|csv)$/,
    },
    commands: (source, folder) => [
      {
        program: join(findJava(), "bin", "java"),
        args: [
          `-Xmx${HEAP_MEGABYTES}m`,
          `-Djava.io.tmpdir=${folder}`,
          ...["-cp", join(jars, "*"), "com.datastax.oss.dsbulk.runner.DataStaxBulkLoader"],
          ...["unload", "-h", "127.0.0.1", "-port", String(source.server.port)],
          ...["-k", "tracking", "-t", "visits", "-c", connector],
          ...["-url", join(folder, "dsbulk"), "-logDir", join(folder, "logs")],
          ...(maxRowsPerSecond === undefined
            ? []
            : [`--executor.maxPerSecond=${Math.max(1, Math.round(maxRowsPerSecond))}`]),
        ],
      },
    ],
  };
}
