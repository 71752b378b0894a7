// Synthesizes the CDK app and applies it to the emulated AWS: what runs here is what would be deployed.
import {
  PutSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { localChoices, localConfig } from "./deployment.ts";
import { appFingerprint, synthesizeApp } from "./project-app.ts";
import { quoteLog, lastLines } from "./toolchain/log-tail.ts";
import { runCommand } from "./toolchain/run-command.ts";
import type { PythonEnvironment } from "./toolchain/python-environment.ts";
import {
  LOCAL_ACCOUNT,
  LOCAL_CREDENTIALS,
  LOCAL_REGION,
  OWNER_ONLY,
  ENGINE_FOLDER,
  writeRunning,
  type LocalOptions,
  type RunningStack,
} from "./state.ts";

/** Of each secret the hash of what was put into it. */
const filledSchema = z.record(z.string(), z.string());

const summarySchema = z.object({
  created: z.number(),
  updated: z.number(),
  deleted: z.number(),
});
export type DeploySummary = z.infer<typeof summarySchema> & { readonly changed: boolean };

/**
 * Synthesizes and deploys, if the catalog, the code or a choice changed since the last time.
 * @throws Error with the mistake in the catalog, or the last lines of the part that failed
 */
export async function applyCatalogAndCode(
  folder: string,
  running: RunningStack,
  python: PythonEnvironment,
  report: (line: string) => void,
): Promise<DeploySummary> {
  const { endpoint } = running;
  if (endpoint === undefined)
    throw new Error("The emulated AWS does not run: start it with `sluice up`");
  const { set } = running.options;
  const choices = localChoices(set);
  const stampFile = join(folder, "deployed.sha256");
  const fingerprint = createHash("sha256")
    .update(JSON.stringify(choices))
    .update(appFingerprint(localConfig(set).catalog))
    .digest("hex");
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === fingerprint) {
    return { created: 0, updated: 0, deleted: 0, changed: false };
  }
  report("synthesizing the CDK app …");
  const assembly = join(folder, "cdk.out");
  const deploymentFile = join(folder, `${running.deployment}.json`);
  writeFileSync(deploymentFile, JSON.stringify(choices, null, 2));
  await synthesizeApp(deploymentFile, assembly, join(running.logFolder, "synth.log"));
  report("deploying the synthesized template …");
  const deployLog = join(running.logFolder, "deploy.log");
  await runCommand({
    what: "Deploying to the emulated AWS",
    program: python.python,
    args: [
      ...["-m", "emulator.deploy", "--endpoint", endpoint, "--assembly", assembly],
      ...["--state", join(folder, "deployed.json")],
      ...["--region", LOCAL_REGION, "--account", LOCAL_ACCOUNT],
    ],
    logFile: deployLog,
    folder: ENGINE_FOLDER,
    env: { ...process.env, PYTHONPATH: join(ENGINE_FOLDER, "emulator") },
  });
  const lastLine = lastLines(deployLog, 1)[0] ?? "";
  const summary = parseSummary(lastLine, deployLog);
  await fillSecrets(folder, running, endpoint);
  writeFileSync(stampFile, fingerprint);
  return { ...summary, changed: true };
}

/** Gives a running stack other addresses or credentials of the user's own sources. */
export async function repoint(
  folder: string,
  running: RunningStack,
  given: LocalOptions["secrets"],
): Promise<RunningStack> {
  const { endpoint } = running;
  if (endpoint === undefined)
    throw new Error("The emulated AWS does not run: start it with `sluice up`");
  const changed = {
    ...running,
    options: { ...running.options, secrets: { ...running.options.secrets, ...given } },
    secrets: { ...running.secrets, ...given },
  };
  await fillSecrets(folder, changed, endpoint);
  writeRunning(folder, changed);
  return changed;
}

function parseSummary(line: string, logFile: string): z.infer<typeof summarySchema> {
  try {
    return summarySchema.parse(JSON.parse(line));
  } catch {
    throw new Error(`The deployer ended without its summary. ${quoteLog(logFile, [line])}`);
  }
}

/**
 * What a platform team does after the first deploy: puts addresses and credentials into the sources' secrets. Once for
 * each that was typed, so that later changes stay.
 */
async function fillSecrets(folder: string, running: RunningStack, endpoint: string): Promise<void> {
  const filledFile = join(folder, "filled-secrets.json");
  const filled = existsSync(filledFile)
    ? filledSchema.parse(JSON.parse(readFileSync(filledFile, "utf8")))
    : {};
  const client = new SecretsManagerClient({
    endpoint,
    region: LOCAL_REGION,
    credentials: LOCAL_CREDENTIALS,
  });
  const { loadCatalog } = await import("../lib/load-catalog.ts");
  // Cached by Node: names and systems of sources hardly ever change while a stack runs.
  const catalog = await loadCatalog(localConfig(running.options.set).catalog);
  for (const source of catalog.sources) {
    const secret = running.secrets[source.system];
    if (secret === undefined) continue;
    const name = `${running.deployment}/source/${source.name}`;
    const text = JSON.stringify(secret);
    const hash = createHash("sha256").update(text).digest("hex");
    if (filled[name] === hash) continue;
    try {
      await client.send(new PutSecretValueCommand({ SecretId: name, SecretString: text }));
      filled[name] = hash;
      writeFileSync(filledFile, JSON.stringify(filled), { mode: OWNER_ONLY });
    } catch (error) {
      if (!(error instanceof ResourceNotFoundException)) throw error;
      throw new Error(`The deployed stack has no secret ${name} for source ${source.name}`, {
        cause: error,
      });
    }
  }
  client.destroy();
}
