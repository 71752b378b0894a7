// Provides the Java libraries that are the Cassandra server.
import { cp } from "node:fs/promises";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder, ensureFolder, serversFolder, type Report } from "./cache.ts";
import { copyLibraries, pomDefinition } from "./maven.ts";

const POM = fileURLToPath(new URL("../cassandra/pom.xml", import.meta.url));

/** The folder of the jars, where the user that runs the server can read them. */
export async function ensureCassandraJars(report: Report): Promise<string> {
  const downloaded = await ensureFolder(
    {
      name: "cassandra-jars",
      definition: await pomDefinition(POM),
      parent: cacheFolder(),
      make: async (folder) => {
        report("downloading Cassandra 5.0.9 (67 MB) …");
        await copyLibraries("cassandra-jars", POM, folder);
      },
    },
    report,
  );
  if (serversFolder() === cacheFolder()) return downloaded;
  return ensureFolder(
    {
      name: "cassandra-jars",
      definition: [basename(downloaded)],
      parent: serversFolder(),
      make: (folder) => cp(downloaded, folder, { recursive: true }),
    },
    report,
  );
}
