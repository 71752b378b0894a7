// Fetches Java libraries with Maven.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder, toolLog } from "./cache.ts";
import { withLock } from "./lock.mjs";
import { findJava, findMaven } from "./prerequisites.mjs";
import { runCommand } from "./run-command.ts";

/** The version of the plugin that copies artifacts, a part of every tool's definition. */
const DEPENDENCY_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1";

/** Downloads all libraries that a pom names, with what they need, into the folder. */
export async function copyLibraries(name: string, pom: string, folder: string): Promise<void> {
  await runMaven(name, [
    "-f",
    pom,
    `${DEPENDENCY_PLUGIN}:copy-dependencies`,
    `-DoutputDirectory=${folder}`,
  ]);
}

/** Downloads one artifact (`group:name:version:type`) into the folder. */
export async function copyArtifact(name: string, artifact: string, folder: string): Promise<void> {
  await runMaven(name, [
    `${DEPENDENCY_PLUGIN}:copy`,
    `-Dartifact=${artifact}`,
    `-DoutputDirectory=${folder}`,
  ]);
}

/** The text of a pom and all else that decides which libraries come with it. */
export async function pomDefinition(pom: string): Promise<string[]> {
  return [await readFile(pom, "utf8"), DEPENDENCY_PLUGIN];
}

async function runMaven(name: string, args: readonly string[]): Promise<void> {
  const command = {
    what: `Downloading ${name} with Maven`,
    program: findMaven(),
    args: ["--batch-mode", "--no-transfer-progress", "-Dstyle.color=never", ...args],
    logFile: toolLog(name),
    env: { ...process.env, JAVA_HOME: findJava() },
  };
  // Maven 3 does not guard its own repository against two that fill it at once.
  await withLock(join(cacheFolder(), "locks", "maven.lock"), () => runCommand(command));
}
