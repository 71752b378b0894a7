// What is chosen to be loaded, asked of a real database that takes Redshift's statements.
import { randomUUID } from "node:crypto";
import { GlueClient } from "@aws-sdk/client-glue";
import { S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { lakeDatabase as lakeDatabaseOf } from "../../../catalog/placement.ts";
import { readCurrentContentId } from "../../../stores/lake/read-content.ts";
import { readMetadataLocations } from "../../../stores/lake/read-locations.ts";
import {
  chooseLoads,
  type ChooseParts,
  type ChooseResult,
} from "../../../functions/load/choose.ts";
import { keys } from "../../../contract/keys.ts";
import { tablesFileSchema } from "../../../contract/run-files.ts";
import { JsonStore } from "../../../stores/bucket/json-store.ts";
import { definition, LocalWarehouse, type Column, type Definition } from "./local-warehouse.ts";

const COLUMNS: readonly Column[] = [
  { name: "id", type: "long" },
  { name: "name", type: "string" },
];
const DAY = 24 * 3_600_000;

const prefix = `c${randomUUID().slice(0, 8)}`;
let local: LocalWarehouse;
let glue: GlueClient;
let store: JsonStore;
let definitions: Definition[];
let lakeDatabase: string;
let bucket: string;
/** Statements that the warehouse was asked, and metadata files that were read, by the last call. */
let asked: string[];
let read: string[];
let now: number;
let runs = 0;
/** Each call is of a run of its own: one that is repeated in its run gets the same result. */
let run = "";
let calls = 0;

beforeAll(async () => {
  local = await LocalWarehouse.start();
  const { AWS_ENDPOINT_URL = "", AWS_REGION = "", ...names } = local.environment;
  const client = {
    ...{ endpoint: AWS_ENDPOINT_URL, region: AWS_REGION },
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  };
  bucket = names.SLUICE_BUCKET ?? "";
  lakeDatabase = lakeDatabaseOf(names.SLUICE_DEPLOYMENT ?? "");
  glue = new GlueClient(client);
  store = new JsonStore({ s3: new S3Client({ ...client, forcePathStyle: true }), bucket });
});
afterAll(() => local.stop());

beforeEach(() => {
  runs += 1;
  now = 1_800_000_000_000;
  definitions = ["one", "two"].map((name) => definition(`${prefix}_${runs}_${name}`, COLUMNS));
});

const nameOf = (index: number): string => definitions[index]?.name ?? "";

/** Builds a table of the lake by hand, from one content to the next. */
async function build(index: number, content: number): Promise<void> {
  await local.build({
    ...{ table: nameOf(index), snapshot: String(content), columns: COLUMNS },
    parent: content === 1 ? null : String(content - 1),
    rows: [[content, `row ${content}`]],
  });
}

async function choose(
  more: Partial<ChooseParts> & {
    change?: (sql: string) => string;
    statement?: string;
    deadline?: number;
  } = {},
): Promise<ChooseResult> {
  const {
    change = (sql: string) => sql,
    statement,
    deadline = Date.now() + 20_000,
    ...parts
  } = more;
  asked = [];
  read = [];
  const warehouse = local.warehouseWith((sql) => {
    asked.push(sql);
    return change(sql);
  });
  calls += 1;
  run = `run-${calls}`;
  const input = { run, choose: true, polls: 0 } as const;
  return chooseLoads(
    statement === undefined ? input : { ...input, polls: 1, statement },
    deadline,
    {
      ...{ warehouse, address: `${prefix}-${runs}`, store, nowMillis: now },
      log: { error: () => undefined },
      readDefinitions: () => Promise.resolve({ definitions, broken: [] }),
      readLake: () => readMetadataLocations(glue, lakeDatabase),
      readContentId: (table) => {
        read.push(table);
        const s3 = new S3Client({ ...clientOf(), forcePathStyle: true });
        return readCurrentContentId({ glue, s3 }, lakeDatabase, table);
      },
      ...parts,
    },
  );
}

function clientOf() {
  const { AWS_ENDPOINT_URL = "", AWS_REGION = "" } = local.environment;
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  return { endpoint: AWS_ENDPOINT_URL, region: AWS_REGION, credentials };
}

/** The numbers of the tables that were chosen. */
async function chosen(more?: Parameters<typeof choose>[0]): Promise<number[]> {
  const result = await choose(more);
  const file = await store.get(keys.runTables(run), tablesFileSchema);
  expect(result).toMatchObject({ status: "done", tables: file.length });
  return file.map(({ table }) => definitions.findIndex(({ name }) => name === table));
}

async function loadAll(): Promise<void> {
  for (const one of definitions) {
    calls += 1;
    const loaded = await local.load(one, local.parts(one), `load-${calls}`);
    expect(loaded).toMatchObject({ status: "done" });
  }
}

it("is each table whose content, view or comments the warehouse lacks, by one query", async () => {
  expect(await chosen()).toEqual([]);
  expect(asked).toEqual([]);
  await build(0, 1);
  expect(await chosen()).toEqual([0]);
  await build(1, 1);
  expect(await chosen()).toEqual([0, 1]);
  await loadAll();
  expect(await chosen()).toEqual([]);
  expect(asked).toHaveLength(2);

  await build(1, 2);
  expect(await chosen()).toEqual([1]);
  expect(asked).toHaveLength(2);
  await loadAll();

  const [first, second] = definitions;
  if (first === undefined || second === undefined) throw new Error("no definitions");
  definitions = [{ ...first, description: "Described anew" }, second];
  expect(await chosen()).toEqual([0]);
  await loadAll();
  const columns = first.columns.toReversed();
  definitions = [{ ...first, description: "Described anew", columns }, second];
  expect(await chosen()).toEqual([0]);
  await loadAll();
  expect(await chosen()).toEqual([]);
});

it("is what somebody dropped in the warehouse", async () => {
  await build(0, 1);
  await build(1, 1);
  await loadAll();
  await local.warehouse.execute(`DROP VIEW mart."${nameOf(0)}"`, Date.now() + 10_000);
  expect(await chosen()).toEqual([0]);
  await local.warehouse.execute(`DROP TABLE lake."${nameOf(1)}" CASCADE`, Date.now() + 10_000);
  expect(await chosen()).toEqual([0, 1]);
  await loadAll();
  expect(await chosen()).toEqual([]);
});

it("asks no more while all is as it was seen to be, for a day", async () => {
  await build(0, 1);
  await loadAll();
  expect(await chosen()).toEqual([]);
  expect(asked).toHaveLength(2);
  expect(await choose()).toEqual({ status: "done", tables: 0, asked: false });
  expect(asked).toEqual([]);
  await chosen({ address: "another warehouse" });
  expect(asked).toHaveLength(2);
  await chosen();
  expect(asked).toHaveLength(2);
  await chosen({ nowMillis: now + DAY - 1 });
  expect(asked).toEqual([]);
  await chosen({ nowMillis: now + DAY });
  expect(asked).toHaveLength(2);
  await build(0, 2);
  expect(await chosen()).toEqual([0]);
  // What could not be loaded is not forgotten.
  expect(await chosen()).toEqual([0]);
});

it("reads no metadata of the lake that the last build reported", async () => {
  await build(0, 1);
  await build(1, 1);
  const lake = await readMetadataLocations(glue, lakeDatabase);
  const entries = definitions.map(({ name, fingerprint }) => ({
    ...{ name, kind: "model", fingerprint, complete: true, through: 0, inputs: {} },
    ...{ contentId: "1", metadata: lake.get(name) ?? null },
  }));
  await store.put(keys.buildSummary, { format: 1, run: "r", version: "v", entries });
  expect(await chosen()).toEqual([0, 1]);
  expect(read).toEqual([]);
  // As a build leaves it that is killed before it reports.
  await build(1, 2);
  await loadAll();
  expect(await chosen()).toEqual([]);
  expect(read).toEqual([nameOf(1)]);
});

it("is everything before anything was set up, and fails where the warehouse rejects the query", async () => {
  await build(0, 1);
  await build(1, 1);
  await loadAll();
  expect(await chosen({ change: (sql) => sql.replaceAll("sluice", "nowhere") })).toEqual([0, 1]);
  const refused = choose({ change: (sql) => sql.replace(`"place" = 1`, `"nothing" = 1`) });
  await expect(refused).rejects.toMatchObject({ name: "StatementError" });
  expect(await chosen({ warehouse: null })).toEqual([]);
});

it("waits for a result that takes longer than the call", async () => {
  await build(0, 1);
  const slow = (sql: string) =>
    sql.replace(
      "ORDER BY n.nspname",
      "AND (SELECT COUNT(*) FROM (SELECT pg_sleep(0.5)) AS slow) = 1 ORDER BY n.nspname",
    );
  const first = await choose({ change: slow, deadline: Date.now() });
  expect(first).toMatchObject({ status: "wait", choose: true, polls: 1, waitSeconds: 10 });
  const { statement = "" } = first.status === "wait" ? first : {};
  const gone = "00000000-0000-4000-8000-000000000000";
  expect(await choose({ statement: gone })).not.toHaveProperty("statement");
  expect(await choose({ statement })).toMatchObject({ status: "done" });
  expect(asked).toEqual([]);
});
