// The extract Lambda: one invocation of a lane's chain.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Logger } from "@aws-lambda-powertools/logger";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GlueClient } from "@aws-sdk/client-glue";
import { S3Client } from "@aws-sdk/client-s3";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { TableDefinition } from "../../catalog/definition.ts";
import { DefinitionReader } from "../../stores/data-catalog/read-definition.ts";
import { openLedger } from "../../stores/ledger/ledger.ts";
import { environmentSchema } from "../runtime/environment.ts";
import { withLog } from "../runtime/log.ts";
import { SourceConfigurationError } from "../../contract/errors.ts";
import { collectRarely } from "./collector.ts";
import { runInvocation } from "./extract.ts";
import { readSecret } from "../source-access/read-secret.ts";
import { SourceConnections } from "../source-access/source-connections.ts";

collectRarely();
const environment = environmentSchema.parse(process.env);

const logger = new Logger({ serviceName: "extract" });
const glue = new GlueClient();
const secrets = new SecretsManagerClient();
const s3 = new S3Client();
const ledger = openLedger({
  client: new DynamoDBClient(),
  tableName: environment.SLUICE_LEDGER,
});
const definitions = new DefinitionReader({
  glue,
  deployment: environment.SLUICE_DEPLOYMENT,
  stacks: environment.SLUICE_CATALOG_STACKS,
});
const connections = new SourceConnections((name) => readSecret(secrets, name));

/** Takes a lane's state and returns the next. */
export const handler = withLog(logger, (event, context, log) =>
  runInvocation(event, {
    s3,
    bucket: environment.SLUICE_BUCKET,
    ledger,
    readDefinition: readTable,
    connections,
    remainingMillis: () => context.getRemainingTimeInMillis(),
    clock: { now: Date.now, sleep: (millis) => sleep(millis) },
    attempt: randomUUID().slice(0, 8),
    log: (message, details) => {
      log.warn(message, details);
    },
  }),
);

async function readTable(name: string): Promise<TableDefinition> {
  const definition = await definitions.read(name);
  if (definition.kind === "table") return definition;
  throw new SourceConfigurationError(
    `"${name}" is a model, which is built and not extracted. Remove it from the run's work.`,
  );
}
