// A lane with a real ledger and data bucket, whose invocations a test runs one after the other.
import { randomUUID } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { CreateTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import type { TableDefinition } from "../../../catalog/definition.ts";
import { type ExtractDependencies, runInvocation } from "../../../functions/extract/extract.ts";
import { SourceConnections } from "../../../functions/source-access/source-connections.ts";
import type { SourceClient } from "../../../sources/source.ts";
import { openLedger, type Ledger } from "../../../stores/ledger/ledger.ts";
import { keys } from "../../../contract/keys.ts";
import type { Bounds, ObjectRecord, SplitRecord } from "../../../contract/records.ts";
import { type LaneState, RELAXED, type WorkItem } from "../../../contract/state.ts";
import { type Line, parseLines } from "./fixtures.ts";

export const execution = "arn:aws:states:us-east-1:123456789012:execution:sluice:run-1";
const farAway = Date.now() + 3_600_000;
const notRunning = (): Promise<boolean> => Promise.resolve(false);

/** One piece of work that a test gives the lane. */
export interface Work {
  readonly table: TableDefinition;
  readonly kind: "rows" | "keys";
  readonly splits: readonly Bounds[];
}

/** Makes a bucket and a ledger of new names. */
export async function makeStores(
  address: string,
): Promise<{ s3: S3Client; bucket: string; ledger: Ledger }> {
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const options = { endpoint: address, region: "us-east-1", credentials };
  const s3 = new S3Client({ ...options, forcePathStyle: true });
  const bucket = `data-${randomUUID()}`;
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  const dynamodb = new DynamoDBClient(options);
  const tableName = `ledger-${randomUUID()}`;
  await dynamodb.send(
    new CreateTableCommand({
      TableName: tableName,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [
        { AttributeName: "pk", AttributeType: "S" },
        { AttributeName: "sk", AttributeType: "S" },
      ],
      KeySchema: [
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ],
    }),
  );
  return { s3, bucket, ledger: openLedger({ client: dynamodb, tableName }) };
}

export class Lane {
  readonly s3: S3Client;
  readonly bucket: string;
  readonly ledger: Ledger;
  readonly #work: readonly WorkItem[];
  readonly #definitions: ReadonlyMap<string, TableDefinition>;
  state: LaneState;

  constructor(
    stores: { s3: S3Client; bucket: string; ledger: Ledger },
    work: readonly WorkItem[],
    definitions: ReadonlyMap<string, TableDefinition>,
    state: LaneState,
  ) {
    this.s3 = stores.s3;
    this.bucket = stores.bucket;
    this.ledger = stores.ledger;
    this.#work = work;
    this.#definitions = definitions;
    this.state = state;
  }

  /** Leases the tables and the lane, opens a pass for each piece of work, and stores the work list. */
  static async plan(
    stores: { s3: S3Client; bucket: string; ledger: Ledger },
    pieces: readonly Work[],
  ): Promise<Lane> {
    const { s3, bucket, ledger } = stores;
    const items: WorkItem[] = [];
    const definitions = new Map<string, TableDefinition>();
    for (const { table, kind, splits } of pieces) {
      const lease = await ledger.leases.take(table.name, execution, farAway, notRunning);
      if (!("token" in lease)) throw new Error(`${table.name} is held by ${lease.heldBy}`);
      definitions.set(table.name, table);
      const before = await ledger.progress.read(table.name);
      const number = before.passNumber + 1;
      const pass = `${kind}-${number}`;
      const records = splits.map((bounds, index): SplitRecord => ({
        ...{ pass, split: `s${index}`, bounds, position: null, objects: 0, rows: 0, done: false },
      }));
      await ledger.transactions.openPass({
        ...{ table: table.name, token: lease.token, before, splits: records },
        pass: {
          ...{ id: pass, kind, number, startedAt: Date.now(), window: null, findsDeletes: false },
          ...{ sinceManifest: 0, splits: records.map(({ split }) => split) },
        },
      });
      for (const { split } of records)
        items.push({ table: table.name, pass, kind, split, token: lease.token });
    }
    const now = Date.now();
    const taken = await ledger.lanes.take("shop", 1, execution, farAway, notRunning, now);
    if (taken === undefined) throw new Error("no lane is free");
    const { lane, token: laneToken } = taken;
    const work = keys.laneWork("run-1", "shop", lane);
    const body = JSON.stringify({ format: 1, items });
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: work, Body: body }));
    return new Lane(stores, items, definitions, {
      ...{ format: 1, run: "run-1", execution, source: "shop", lane, laneToken },
      ...{ work, item: 0, invocation: 0, startedAt: Date.now(), rows: 0, done: false },
      pace: { readMillis: 0, pauseMillis: 0, backOffs: 0, slow: 0, bytes: 0 },
      ...{ governor: RELAXED, ended: null },
    });
  }

  /** Runs one invocation with plenty of time, but for what `changes` say; an invocation that throws leaves the state as it was. */
  async invoke(
    client: SourceClient,
    changes: Partial<ExtractDependencies> = {},
  ): Promise<LaneState> {
    this.state = await runInvocation(this.state, {
      s3: this.s3,
      bucket: this.bucket,
      ledger: this.ledger,
      readDefinition: (name) => {
        const definition = this.#definitions.get(name);
        return definition === undefined
          ? Promise.reject(new Error(`no definition of ${name}`))
          : Promise.resolve(definition);
      },
      connections: new SourceConnections(
        () => Promise.resolve("{}"),
        () => client,
      ),
      remainingMillis: () => 900_000,
      clock: { now: Date.now, sleep: () => Promise.resolve() },
      attempt: randomUUID(),
      log: () => undefined,
      ...changes,
    });
    return this.state;
  }

  /** Begins another run on the same work, once the run before has given its lane back. */
  async nextRun(now = Date.now()): Promise<void> {
    const taken = await this.ledger.lanes.take("shop", 1, execution, farAway, notRunning, now);
    if (taken === undefined) throw new Error("the lane was not given back");
    const { lane, token: laneToken } = taken;
    this.state = {
      ...this.state,
      ...{
        lane,
        laneToken,
        item: 0,
        invocation: 0,
        startedAt: now,
        rows: 0,
        done: false,
        ended: null,
      },
      ...{ pace: { readMillis: 0, pauseMillis: 0, backOffs: 0, slow: 0, bytes: 0 } },
      governor: RELAXED,
    };
  }

  async splits(table: string): Promise<SplitRecord[]> {
    const mine = this.#work.filter((item) => item.table === table);
    return Promise.all(mine.map(({ pass, split }) => this.ledger.splits.read(table, pass, split)));
  }

  /** The recorded objects of a table with their lines, checked against their records. */
  async objects(table: string): Promise<{ record: ObjectRecord; lines: Line[] }[]> {
    const found: { record: ObjectRecord; lines: Line[] }[] = [];
    for (const { pass, split } of this.#work.filter((item) => item.table === table)) {
      for (const record of await this.ledger.splits.listObjects(table, pass, split, 0)) {
        const response = await this.s3.send(
          new GetObjectCommand({ Bucket: this.bucket, Key: record.key }),
        );
        const bytes = (await response.Body?.transformToByteArray()) ?? new Uint8Array();
        const lines = parseLines(gunzipSync(bytes).toString("utf8"));
        const observed = lines.map((line) => line.observed_at);
        const isTrue =
          lines.length === record.rows &&
          bytes.length === record.bytes &&
          response.ETag === `"${record.etag}"` &&
          lines.every(({ op }) => op === record.op) &&
          Math.min(...observed) === record.observedFrom &&
          Math.max(...observed) === record.observedTo;
        if (!isTrue) throw new Error(`the object is not as recorded: ${JSON.stringify(record)}`);
        found.push({ record, lines });
      }
    }
    return found;
  }

  async rows(table: string): Promise<Line[]> {
    return (await this.objects(table)).flatMap(({ lines }) => lines);
  }

  /** Keys in the bucket below a prefix. */
  async stored(prefix: string): Promise<string[]> {
    const { Contents = [] } = await this.s3.send(
      new ListObjectsV2Command({ Bucket: this.bucket, Prefix: prefix }),
    );
    return Contents.map(({ Key }) => Key ?? "");
  }

  async read(key: string): Promise<unknown> {
    const { Body } = await this.s3.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }));
    return JSON.parse((await Body?.transformToString()) ?? "null");
  }
}
