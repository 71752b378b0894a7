// Provides the Elasticsearch server: the distribution from Maven, with Sluice's plugins built in.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { cacheFolder, ensureFolder, serversFolder, toolLog, type Report } from "./cache.ts";
import { copyArtifact } from "./maven.ts";
import { findJava } from "./prerequisites.mjs";
import { runCommand, ToolchainError } from "./run-command.ts";

const VERSION = "8.19.16";
const ARTIFACT = `org.elasticsearch.distribution.integ-test-zip:elasticsearch:${VERSION}:zip`;
const SHA512 =
  "97db38d6920fbdace83ce32d041e2e6faf1c895aa03dc3cc75715c952a646021" +
  "af124f4e49b0a8e2bb066362cdec4d45772a846c613a8f459b7e8260f9d17067";
const ZIP_NAME = `elasticsearch-${VERSION}.zip`;
const PLUGINS_SOURCE = fileURLToPath(new URL("../elasticsearch-plugins", import.meta.url));

/** The server's home folder, readable by the user that runs it. */
export async function ensureElasticsearchHome(report: Report): Promise<string> {
  const plugins = await readPlugins();
  return ensureFolder(
    {
      name: "elasticsearch",
      definition: [VERSION, JSON.stringify(plugins)],
      parent: serversFolder(),
      make: async (folder) => {
        const zip = await ensureZip(report);
        report("unpacking Elasticsearch …");
        await unpack(zip, folder);
        for (const plugin of plugins) await buildPlugin(plugin, folder);
      },
    },
    report,
  );
}

interface Plugin {
  name: string;
  descriptor: string;
  sources: { fileName: string; text: string }[];
}

async function ensureZip(report: Report): Promise<string> {
  const folder = await ensureFolder(
    {
      name: "elasticsearch-download",
      definition: [ARTIFACT, SHA512],
      parent: cacheFolder(),
      make: async (halfMade) => {
        report(`downloading Elasticsearch ${VERSION} (104 MB) …`);
        await copyArtifact("elasticsearch", ARTIFACT, halfMade);
        await verify(join(halfMade, ZIP_NAME));
      },
    },
    report,
  );
  return join(folder, ZIP_NAME);
}

async function verify(zip: string): Promise<void> {
  const hash = createHash("sha512");
  await pipeline(createReadStream(zip), hash);
  const found = hash.digest("hex");
  if (found === SHA512) return;
  throw new ToolchainError(
    `The downloaded ${ZIP_NAME} has SHA-512 ${found} in place of ${SHA512}. ` +
      "It may be damaged or tampered with: remove org/elasticsearch from ~/.m2/repository and try again.",
  );
}

// The zip holds one folder, whose content is needed; jar does not keep the right to execute.
async function unpack(zip: string, folder: string): Promise<void> {
  await runTool("jar", "Unpacking Elasticsearch", ["--extract", "--file", zip], folder);
  const inner = join(folder, `elasticsearch-${VERSION}`);
  for (const name of await readdir(inner)) await rename(join(inner, name), join(folder, name));
  await rm(inner, { recursive: true });
  const programs = join(folder, "bin");
  for (const name of await readdir(programs)) await chmod(join(programs, name), 0o755);
}

async function readPlugins(): Promise<Plugin[]> {
  const plugins: Plugin[] = [];
  const entries = await readdir(PLUGINS_SOURCE, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  for (const name of names.sort()) {
    const folder = join(PLUGINS_SOURCE, name);
    const descriptor = await readFile(join(folder, "plugin-descriptor.properties"), "utf8");
    const sources: Plugin["sources"] = [];
    for (const fileName of (await readdir(folder)).sort()) {
      if (!fileName.endsWith(".java")) continue;
      sources.push({ fileName, text: await readFile(join(folder, fileName), "utf8") });
    }
    plugins.push({ name, descriptor, sources });
  }
  return plugins;
}

async function buildPlugin(plugin: Plugin, home: string): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), "sluice-plugin-"));
  try {
    for (const { fileName, text } of plugin.sources) await writeFile(join(work, fileName), text);
    await runTool(
      "javac",
      `Compiling the Elasticsearch plugin ${plugin.name}`,
      ["-proc:none", "-cp", join(home, "lib", "*"), "-d", "classes"].concat(
        plugin.sources.map(({ fileName }) => fileName),
      ),
      work,
    );
    const folder = join(home, "plugins", plugin.name);
    await mkdir(folder, { recursive: true });
    await runTool(
      "jar",
      `Packing the Elasticsearch plugin ${plugin.name}`,
      ["--create", "--file", join(folder, `${plugin.name}.jar`), "-C", "classes", "."],
      work,
    );
    await writeFile(
      join(folder, "plugin-descriptor.properties"),
      `${plugin.descriptor}elasticsearch.version=${VERSION}\njava.version=17\n`,
    );
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function runTool(
  tool: "jar" | "javac",
  what: string,
  args: readonly string[],
  folder: string,
): Promise<void> {
  const program = join(findJava(), "bin", tool);
  await runCommand({ what, program, args, folder, logFile: toolLog(`elasticsearch-${tool}`) });
}
