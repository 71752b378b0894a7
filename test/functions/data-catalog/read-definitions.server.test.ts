// Definitions read back from a real Glue interface, whatever is wrong with one of them.
import { CreateDatabaseCommand, CreateTableCommand, GlueClient } from "@aws-sdk/client-glue";
import { afterAll, beforeAll, expect, it } from "vitest";
import { encodeEntry } from "../../../catalog/schema/glue.ts";
import type { ElasticsearchTable, Model } from "../../../catalog/schema/table.ts";
import { readDefinition } from "../../../functions/data-catalog/read-definition.ts";
import { readDefinitions } from "../../../functions/data-catalog/read-definitions.ts";
import { startMoto, type Moto } from "../moto.ts";

let server: Moto;
let glue: GlueClient;

const described = { owner: "team", description: "d", key: ["id"] };
const column = { type: "string", description: "d" } as const;

const leads: ElasticsearchTable = {
  ...{ ...described, name: "leads", from: { index: "leads" }, deletes: { way: "none" } },
  source: { name: "shop", system: "elasticsearch", owner: "team", description: "d" },
  cursor: { column: "changed_at", lagSeconds: 5, overlapSeconds: 60 },
  columns: [
    { ...column, name: "id", path: ["_id"] },
    { ...column, name: "changed_at", type: "timestamp", path: ["changedAt"] },
  ],
};
const daily: Model = {
  ...{ ...described, name: "daily", inputs: [leads], script: new URL("file:///daily.sql") },
  columns: [{ ...column, name: "id" }],
};

async function create(database: string, entry: ElasticsearchTable | Model, spoil = {}) {
  const context = { deployment: "test", bucket: "b", scriptUri: "s3://b/s.sql", scriptHash: "h" };
  const table = encodeEntry(entry, context);
  const input = { ...table, Parameters: { ...table.Parameters, ...spoil } };
  await glue.send(new CreateTableCommand({ DatabaseName: database, TableInput: input }));
}

beforeAll(async () => {
  server = await startMoto();
  glue = new GlueClient({
    endpoint: server.address,
    region: "eu-west-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  for (const name of ["test_raw", "test_models"]) {
    await glue.send(new CreateDatabaseCommand({ DatabaseInput: { Name: name } }));
  }
  await create("test_raw", leads);
  await create("test_raw", { ...leads, name: "broken" }, { "sluice.key": "no JSON" });
  await create("test_models", daily);
});
afterAll(() => server.stop());

it("reads tables, then models, and tells which are broken", async () => {
  const { definitions, broken } = await readDefinitions(glue, "test");
  expect(definitions.map(({ kind, name }) => [kind, name])).toEqual([
    ["table", "leads"],
    ["model", "daily"],
  ]);
  expect(broken).toMatchObject([{ name: "broken", error: "CatalogError" }]);
  expect(broken[0]?.message).toContain("sluice.key");
});

it("reads one by its name", async () => {
  expect(await readDefinition(glue, "test", "leads")).toMatchObject({
    ...{ kind: "table", name: "leads", cursor: { field: "changedAt" } },
  });
  expect(await readDefinition(glue, "test", "daily")).toMatchObject({ kind: "model" });
  await expect(readDefinition(glue, "test", "broken")).rejects.toThrow("sluice.key");
  await expect(readDefinition(glue, "test", "nothing")).rejects.toThrow(
    'there is no table or model "nothing"',
  );
});
