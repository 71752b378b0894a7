// The discover command as people call it, against a real Elasticsearch and Cassandra.
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CreateSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { z } from "zod";
import { writeNew } from "../../../cli/new-file.ts";
import { CASSANDRA_DATA_CENTER } from "../../../local/servers/cassandra.ts";
import { ENGINE_FOLDER } from "../../../local/state.ts";
import { Cluster } from "../../sources/elasticsearch/cluster.ts";
import { type Moto, startMoto } from "../../functions/moto.ts";
import {
  runCassandra,
  runElasticsearch,
  type RunningServer,
} from "../../functions/extract/servers.ts";

let elasticsearch: RunningServer;
let cassandra: RunningServer;
let state: string;
/** A project with the tests' catalog. */
let project: string;
let aws: Moto;

beforeAll(async () => {
  [elasticsearch, cassandra] = await Promise.all([runElasticsearch(), runCassandra()]);
  aws = await startMoto();
  account = {
    ...{ AWS_ENDPOINT_URL: aws.address, AWS_REGION: "us-east-1" },
    ...{ AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" },
  };
  state = await mkdtemp(join(tmpdir(), "sluice-discover-"));
  project = join(state, "project");
  await mkdir(project);
  const catalog = join(ENGINE_FOLDER, "test/shop/index.ts");
  await writeFile(join(project, "package.json"), JSON.stringify({ sluice: { catalog } }));
});
afterAll(async () => {
  await Promise.all([elasticsearch.stop(), cassandra.stop(), aws.stop()]);
  await rm(state, { recursive: true, force: true });
});

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The usual variables by which an AWS client finds its account, here the emulated one. */
let account: Readonly<Record<string, string>>;

/** With no stack of its own, so that nothing is taken from one that runs here. */
function sluice(...args: string[]): Promise<Outcome> {
  const entry = join(ENGINE_FOLDER, "cli", "main.ts");
  const env = { ...process.env, ...account, SLUICE_STATE: state };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [entry, "discover", ...args],
      { env, cwd: project },
      (error, out, err) => {
        resolve({ code: typeof error?.code === "number" ? error.code : 0, out, err });
      },
    );
  });
}

const resultSchema = z.looseObject({
  proposal: z.looseObject({ name: z.string(), key: z.array(z.string()) }),
  text: z.string(),
  file: z.null(),
  indexLines: z.tuple([z.string(), z.string()]),
  sampledDocuments: z.int(),
  readBy: z.array(z.string()),
});

test("proposes an entry for an index, as text and as data", async () => {
  const cluster = new Cluster(elasticsearch.address);
  const index = await cluster.makeIndex({ n: { type: "long" }, updatedAt: { type: "date" } });
  await cluster.index(index, [{ id: "1", json: '{"n":1,"updatedAt":1700000000000}' }]);
  const common = ["search", index, "--name", "things", "--elasticsearch", elasticsearch.address];
  const plain = await sluice(...common);
  expect(plain.err).toBe("");
  expect(plain.code).toBe(0);
  expect(plain.out).toContain("export const things = defineTable({");
  expect(plain.out).toContain('import { things } from "./tables/things.ts";');
  const json = await sluice(...common, "--json", "--sample", "0");
  const result = resultSchema.parse(JSON.parse(json.out));
  expect(result).toMatchObject({ sampledDocuments: 0, readBy: [] });
  expect(result.proposal).toMatchObject({ name: "things", key: ["id"] });
  expect(plain.out).toContain(`from: { index: "${index}" }`);
  expect(existsSync(join(ENGINE_FOLDER, "test/shop/tables/things.ts"))).toBe(false);
});

test("proposes an entry for a keyspace's table", async () => {
  const address = `${cassandra.address}/${CASSANDRA_DATA_CENTER}`;
  const result = await sluice("events", "system_schema.types", "--cassandra", address);
  expect(result.out).toContain('from: { keyspace: "system_schema", table: "types" }');
});

test("reaches a deployment's source by its secret, and says what is missing there", async () => {
  const deployment = `d${randomUUID().slice(0, 8)}`;
  const config = {
    ...{ endpoint: aws.address, region: "us-east-1" },
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  };
  const ssm = new SSMClient(config);
  const secrets = new SecretsManagerClient(config);
  const value = {
    ...{ format: 1, deployment, stateMachineArn: "a", bucket: "b", ledger: "l", buildJob: "j" },
    ...{ catalogStacks: 1, warehouse: null },
  };
  await ssm.send(
    new PutParameterCommand({
      ...{ Name: `/sluice/${deployment}`, Type: "String", Value: JSON.stringify(value) },
    }),
  );
  const cluster = new Cluster(elasticsearch.address);
  const index = await cluster.makeIndex({ updatedAt: { type: "date" } });
  const args = ["search", index, "--name", "things", "--deployed", deployment] as const;
  const without = await sluice(...args);
  expect(without.code).toBe(1);
  expect(without.err).toContain(`The secret "${deployment}/source/search" does not exist`);
  await secrets.send(
    new CreateSecretCommand({
      Name: `${deployment}/source/search`,
      SecretString: JSON.stringify({ nodes: [elasticsearch.address] }),
    }),
  );
  const result = await sluice(...args);
  expect(result.err).toBe("");
  expect(result.out).toContain("updated_at");
  ssm.destroy();
  secrets.destroy();
});

test("lists how a table of the catalog differs from its source", async () => {
  const cluster = new Cluster(elasticsearch.address);
  // The shop's own indices are of those who run it, so a cluster without them is an error that says so.
  const exists = await cluster.send("GET", "/baskets").then(
    () => true,
    () => false,
  );
  const result = await sluice("baskets", "--elasticsearch", elasticsearch.address, "--json");
  if (exists) expect(result.out).toContain('"table":"baskets"');
  else expect(result.err).toContain("index_not_found_exception");
});

test.each([
  [[], 2, "needs a source and INDEX or KEYSPACE.TABLE"],
  [["nowhere", "x"], 2, 'no source "nowhere"; catalog/sources.ts has search, events'],
  [["events", "x"], 2, "must be KEYSPACE.TABLE"],
  [["not_a_table"], 2, 'no table "not_a_table"'],
  [["search", "x", "--sample", "many"], 2, "--sample"],
  [["search", "x"], 1, "No stack runs on this machine"],
] as const)("%j ends with %d and says what is wrong", async (args, code, message) => {
  const result = await sluice(...args);
  expect(result.code).toBe(code);
  expect(result.err).toContain(message);
});

test("a file that is there already is left as it is", async () => {
  const file = join(state, `${randomUUID()}.ts`);
  writeNew(file, "first");
  expect(() => {
    writeNew(file, "second");
  }).toThrow("is there already");
  expect(await readFile(file, "utf8")).toBe("first");
});
