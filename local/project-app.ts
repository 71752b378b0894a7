// The project's CDK app: what its template depends on, and its synthesis as `cdk synth` would do it.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { delimiter, dirname, join, relative, resolve } from "node:path";
import { z } from "zod";
import { readJsonFile } from "../lib/json-file.ts";
import { projectHere, type Project } from "../lib/project.ts";
import { ENGINE_FOLDER } from "./state.ts";
import { runCommand } from "./toolchain/run-command.ts";

/** Sluice's own part of what is deployed. */
const ENGINE_PATHS = [
  ...["contract", "catalog", "sources", "stores", "functions", "bundles", "glue-jobs", "lib"],
  ...["index.ts", "package.json", "package-lock.json"],
];
/** What a project's template does not depend on, beside all names that begin with a dot. */
const LEFT_OUT = new Set(["node_modules", "cdk.out", "__pycache__"]);

const cdkFileSchema = z.looseObject({
  app: z.string(),
  context: z.record(z.string(), z.unknown()).optional(),
});
const contextSchema = z.record(z.string(), z.unknown());

/** A hash of everything that decides what is deployed: Sluice's code, and the project's files. */
export function appFingerprint(catalog: string): string {
  const hash = createHash("sha256");
  const add = (from: string): void => {
    for (const file of filesIn(from)) hash.update(file).update(readFileSync(file));
  };
  for (const path of ENGINE_PATHS) add(join(ENGINE_FOLDER, path));
  const { folder } = projectHere();
  const catalogFolder = dirname(resolve(folder, catalog));
  if (folder === ENGINE_FOLDER) add(join(folder, "cdk.json"));
  else add(folder);
  // One may be given that lies elsewhere.
  if (folder === ENGINE_FOLDER || relative(folder, catalogFolder).startsWith(".."))
    add(catalogFolder);
  return hash.digest("hex");
}

function filesIn(path: string): string[] {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .filter((name) => !name.startsWith(".") && !LEFT_OUT.has(name))
    .sort()
    .flatMap((name) => filesIn(join(path, name)));
}

/**
 * Runs the app that the project's cdk.json names, for one deployment.
 *
 * @param deploymentFile the file that stands for one in deployments/
 * @throws Error with the mistake in cdk.json, or the last lines of the app
 */
export async function synthesizeApp(
  deploymentFile: string,
  assembly: string,
  logFile: string,
): Promise<void> {
  const project = projectHere();
  const { app, context } = readCdkFile(project);
  await runCommand({
    what: "Synthesizing the CDK app",
    program: "/bin/sh",
    args: ["-c", app],
    logFile,
    folder: project.folder,
    env: {
      ...process.env,
      // The Node that runs this takes TypeScript as it is.
      PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ""}`,
      CDK_OUTDIR: assembly,
      CDK_CONTEXT_JSON: JSON.stringify({
        ...context,
        deployment: deploymentFile,
        "aws:cdk:enable-path-metadata": false,
        "aws:cdk:version-reporting": false,
      }),
    },
  });
}

function readCdkFile({ folder }: Project): z.infer<typeof cdkFileSchema> {
  const file = join(folder, "cdk.json");
  const parsed = cdkFileSchema.safeParse(readJsonFile(file));
  if (!parsed.success) {
    throw new Error(
      `${file} does not say which program is the CDK app. Fix: write { "app": "node app.ts" }`,
    );
  }
  // What CDK has looked up in an account before.
  const known = contextSchema.safeParse(readJsonFile(join(folder, "cdk.context.json"))).data;
  return { ...parsed.data, context: { ...known, ...parsed.data.context } };
}
