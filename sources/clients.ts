// Makes the client of a source from its definition and its secret; a line for each system.
import type { z } from "zod";
import type { SourceDefinition } from "../catalog/definition.ts";
import { SourceConfigurationError } from "../contract/errors.ts";
import type { JsonObject } from "../contract/json.ts";
import { connectCassandra } from "./cassandra/cassandra.ts";
import { connectElasticsearch } from "./elasticsearch/elasticsearch.ts";
import { declarationOf } from "./declarations.ts";
import { parseSecret } from "./secret.ts";
import type { ConnectSource, SourceClient } from "./source.ts";

const clients = new Map<string, ConnectSource>([
  ["elasticsearch", connectElasticsearch],
  ["cassandra", connectCassandra],
]);

/** Makes a system readable whose declaration is registered with `sources/declarations.ts`. */
export function registerClient(system: string, connectSource: ConnectSource): void {
  clients.set(system, connectSource);
}

/**
 * Connects on first use, not here.
 * @throws SourceConfigurationError if the secret does not have the system's form; its values are never shown
 */
export function connect(source: SourceDefinition, secretText: string): SourceClient {
  const { secret, leastSecret } = declarationOf(source.system);
  const connectSource = clients.get(source.system);
  if (connectSource === undefined)
    throw new SourceConfigurationError(
      `There is no client for the source system ${source.system} of source "${source.name}".`,
    );
  return connectSource(source, readSecretOf(source, secretText, secret, leastSecret));
}

function readSecretOf(
  source: SourceDefinition,
  text: string,
  schema: z.ZodType<JsonObject>,
  form: string,
): JsonObject {
  const parsed = parseSecret(text, schema);
  if ("secret" in parsed) return parsed.secret;
  throw new SourceConfigurationError(
    `The secret "${source.secret}" of source "${source.name}" does not have the form for ${source.system} ` +
      `(${parsed.mistakes}). Store at least ${form} in it.`,
  );
}
