// Reads the made-up system as a run does: from its table in the Data Catalog to a committed manifest, on the emulated AWS
// of a test of the build. Arguments: deployment, bucket, ledger, the folder of the source, and the run's name.
import { setTimeout as sleep } from "node:timers/promises";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  AlreadyExistsException,
  CreateTableCommand,
  GlueClient,
  UpdateTableCommand,
} from "@aws-sdk/client-glue";
import { S3Client } from "@aws-sdk/client-s3";
import { encodeEntry } from "../../../catalog/glue.ts";
import { definitionsDatabase } from "../../../catalog/placement.ts";
import { keys } from "../../../contract/keys.ts";
import { commitFileSchema, planFileSchema } from "../../../contract/run-files.ts";
import { commitRun } from "../../../functions/commit/commit.ts";
import { runInvocation } from "../../../functions/extract/extract.ts";
import { SourceConnections } from "../../../functions/source-access/source-connections.ts";
import { planRun } from "../../../functions/plan/plan.ts";
import { JsonStore } from "../../../stores/bucket/json-store.ts";
import { DefinitionReader } from "../../../stores/data-catalog/read-definition.ts";
import { readDefinitions } from "../../../stores/data-catalog/read-definitions.ts";
import { openLedger } from "../../../stores/ledger/ledger.ts";
import { orders } from "./orders.ts";

const [deployment = "", bucket = "", tableName = "", folder = "", run = ""] = process.argv.slice(2);
const glue = new GlueClient();
const s3 = new S3Client({ forcePathStyle: true });
const ledger = openLedger({ client: new DynamoDBClient(), tableName });
const store = new JsonStore({ s3, bucket });
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
const execution = `execution:${run}`;
const definitions = { glue, deployment, stacks: 1 };
const reader = new DefinitionReader(definitions);
const connections = new SourceConnections(() => Promise.resolve(JSON.stringify({ folder })));

const table = {
  DatabaseName: definitionsDatabase(deployment, 0),
  TableInput: encodeEntry(orders, { deployment }),
};
try {
  await glue.send(new CreateTableCommand(table));
} catch (error) {
  if (!(error instanceof AlreadyExistsException)) throw error;
  await glue.send(new UpdateTableCommand(table));
}

const { lanes } = await planRun(
  { run, execution },
  {
    ...{ ledger, store, log, nowMillis: Date.now() },
    isRunning: () => Promise.resolve(false),
    readDefinitions: () => readDefinitions(definitions),
    connect: (source) => connections.get(source),
  },
);
for (const lane of lanes) {
  let state = lane;
  while (!state.done)
    state = await runInvocation(state, {
      ...{ s3, bucket, ledger, connections },
      readDefinition: async (name) => {
        const definition = await reader.read(name);
        if (definition.kind === "table") return definition;
        throw new Error(`${name} is a model`);
      },
      remainingMillis: () => 300_000,
      clock: { now: Date.now, sleep: (millis) => sleep(millis) },
      attempt: "a",
      log: () => undefined,
    });
}
const { manifests } = await commitRun({ run, execution }, { ledger, store, log });
const { problems } = await store.get(keys.runPlan(run), planFileSchema);
const { tables } = await store.get(keys.runCommit(run), commitFileSchema);
process.stdout.write(JSON.stringify({ lanes: lanes.length, manifests, problems, tables }));
