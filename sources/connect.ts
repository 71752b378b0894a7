// Makes the client of a source from its definition and its secret.
import type { z } from "zod";
import type { SourceDefinition } from "../catalog/definition.ts";
import { SourceConfigurationError } from "../contract/errors.ts";
import { CassandraSource } from "./cassandra/cassandra.ts";
import { cassandraSecretSchema } from "./cassandra/secret.ts";
import { ElasticsearchSource } from "./elasticsearch/elasticsearch.ts";
import { elasticsearchSecretSchema } from "./elasticsearch/secret.ts";
import { parseSecret } from "./secret.ts";
import type { SourceClient } from "./source.ts";

/**
 * Connects on first use, not here.
 * @throws SourceConfigurationError if the secret does not have the system's form; its values are never shown
 */
export function connect(source: SourceDefinition, secretText: string): SourceClient {
  switch (source.system) {
    case "elasticsearch":
      return new ElasticsearchSource(
        source.name,
        readSecretOf(
          source,
          secretText,
          elasticsearchSecretSchema,
          '{"nodes": ["https://…:9200"]}',
        ),
      );
    case "cassandra":
      return new CassandraSource(
        source.name,
        readSecretOf(
          source,
          secretText,
          cassandraSecretSchema,
          '{"contactPoints": ["…"], "port": 9042, "localDataCenter": "…"}',
        ),
        source.budget.dataCenter,
      );
  }
}

function readSecretOf<T>(
  source: SourceDefinition,
  text: string,
  schema: z.ZodType<T>,
  form: string,
): T {
  const parsed = parseSecret(text, schema);
  if ("secret" in parsed) return parsed.secret;
  throw new SourceConfigurationError(
    `The secret "${source.secret}" of source "${source.name}" does not have the form for ${source.system} ` +
      `(${parsed.mistakes}). Store at least ${form} in it.`,
  );
}
