// Bundles the extractor's process as the deployed function is bundled.
import { join } from "node:path";
import { build } from "esbuild";
import { EXTRACTOR_SOURCE } from "../peers/contestants.ts";

/** @returns the bundle's file in the folder */
export async function bundleExtractor(folder: string): Promise<string> {
  const outfile = join(folder, "extractor.mjs");
  await build({
    ...{ entryPoints: [EXTRACTOR_SOURCE], outfile, bundle: true, platform: "node" },
    ...{ format: "esm", target: "node24", mainFields: ["module", "main"] },
    external: ["kerberos"],
    banner: {
      js: "import { createRequire } from 'node:module';const require = createRequire(import.meta.url);",
    },
    logLevel: "warning",
  });
  return outfile;
}
