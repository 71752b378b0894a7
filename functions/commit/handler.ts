// The commit Lambda: turns what the ledger recorded into manifests.
import { Logger } from "@aws-lambda-powertools/logger";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { openLedger } from "../../stores/ledger/ledger.ts";
import { environmentSchema } from "../runtime/environment.ts";
import { withLog } from "../runtime/log.ts";
import { JsonStore } from "../../stores/bucket/json-store.ts";
import { commitInputSchema, commitRun } from "./commit.ts";

const environment = environmentSchema
  .pick({ SLUICE_BUCKET: true, SLUICE_LEDGER: true })
  .parse(process.env);

const logger = new Logger();
const store = new JsonStore({ s3: new S3Client(), bucket: environment.SLUICE_BUCKET });
const ledger = openLedger({
  client: new DynamoDBClient(),
  tableName: environment.SLUICE_LEDGER,
});

export const handler = withLog(logger, (event, _, log) =>
  commitRun(commitInputSchema.parse(event), { ledger, store, log }),
);
