// The decision against a real ledger and bucket.
import { PutCommand, DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { decideRun, type DecideDependencies } from "../../../functions/decide/decide.ts";
import { itemKeys } from "../../../contract/ledger-keys.ts";
import { EMPTY_PROGRESS } from "../../../contract/records.ts";
import { decisionSchema } from "../../../contract/decision.ts";
import { keys } from "../../../contract/keys.ts";
import { startMoto, type Moto } from "../moto.ts";
import { leads } from "../plan/definitions.ts";
import { makeStores, type Stores } from "../store-fixtures.ts";

let server: Moto;
let stores: Stores;

beforeAll(async () => {
  server = await startMoto();
});
afterAll(() => server.stop());

beforeEach(async () => {
  stores = await makeStores(server.address);
});

async function put(item: Record<string, unknown>): Promise<void> {
  const client = DynamoDBDocumentClient.from(stores.dynamodb);
  await client.send(new PutCommand({ TableName: stores.tableName, Item: item }));
}

async function decide(more: Partial<DecideDependencies> = {}) {
  const decision = await decideRun(
    { run: "one" },
    {
      ...{ version: "v1", store: stores.store, ledger: stores.ledger },
      readDefinitions: () => Promise.resolve({ definitions: [leads], broken: [] }),
      readLake: () => Promise.resolve(new Map([["leads", "s3://data/1.json"]])),
      log: { info: () => undefined, warn: () => undefined },
      ...more,
    },
  );
  expect(await stores.store.get(keys.runDecision("one"), decisionSchema)).toEqual(decision);
  return decision;
}

it("follows the ledger, and builds where the last build's summary cannot be read", async () => {
  expect((await decide()).build).toBe(true);
  const entry = {
    ...{ name: "leads", kind: "table", fingerprint: leads.fingerprint, complete: true },
    ...{ through: 1, inputs: {}, contentId: "7", metadata: "s3://data/1.json" },
  };
  const summary = { format: 1, run: "zero", version: "v1", entries: [entry] };
  await stores.store.put(keys.buildSummary, summary);
  await put({ ...itemKeys.progress("leads"), ...EMPTY_PROGRESS, lastManifest: 1 });
  expect((await decide()).build).toBe(false);
  await put({ ...itemKeys.replace("leads"), requestedAt: 1, state: "asked" });
  expect((await decide()).reason).toBe("the warehouse asks for the whole of leads");
  await put({ ...itemKeys.replace("leads"), requestedAt: 1, state: "loaded" });
  expect((await decide()).build).toBe(false);
  await put({ ...itemKeys.replace("leads"), requestedAt: 1, state: "written" });
  expect((await decide()).build).toBe(false);
  await put({ ...itemKeys.replace("leads"), requestedAt: 1 });
  await expect(decide()).rejects.toThrow(/replace is not as this version expects/);
  await put({ ...itemKeys.replace("leads"), requestedAt: 1, state: "written" });
  await stores.store.put(keys.buildSummary, { ...summary, format: 2 });
  expect((await decide()).reason).toBe("no build has ended yet");
});

it("asks for many tables a hundred items at a time", async () => {
  const names = Array.from({ length: 130 }, (_, index) => `table_${index}`);
  for (const [index, name] of names.entries())
    await put({ ...itemKeys.progress(name), ...EMPTY_PROGRESS, lastManifest: index });
  let requests = 0;
  stores.dynamodb.middlewareStack.add(
    (next) => (args) => {
      requests += 1;
      return next(args);
    },
    { step: "initialize" },
  );
  const needs = await stores.ledger.needs.read([...names, "unknown"]);
  expect(requests).toBe(3);
  expect(needs.size).toBe(130);
  expect(needs.get("table_129")).toEqual({ lastManifest: 129, isReplaceDue: false });
  expect(needs.has("unknown")).toBe(false);
});
