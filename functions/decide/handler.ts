// The decide Lambda: is a build due?
import { Logger } from "@aws-lambda-powertools/logger";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GlueClient } from "@aws-sdk/client-glue";
import { S3Client } from "@aws-sdk/client-s3";
import { z } from "zod";
import { databaseNames } from "../../catalog/schema/glue.ts";
import { readDefinitions } from "../data-catalog/read-definitions.ts";
import { readMetadataLocations } from "../lake/read-locations.ts";
import { readNeeds } from "../ledger/read-needs.ts";
import { withLog } from "../log/log.ts";
import { JsonStore } from "../storage/json-store.ts";
import { decideInputSchema, decideRun } from "./decide.ts";

const environment = z
  .object({
    SLUICE_DEPLOYMENT: z.string().min(1),
    SLUICE_BUCKET: z.string().min(1),
    SLUICE_LEDGER: z.string().min(1),
    /** Hash of the build job's code. */
    SLUICE_BUILD_VERSION: z.string().min(1),
  })
  .parse(process.env);

const logger = new Logger();
const glue = new GlueClient();
const dynamodb = new DynamoDBClient();
const store = new JsonStore({ s3: new S3Client(), bucket: environment.SLUICE_BUCKET });

export const handler = withLog(logger, (event, _, log) =>
  decideRun(decideInputSchema.parse(event), {
    version: environment.SLUICE_BUILD_VERSION,
    store,
    log,
    readDefinitions: () => readDefinitions(glue, environment.SLUICE_DEPLOYMENT),
    readNeeds: (names) => readNeeds(dynamodb, environment.SLUICE_LEDGER, names),
    readLake: () => readMetadataLocations(glue, databaseNames(environment.SLUICE_DEPLOYMENT).lake),
  }),
);
