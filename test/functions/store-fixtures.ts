// An empty ledger and bucket on a real DynamoDB and S3 interface, and the records that tests put there.
import { randomUUID } from "node:crypto";
import { CreateTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { DynamoDBDocumentClient, QueryCommand } from "@aws-sdk/lib-dynamodb";
import { itemKeys } from "../../contract/ledger-keys.ts";
import type { IsRunning } from "../../stores/ledger/lease.ts";
import { openLedger, type Ledger } from "../../stores/ledger/ledger.ts";
import { parseItem } from "../../stores/ledger/parse-item.ts";
import {
  leaseSchema,
  type Bounds,
  type ObjectRecord,
  type Pass,
  type SplitRecord,
} from "../../contract/records.ts";
import { JsonStore } from "../../stores/bucket/json-store.ts";

export interface Stores {
  readonly dynamodb: DynamoDBClient;
  readonly s3: S3Client;
  readonly tableName: string;
  readonly bucket: string;
  readonly ledger: Ledger;
  readonly store: JsonStore;
}

export async function makeStores(address: string): Promise<Stores> {
  const connection = {
    endpoint: address,
    region: "eu-west-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  };
  const dynamodb = new DynamoDBClient(connection);
  const s3 = new S3Client({ ...connection, forcePathStyle: true });
  const tableName = `ledger-${randomUUID()}`;
  const bucket = `bucket-${randomUUID()}`;
  await dynamodb.send(
    new CreateTableCommand({
      TableName: tableName,
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ],
      AttributeDefinitions: [
        { AttributeName: "pk", AttributeType: "S" },
        { AttributeName: "sk", AttributeType: "S" },
      ],
    }),
  );
  await s3.send(
    new CreateBucketCommand({
      Bucket: bucket,
      CreateBucketConfiguration: { LocationConstraint: "eu-west-1" },
    }),
  );
  return {
    ...{ dynamodb, s3, tableName, bucket },
    ledger: openLedger({ client: dynamodb, tableName }),
    store: new JsonStore({ s3, bucket }),
  };
}

/** How many of a source's lanes other executions are using. */
export async function countLanesInUse(
  { dynamodb, tableName }: Stores,
  source: string,
  execution: string,
  isRunning: IsRunning,
  nowMillis: number,
): Promise<number> {
  const { pk, sk } = itemKeys.lanes(source);
  const { Items = [] } = await DynamoDBDocumentClient.from(dynamodb).send(
    new QueryCommand({
      TableName: tableName,
      KeyConditionExpression: "pk = :pk AND begins_with(sk, :sk)",
      ExpressionAttributeValues: { ":pk": pk, ":sk": sk },
    }),
  );
  let inUse = 0;
  for (const { execution: holder, expiresAt } of Items.map((item) =>
    parseItem(leaseSchema, item),
  )) {
    if (holder === null || holder === execution) continue;
    if (nowMillis < expiresAt || (await isRunning(holder))) inUse += 1;
  }
  return inUse;
}

/** The executions that run; tests end them by taking them out. */
export class Executions {
  readonly running = new Set<string>();
  readonly isRunning: IsRunning = (execution) => Promise.resolve(this.running.has(execution));

  start(...names: string[]): this {
    for (const name of names) this.running.add(name);
    return this;
  }
}

export const cursorBounds = (from: string | null, to: string | null): Bounds => ({
  by: "cursor",
  from,
  to,
});

/** A pass of rows over `[0, 100 × splits)` in equal splits, and the splits. */
export function rowsPass(
  number: number,
  splitCount: number,
  more: Partial<Pass> = {},
): { pass: Pass; splits: SplitRecord[] } {
  const id = `${more.kind ?? "rows"}-${number}`;
  const splits = Array.from({ length: splitCount }, (_, index) => ({
    pass: id,
    split: String(index).padStart(4, "0"),
    bounds: cursorBounds(String(index * 100), String((index + 1) * 100)),
    position: null,
    objects: 0,
    rows: 0,
    done: false,
  }));
  return {
    pass: {
      id,
      kind: "rows",
      number,
      startedAt: 1000 * number,
      window: { from: "0", to: String(splitCount * 100) },
      unit: "ms",
      findsDeletes: false,
      sinceManifest: 0,
      splits: splits.map(({ split }) => split),
      ...more,
    },
    splits,
  };
}

export function objectOf(split: SplitRecord, more: Partial<ObjectRecord> = {}): ObjectRecord {
  return {
    key: `raw/t/${split.pass}/${split.split}/${split.objects}-${randomUUID()}.ndjson.gz`,
    etag: "e",
    rows: 10,
    bytes: 100,
    op: split.pass.startsWith("keys") ? "key" : "upsert",
    pass: split.pass,
    split: split.split,
    sequence: split.objects,
    observedFrom: 1,
    observedTo: 2,
    ...more,
  };
}
