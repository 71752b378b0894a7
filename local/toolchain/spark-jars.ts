// Provides the Java libraries that Spark needs to read S3 and Iceberg as AWS Glue does.
import { fileURLToPath } from "node:url";
import { cacheFolder, ensureFolder, type Report } from "./cache.ts";
import { copyLibraries, pomDefinition } from "./maven.ts";

const POM = fileURLToPath(new URL("../spark/pom.xml", import.meta.url));

/** The folder of the jars. */
export async function ensureSparkJars(report: Report): Promise<string> {
  return ensureFolder(
    {
      name: "spark-jars",
      definition: await pomDefinition(POM),
      parent: cacheFolder(),
      make: async (folder) => {
        report("downloading Spark's libraries (380 MB) …");
        await copyLibraries("spark-jars", POM, folder);
      },
    },
    report,
  );
}
