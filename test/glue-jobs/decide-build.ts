// Decides as a run does whether a build is due, on the emulated AWS of a test of the build; prints the decision.
// Arguments: deployment, bucket, ledger, the hash of the job's code, and the number of catalog stacks.
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GetTablesCommand, GlueClient } from "@aws-sdk/client-glue";
import { S3Client } from "@aws-sdk/client-s3";
import { definitionsDatabase, lakeDatabase, STAMP_NAME } from "../../catalog/placement.ts";
import { decideBuild, type BuildFacts } from "../../functions/decide/decide-build.ts";
import { readMetadataLocations } from "../../stores/lake/read-locations.ts";
import { openLedger } from "../../stores/ledger/ledger.ts";
import { buildSummarySchema } from "../../contract/build-summary.ts";
import { keys } from "../../contract/keys.ts";
import { JsonStore } from "../../stores/bucket/json-store.ts";

const [deployment = "", bucket = "", ledger = "", version = "", stacks = ""] =
  process.argv.slice(2);
const glue = new GlueClient();
const store = new JsonStore({ s3: new S3Client({ forcePathStyle: true }), bucket });

// The builds' tests define no more of an entry than the build reads.
const definitions: BuildFacts["definitions"][number][] = [];
for (let stack = 0; stack < Number(stacks); stack += 1) {
  const DatabaseName = definitionsDatabase(deployment, stack);
  const { TableList = [] } = await glue.send(new GetTablesCommand({ DatabaseName }));
  for (const { Name = "", Parameters = {} } of TableList) {
    if (Name === STAMP_NAME) continue;
    const isPublished = Parameters["sluice.publish"] !== "null";
    const publish = isPublished ? { distribution: { style: "even" as const }, sortKeys: [] } : null;
    definitions.push({ name: Name, fingerprint: Parameters["sluice.fingerprint"] ?? "", publish });
  }
}
const decision = decideBuild({
  summary: await store.find(keys.buildSummary, buildSummarySchema),
  version,
  definitions,
  broken: [],
  lake: await readMetadataLocations(glue, lakeDatabase(deployment)),
  needs: await openLedger({ client: new DynamoDBClient(), tableName: ledger }).needs.read(
    definitions.map(({ name }) => name),
  ),
});
process.stdout.write(JSON.stringify(decision));
