// The commit Lambda: turns what the ledger recorded into manifests.
import { Logger } from "@aws-lambda-powertools/logger";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { z } from "zod";
import { Ledger } from "../../stores/ledger/ledger.ts";
import { withLog } from "../log/log.ts";
import { JsonStore } from "../../stores/bucket/json-store.ts";
import { commitInputSchema, commitRun } from "./commit.ts";

const environment = z
  .object({ SLUICE_BUCKET: z.string().min(1), SLUICE_LEDGER: z.string().min(1) })
  .parse(process.env);

const logger = new Logger();
const store = new JsonStore({ s3: new S3Client(), bucket: environment.SLUICE_BUCKET });
const ledger = new Ledger({
  client: new DynamoDBClient(),
  tableName: environment.SLUICE_LEDGER,
});

export const handler = withLog(logger, (event, _, log) =>
  commitRun(commitInputSchema.parse(event), { ledger, store, log }),
);
