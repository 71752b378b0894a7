// Definitions read back from a real Glue interface, whatever is wrong with one of them.
import {
  CreateDatabaseCommand,
  CreateTableCommand,
  DeleteTableCommand,
  GlueClient,
  UpdateTableCommand,
} from "@aws-sdk/client-glue";
import { afterAll, beforeAll, expect, it } from "vitest";
import { CatalogError } from "../../../catalog/errors.ts";
import { encodeEntry } from "../../../catalog/glue.ts";
import { catalogStackOf, definitionsDatabase, encodeStamp } from "../../../catalog/placement.ts";
import type { Model } from "../../../catalog/table.ts";
import type { ElasticsearchTable } from "../../catalog/table-types.ts";
import { DefinitionReader } from "../../../stores/data-catalog/read-definition.ts";
import {
  readDefinitions,
  type DefinitionStore,
} from "../../../stores/data-catalog/read-definitions.ts";
import { startMoto, type Moto } from "../../functions/moto.ts";

let server: Moto;
let glue: GlueClient;

const described = { owner: "team", description: "d", key: ["id"] };
const column = { type: "string", description: "d" } as const;

const leads: ElasticsearchTable = {
  ...{ ...described, name: "leads", from: { index: "leads" }, deletes: { strategy: "none" } },
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
  const context = { deployment: "test", scriptUri: "s3://b/s.sql", scriptHash: "h" };
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
});
afterAll(() => server.stop());

let deployments = 0;

/** A deployment of so many stacks; those that are named were deployed with that number. */
async function deploy(stacks: number, deployed: readonly number[]): Promise<DefinitionStore> {
  deployments += 1;
  const deployment = `d${deployments}`;
  for (const stack of deployed) {
    const name = definitionsDatabase(deployment, stack);
    await glue.send(new CreateDatabaseCommand({ DatabaseInput: { Name: name } }));
    await glue.send(
      new CreateTableCommand({ DatabaseName: name, TableInput: encodeStamp(stacks) }),
    );
  }
  return { glue, deployment, stacks };
}

const home = ({ deployment, stacks }: DefinitionStore, name: string): string =>
  definitionsDatabase(deployment, catalogStackOf(name, stacks));

const ALL_OF_FOUR = [0, 1, 2, 3];

it("reads tables, then models, of all stacks, and says which are broken", async () => {
  const store = await deploy(4, ALL_OF_FOUR);
  for (const entry of [leads, daily]) await create(home(store, entry.name), entry);
  const broken = { ...leads, name: "broken" };
  await create(home(store, "broken"), broken, { "sluice.key": "no JSON" });
  const found = await readDefinitions(store);
  expect(found.definitions.map(({ kind, name }) => [kind, name])).toEqual([
    ["table", "leads"],
    ["model", "daily"],
  ]);
  expect(found.broken).toMatchObject([{ name: "broken", error: "CatalogError" }]);
  expect(found.broken[0]?.message).toContain("sluice.key");
  expect(found.pending).toEqual([]);
});

it("reads one by its name", async () => {
  const store = await deploy(4, ALL_OF_FOUR);
  for (const entry of [leads, daily]) await create(home(store, entry.name), entry);
  await create(home(store, "broken"), { ...leads, name: "broken" }, { "sluice.key": "no JSON" });
  const reader = new DefinitionReader(store);
  expect(await reader.read("leads")).toMatchObject({
    ...{ kind: "table", name: "leads", cursor: { field: "changedAt" } },
  });
  expect(await reader.read("daily")).toMatchObject({ kind: "model" });
  await expect(reader.read("broken")).rejects.toThrow("sluice.key");
  // What lasts until people do something must not be tried again for ever.
  await expect(reader.read("nothing")).rejects.toThrow(CatalogError);
  await expect(reader.read("nothing")).rejects.toThrow('there is no table or model "nothing"');
});

it("reads more tables than Glue gives at once", async () => {
  const store = await deploy(1, [0]);
  const names = Array.from({ length: 130 }, (_, number) => `t${number}`);
  for (const name of names) await create(home(store, name), { ...leads, name });
  const { definitions } = await readDefinitions(store);
  expect(definitions.map(({ name }) => name)).toEqual([...names].sort());
});

it("finds an entry where it was while a larger number of stacks is being deployed", async () => {
  const two = await deploy(2, [0, 1]);
  const store = { ...two, stacks: 4 };
  await create(home(two, "leads"), leads);
  expect((await readDefinitions(store)).definitions).toMatchObject([{ name: "leads" }]);
  expect((await readDefinitions(store)).pending).toHaveLength(4);
  expect(await new DefinitionReader(store).read("leads")).toMatchObject({ name: "leads" });
});

it("finds an entry where it was while a smaller number of stacks is being deployed", async () => {
  const eight = await deploy(8, [0, 1, 2, 3, 4, 5, 6, 7]);
  const name = ["a", "b", "c", "d", "e", "f"].find((one) => catalogStackOf(one, 8) > 1) ?? "";
  await create(home(eight, name), { ...leads, name });
  const store = { ...eight, stacks: 2 };
  expect((await readDefinitions(store)).definitions).toMatchObject([{ name }]);
  expect(await new DefinitionReader(store).read(name)).toMatchObject({ name });
});

it("rejects an entry that is found twice and not the same, and no other", async () => {
  const two = await deploy(2, [0, 1]);
  const store = { ...two, stacks: 4 };
  await glue.send(
    new CreateDatabaseCommand({ DatabaseInput: { Name: definitionsDatabase(two.deployment, 2) } }),
  );
  const third = definitionsDatabase(two.deployment, 2);
  for (const name of ["leads", "same"]) await create(home(two, name), { ...leads, name });
  await create(third, { ...leads, owner: "others" });
  await create(third, { ...leads, name: "same" });
  const { definitions, broken } = await readDefinitions(store);
  expect(definitions).toMatchObject([{ name: "same" }]);
  expect(broken).toMatchObject([{ name: "leads", error: "CatalogError" }]);
  expect(broken[0]?.message).toContain(`defined differently in ${home(two, "leads")} and ${third}`);
  await expect(new DefinitionReader(store).read("leads")).rejects.toThrow("defined differently");
});

it("looks for an entry again that has moved since it was read first", async () => {
  const two = await deploy(2, [0, 1]);
  const name = ["a", "b", "c", "d", "e", "f"].find((one) => catalogStackOf(one, 4) > 1) ?? "";
  await create(home(two, name), { ...leads, name });
  const reader = new DefinitionReader(two);
  await reader.read(name);
  const moved = { ...two, stacks: 4 };
  const database = home(moved, name);
  await glue.send(new CreateDatabaseCommand({ DatabaseInput: { Name: database } }));
  await create(database, { ...leads, name });
  await glue.send(new DeleteTableCommand({ DatabaseName: home(two, name), Name: name }));
  for (const stack of [0, 1]) {
    await glue.send(
      new UpdateTableCommand({
        DatabaseName: definitionsDatabase(two.deployment, stack),
        TableInput: encodeStamp(4),
      }),
    );
  }
  expect(await reader.read(name)).toMatchObject({ name });
});
