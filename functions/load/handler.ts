// The load Lambda: called in a loop for one table until it says done or failed.
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GlueClient } from "@aws-sdk/client-glue";
import { RedshiftDataClient } from "@aws-sdk/client-redshift-data";
import { S3Client } from "@aws-sdk/client-s3";
import type { Context } from "aws-lambda";
import { z } from "zod";
import { lakeDatabase } from "../../catalog/schema/placement.ts";
import { DefinitionReader } from "../data-catalog/read-definition.ts";
import { readCurrentContentId } from "../lake/read-content.ts";
import { copyManifestKey, readDelta, writeCopyManifest } from "./deltas.ts";
import { load, type LoadParts } from "./load.ts";
import { requestReplace } from "./replace-request.ts";
import { loadInputSchema, type LoadResult } from "./result.ts";
import { Warehouse } from "./warehouse.ts";

const environment = z
  .object({
    SLUICE_DEPLOYMENT: z.string().min(1),
    SLUICE_BUCKET: z.string().min(1),
    SLUICE_LEDGER: z.string().min(1),
    SLUICE_CATALOG_STACKS: z.coerce.number().int().positive(),
    /** Empty where the deployment has no warehouse. */
    SLUICE_WORKGROUP: z.string().default(""),
    SLUICE_DATABASE: z.string().default(""),
    SLUICE_WAREHOUSE_SECRET_ARN: z.string().default(""),
    SLUICE_COPY_ROLE_ARN: z.string().default(""),
  })
  .parse(process.env);

const glue = new GlueClient();
const s3 = new S3Client();
const dynamodb = new DynamoDBClient();

const bucket = environment.SLUICE_BUCKET;
const lake = lakeDatabase(environment.SLUICE_DEPLOYMENT);
const definitions = new DefinitionReader({
  glue,
  deployment: environment.SLUICE_DEPLOYMENT,
  stacks: environment.SLUICE_CATALOG_STACKS,
});

const parts: LoadParts = {
  warehouse:
    environment.SLUICE_WORKGROUP === ""
      ? null
      : new Warehouse(new RedshiftDataClient(), {
          workgroup: environment.SLUICE_WORKGROUP,
          database: environment.SLUICE_DATABASE,
          secretArn: environment.SLUICE_WAREHOUSE_SECRET_ARN,
        }),
  copyRole: environment.SLUICE_COPY_ROLE_ARN,
  readDefinition: (table) => definitions.read(table),
  readContentId: (table) => readCurrentContentId({ glue, s3 }, lake, table),
  readDelta: (table, snapshot) => readDelta(s3, bucket, table, snapshot),
  manifestUrl: (delta) => `s3://${bucket}/${copyManifestKey(delta)}`,
  writeCopyManifest: (delta) => writeCopyManifest(s3, bucket, delta),
  requestReplace: (table) => requestReplace(dynamodb, environment.SLUICE_LEDGER, table, Date.now()),
};

/** A call answers within this time, however long the warehouse takes. */
const CALL_MILLIS = 20_000;
/** What is kept of the Lambda's own time to answer in. */
const MARGIN_MILLIS = 5000;

/** Parses the input, does the next things, answers. */
export async function handler(event: unknown, context: Context): Promise<LoadResult> {
  const millis = Math.min(CALL_MILLIS, context.getRemainingTimeInMillis() - MARGIN_MILLIS);
  return load(loadInputSchema.parse(event), Date.now() + millis, parts);
}
