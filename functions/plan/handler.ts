// The plan Lambda: decides what a run reads and hands out one state per lane.
import { Logger } from "@aws-lambda-powertools/logger";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GlueClient } from "@aws-sdk/client-glue";
import { S3Client } from "@aws-sdk/client-s3";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SFNClient } from "@aws-sdk/client-sfn";
import { readDefinitions } from "../../stores/data-catalog/read-definitions.ts";
import { readSecret } from "../source-access/read-secret.ts";
import { SourceConnections } from "../source-access/source-connections.ts";
import { openLedger } from "../../stores/ledger/ledger.ts";
import { environmentSchema } from "../runtime/environment.ts";
import { withLog } from "../runtime/log.ts";
import { JsonStore } from "../../stores/bucket/json-store.ts";
import { isRunning } from "./is-running.ts";
import { planInputSchema, planRun } from "./plan.ts";

const environment = environmentSchema.parse(process.env);

const logger = new Logger();
const glue = new GlueClient();
const sfn = new SFNClient();
const secrets = new SecretsManagerClient();
const store = new JsonStore({ s3: new S3Client(), bucket: environment.SLUICE_BUCKET });
const ledger = openLedger({
  client: new DynamoDBClient(),
  tableName: environment.SLUICE_LEDGER,
});
const connections = new SourceConnections((name) => readSecret(secrets, name));

export const handler = withLog(logger, (event, _, log) =>
  planRun(planInputSchema.parse(event), {
    nowMillis: Date.now(),
    ledger,
    store,
    log,
    isRunning: (execution) => isRunning(sfn, execution),
    readDefinitions: async () => {
      const found = await readDefinitions({
        glue,
        deployment: environment.SLUICE_DEPLOYMENT,
        stacks: environment.SLUICE_CATALOG_STACKS,
      });
      if (found.pending.length > 0) {
        log.warn("catalog stacks are not deployed since their number was changed", {
          databases: found.pending,
        });
      }
      return found;
    },
    connect: async (source) => {
      // Plan runs seldom enough to read the secret each time.
      await connections.renew(source);
      return connections.get(source);
    },
  }),
);
