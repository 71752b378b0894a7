// The decide Lambda: is a build due?
import { Logger } from "@aws-lambda-powertools/logger";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GlueClient } from "@aws-sdk/client-glue";
import { S3Client } from "@aws-sdk/client-s3";
import { z } from "zod";
import { lakeDatabase } from "../../catalog/placement.ts";
import { readDefinitions } from "../../stores/data-catalog/read-definitions.ts";
import { readMetadataLocations } from "../../stores/lake/read-locations.ts";
import { openLedger } from "../../stores/ledger/ledger.ts";
import { environmentSchema } from "../runtime/environment.ts";
import { withLog } from "../runtime/log.ts";
import { JsonStore } from "../../stores/bucket/json-store.ts";
import { decideInputSchema, decideRun } from "./decide.ts";

const environment = environmentSchema
  .extend({
    /** Hash of the build job's code. */
    SLUICE_BUILD_VERSION: z.string().min(1),
  })
  .parse(process.env);

const logger = new Logger();
const glue = new GlueClient();
const store = new JsonStore({ s3: new S3Client(), bucket: environment.SLUICE_BUCKET });
const ledger = openLedger({
  client: new DynamoDBClient(),
  tableName: environment.SLUICE_LEDGER,
});

export const handler = withLog(logger, (event, _, log) =>
  decideRun(decideInputSchema.parse(event), {
    version: environment.SLUICE_BUILD_VERSION,
    store,
    ledger,
    log,
    readDefinitions: () =>
      readDefinitions({
        glue,
        deployment: environment.SLUICE_DEPLOYMENT,
        stacks: environment.SLUICE_CATALOG_STACKS,
      }),
    readLake: () => readMetadataLocations(glue, lakeDatabase(environment.SLUICE_DEPLOYMENT)),
  }),
);
