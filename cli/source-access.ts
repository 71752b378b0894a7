// Reaches a source of the catalog from this machine: by an address that was typed, or by its secret in a deployment.
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { SourceDefinition } from "../catalog/definition.ts";
import { resolveSource } from "../catalog/resolve.ts";
import type { Catalog, Source } from "../catalog/table.ts";
import { readSecret } from "../functions/source-access/read-secret.ts";
import { connect } from "../sources/clients.ts";
import type { SourceClient } from "../sources/source.ts";
import { importCatalog } from "../lib/load-catalog.ts";
import { describedDeployment } from "../lib/deployment/read.ts";
import { projectHere } from "../lib/project.ts";
import { runningStack } from "../local/control.ts";
import { localConfig } from "../local/deployment.ts";
import { UsageError } from "./arguments.ts";
import { chooseConnection } from "./choose-connection.ts";
import { localOptions, type StackArguments } from "./local-stack.ts";

export interface AccessArguments extends StackArguments {
  readonly deployed?: string | undefined;
}

/** Takes the deployment's place in a secret's name where an address was typed, so that no secret is read. */
const NO_DEPLOYMENT = "typed";

/** The catalog of the named deployment, or that the running stack was started with, else the project's. */
export function openCatalog(given: AccessArguments): ReturnType<typeof importCatalog> {
  const { deployed } = given;
  if (deployed !== undefined) {
    return importCatalog(describedDeployment(deployed)?.catalog ?? projectHere().catalog);
  }
  return importCatalog(localConfig(runningStack()?.options.set ?? {}).catalog);
}

/** @throws UsageError if the catalog has no such source */
export function findSource(catalog: Catalog, name: string): Source {
  const source = catalog.sources.find((one) => one.name === name);
  if (source !== undefined) return source;
  throw new UsageError(
    `there is no source ${JSON.stringify(name)}; catalog/sources.ts has ${catalog.sources.map((one) => one.name).join(", ")}`,
  );
}

/**
 * @throws Error if no address was typed and there is no deployment to take the source's secret from;
 *   SourceConfigurationError if the secret does not have the system's form
 */
export async function openSource(
  source: Source,
  given: AccessArguments,
): Promise<{ client: SourceClient; definition: SourceDefinition }> {
  const typed = localOptions(given).secrets[source.system];
  if (typed !== undefined) {
    const definition = resolveSource(source, NO_DEPLOYMENT);
    return { client: connect(definition, JSON.stringify(typed)), definition };
  }
  const connection = await chooseConnection(given.deployed);
  const secrets = new SecretsManagerClient(connection.clientConfig);
  try {
    const definition = resolveSource(source, connection.deployment.deployment);
    const text = await readSecret(secrets, definition.secret);
    return { client: connect(definition, text), definition };
  } finally {
    secrets.destroy();
  }
}
