// The load Lambda: chooses what is to be loaded, and is called in a loop for each of those tables until it says done or failed.
import { Logger } from "@aws-lambda-powertools/logger";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GlueClient } from "@aws-sdk/client-glue";
import { RedshiftDataClient } from "@aws-sdk/client-redshift-data";
import { S3Client } from "@aws-sdk/client-s3";
import { z } from "zod";
import { lakeDatabase } from "../../catalog/placement.ts";
import { DefinitionReader } from "../../stores/data-catalog/read-definition.ts";
import {
  readDefinitions,
  type DefinitionStore,
} from "../../stores/data-catalog/read-definitions.ts";
import { readCurrentContentId } from "../../stores/lake/read-content.ts";
import { readMetadataLocations } from "../../stores/lake/read-locations.ts";
import { openLedger } from "../../stores/ledger/ledger.ts";
import { environmentSchema } from "../runtime/environment.ts";
import { withLog } from "../runtime/log.ts";
import { keys } from "../../contract/keys.ts";
import { planFileSchema } from "../../contract/run-files.ts";
import { JsonStore } from "../../stores/bucket/json-store.ts";
import { chooseInputSchema, chooseLoads, type ChooseResult } from "./choose.ts";
import { readDelta, writeCopyManifest } from "./deltas.ts";
import { load, type LoadParts } from "./load.ts";
import { loadInputSchema, type LoadResult } from "./result.ts";
import { Warehouse } from "./warehouse.ts";

const environment = environmentSchema
  .extend({
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

const BUCKET = environment.SLUICE_BUCKET;
const store = new JsonStore({ s3, bucket: BUCKET });
const LAKE = lakeDatabase(environment.SLUICE_DEPLOYMENT);
const catalog: DefinitionStore = {
  glue,
  deployment: environment.SLUICE_DEPLOYMENT,
  stacks: environment.SLUICE_CATALOG_STACKS,
};
const definitions = new DefinitionReader(catalog);

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
  readDefinition: (table) => definitions.read(table),
  readContentId: (table) => readCurrentContentId({ glue, s3 }, LAKE, table),
  readDelta: (table, snapshot) => readDelta(s3, BUCKET, table, snapshot),
  manifestUrl: (delta) => `s3://${BUCKET}/${keys.copyManifest(delta.table, delta.snapshot)}`,
  writeCopyManifest: (delta) => writeCopyManifest(s3, BUCKET, delta),
  ledger: openLedger({ client: new DynamoDBClient(), tableName: environment.SLUICE_LEDGER }),
  putProblem: (problem) => store.put(keys.loadProblem(problem.run, problem.table), problem),
  isByName: async (run) => (await store.find(keys.runPlan(run), planFileSchema))?.byName === true,
  now: Date.now,
};

/** A call returns within this time, however long the warehouse takes. */
const CALL_MILLIS = 20_000;
/** What is kept of the Lambda's own time to return in. */
const MARGIN_MILLIS = 5000;

/** Chooses the tables of a run, or does the next things for one of them. */
export const handler = withLog<LoadResult | ChooseResult>(logger, async (event, context, log) => {
  const remaining = context.getRemainingTimeInMillis() - MARGIN_MILLIS;
  const choice = chooseInputSchema.safeParse(event);
  if (choice.success) {
    return chooseLoads(choice.data, Date.now() + remaining, {
      ...{ warehouse: parts.warehouse, store, nowMillis: Date.now(), log },
      address: `${environment.SLUICE_WORKGROUP}/${environment.SLUICE_DATABASE}`,
      readDefinitions: () => readDefinitions(catalog),
      readLake: () => readMetadataLocations(glue, LAKE),
      readContentId: parts.readContentId,
    });
  }
  const millis = Math.min(CALL_MILLIS, remaining);
  return load(loadInputSchema.parse(event), Date.now() + millis, { ...parts, log });
});
