// The report Lambda: ends a run with its record, metrics and alerts.
import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics } from "@aws-lambda-powertools/metrics";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { z } from "zod";
import { openLedger } from "../../stores/ledger/ledger.ts";
import { environmentSchema } from "../runtime/environment.ts";
import { withLog } from "../runtime/log.ts";
import { JsonStore } from "../../stores/bucket/json-store.ts";
import { emitMetrics } from "./emit-metrics.ts";
import { reportInputSchema } from "./input.ts";
import { reportRun } from "./report.ts";

const environment = environmentSchema
  .omit({ SLUICE_CATALOG_STACKS: true })
  .extend({
    /** Empty where nobody is to be notified. */
    SLUICE_TOPIC_ARN: z.string().default(""),
  })
  .parse(process.env);

const logger = new Logger();
const metrics = new Metrics({
  namespace: "Sluice",
  defaultDimensions: { deployment: environment.SLUICE_DEPLOYMENT },
});
const sns = new SNSClient();
const store = new JsonStore({ s3: new S3Client(), bucket: environment.SLUICE_BUCKET });
const ledger = openLedger({
  client: new DynamoDBClient(),
  tableName: environment.SLUICE_LEDGER,
});

async function publish(subject: string, message: string): Promise<void> {
  await sns.send(
    new PublishCommand({
      TopicArn: environment.SLUICE_TOPIC_ARN,
      Subject: subject,
      Message: message,
    }),
  );
}

export const handler = withLog(logger, (event, _, log) =>
  reportRun(reportInputSchema.parse(event), {
    deployment: environment.SLUICE_DEPLOYMENT,
    ledger,
    store,
    log,
    publish: environment.SLUICE_TOPIC_ARN === "" ? undefined : publish,
    emitMetrics: (record) => {
      emitMetrics(metrics, record);
    },
  }),
);
