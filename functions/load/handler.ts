// The load Lambda: called in a loop for one table until it says done or failed.
import { Logger } from "@aws-lambda-powertools/logger";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GlueClient } from "@aws-sdk/client-glue";
import { RedshiftDataClient } from "@aws-sdk/client-redshift-data";
import { S3Client } from "@aws-sdk/client-s3";
import { z } from "zod";
import { databaseNames } from "../../catalog/schema/glue.ts";
import { readDefinition } from "../data-catalog/read-definition.ts";
import { readCurrentContentId } from "../lake/read-content.ts";
import { LoadLedger } from "../ledger/load-records.ts";
import { withLog } from "../log/log.ts";
import { keys } from "../protocol/keys.ts";
import { planFileSchema } from "../protocol/run-files.ts";
import { JsonStore } from "../storage/json-store.ts";
import { copyManifestKey, readDelta, writeCopyManifest } from "./deltas.ts";
import { load, type LoadParts } from "./load.ts";
import { loadInputSchema } from "./result.ts";
import { Warehouse } from "./warehouse.ts";

const environment = z
  .object({
    SLUICE_DEPLOYMENT: z.string().min(1),
    SLUICE_BUCKET: z.string().min(1),
    SLUICE_LEDGER: z.string().min(1),
    /** Empty where the deployment has no warehouse. */
    SLUICE_WORKGROUP: z.string().default(""),
    SLUICE_DATABASE: z.string().default(""),
    SLUICE_WAREHOUSE_SECRET_ARN: z.string().default(""),
    SLUICE_COPY_ROLE_ARN: z.string().default(""),
  })
  .parse(process.env);

const logger = new Logger();
const glue = new GlueClient();
const s3 = new S3Client();

const bucket = environment.SLUICE_BUCKET;
const store = new JsonStore({ s3, bucket });
const lakeDatabase = databaseNames(environment.SLUICE_DEPLOYMENT).lake;

const parts: Omit<LoadParts, "log"> = {
  warehouse:
    environment.SLUICE_WORKGROUP === ""
      ? null
      : new Warehouse(new RedshiftDataClient(), {
          workgroup: environment.SLUICE_WORKGROUP,
          database: environment.SLUICE_DATABASE,
          secretArn: environment.SLUICE_WAREHOUSE_SECRET_ARN,
        }),
  copyRole: environment.SLUICE_COPY_ROLE_ARN,
  readDefinition: (table) => readDefinition(glue, environment.SLUICE_DEPLOYMENT, table),
  readContentId: (table) => readCurrentContentId({ glue, s3 }, lakeDatabase, table),
  readDelta: (table, snapshot) => readDelta(s3, bucket, table, snapshot),
  manifestUrl: (delta) => `s3://${bucket}/${copyManifestKey(delta)}`,
  writeCopyManifest: (delta) => writeCopyManifest(s3, bucket, delta),
  records: new LoadLedger({ client: new DynamoDBClient(), tableName: environment.SLUICE_LEDGER }),
  putProblem: (problem) => store.put(keys.loadProblem(problem.run, problem.table), problem),
  isByName: async (run) => (await store.find(keys.runPlan(run), planFileSchema))?.byName === true,
  now: Date.now,
};

/** A call answers within this time, however long the warehouse takes. */
const CALL_MILLIS = 20_000;
/** What is kept of the Lambda's own time to answer in. */
const MARGIN_MILLIS = 5000;

/** Parses the input, does the next things, answers. */
export const handler = withLog(logger, async (event, context, log) => {
  const millis = Math.min(CALL_MILLIS, context.getRemainingTimeInMillis() - MARGIN_MILLIS);
  return load(loadInputSchema.parse(event), Date.now() + millis, { ...parts, log });
});
