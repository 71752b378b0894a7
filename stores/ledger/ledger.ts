// Conditional reads and writes of the ledger: leases with tokens, progress, splits, object records, manifests and runs.
import { isDeepStrictEqual } from "node:util";
import { gunzipSync, gzipSync } from "node:zlib";
import { ConditionalCheckFailedException, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  UpdateCommand,
  type QueryCommandInput,
} from "@aws-sdk/lib-dynamodb";
import { z } from "zod";
import { FencedError, ProtocolError } from "../../contract/errors.ts";
import { readsPastRows } from "../../contract/passes.ts";
import {
  leaseSchema,
  objectRecordSchema,
  progressSchema,
  readingNoteSchema,
  splitRecordSchema,
  type ObjectRecord,
  type Pass,
  type Progress,
  type ReadingNote,
  type SplitRecord,
} from "../../contract/records.ts";
import { runRecordSchema, type RunRecord } from "../../contract/run.ts";
import { StaleProgressError, StaleSplitError } from "./errors.ts";
import { itemKeys, parseItem, type ItemKey } from "./items.ts";
import { repeatOnConflict, transact, type TransactItem } from "./transaction.ts";

/** Tells whether an execution, by its ARN, is still running. */
export type IsRunning = (execution: string) => Promise<boolean>;

/** What the ledger keeps of a manifest; the manifest itself is in S3. */
export interface ManifestEntry {
  readonly number: number;
  readonly key: string;
  readonly etag: string;
  /** Upsert lines. */
  readonly rows: number;
  /** Key lines. */
  readonly keys: number;
  readonly objects: number;
  /** Compressed size of the objects. */
  readonly bytes: number;
  readonly run: string;
}

export const EMPTY_PROGRESS: Progress = {
  lastManifest: 0,
  watermark: null,
  passNumber: 0,
  passes: {},
  committed: {},
  lastKeysPassStartedAt: null,
  lastLatePassStartedAt: null,
};

// A transaction holds 100 operations; one of them is the check of the token.
const SPLITS_A_TRANSACTION = 99;
// Each loss of a race means that somebody else won it, so few rounds are enough.
const MAX_LEASE_ROUNDS = 5;

// What is written for people only is given up soon.
const NOTE_MILLIS = 2000;

const storedLeaseSchema = leaseSchema.extend({
  /** The token that the lease's own execution fenced last; makes a repeated fence find out that it is done. */
  fencedFrom: z.int().positive().optional(),
  /** The attempt of a link that reads in this lane; makes an older attempt of the same link find out. */
  attempt: z.string().optional(),
});
type StoredLease = z.infer<typeof storedLeaseSchema>;

const storedResourceSchema = z.strictObject({
  id: z.string(),
  execution: z.string(),
  openedAt: z.int(),
  expiresAt: z.int(),
});

const sourceRestSchema = z.strictObject({
  until: z.number(),
  run: z.string(),
  reason: z.string(),
});

/** A source that refused too often is left alone by all runs for a while. */
export interface SourceRest {
  /** Milliseconds since 1970. */
  readonly until: number;
  /** The run that it refused. */
  readonly run: string;
  /** What it answered at last. */
  readonly reason: string;
}

const storedManifestSchema = z.strictObject({
  key: z.string(),
  etag: z.string(),
  rows: z.int().nonnegative(),
  keys: z.int().nonnegative(),
  objects: z.int().nonnegative(),
  bytes: z.int().nonnegative(),
  run: z.string(),
});

const storedRunSchema = z.looseObject({ record: z.instanceof(Uint8Array) });

export class Ledger {
  readonly #client: DynamoDBDocumentClient;
  readonly #tableName: string;

  constructor(options: { client: DynamoDBClient; tableName: string }) {
    this.#client = DynamoDBDocumentClient.from(options.client, {
      marshallOptions: { removeUndefinedValues: true },
    });
    this.#tableName = options.tableName;
  }

  /**
   * Takes a table's lease under a new token, unless a running execution other than this one holds it.
   *
   * A lease of an execution that no longer runs is taken at once: a process that it left behind can still read,
   * but not record, for its token is old. `expiresAt` is in milliseconds since 1970.
   * @returns the token, or which execution holds the table
   */
  async takeTableLease(
    table: string,
    execution: string,
    expiresAt: number,
    isRunning: IsRunning,
  ): Promise<{ token: number } | { heldBy: string }> {
    const key = itemKeys.lease(table);
    for (let round = 0; round < MAX_LEASE_ROUNDS; round += 1) {
      const lease = await this.#readLease(key);
      const holder = lease?.execution ?? null;
      if (holder !== null && holder !== execution && (await isRunning(holder))) {
        return { heldBy: holder };
      }
      const token = await this.#takeOver(key, lease, execution, expiresAt);
      if (token !== undefined) return { token };
    }
    throw new StaleProgressError(
      `the lease of table ${table} changed hands ${MAX_LEASE_ROUNDS} times while ${execution} tried to take it`,
    );
  }

  /** @throws FencedError if the token is no longer the lease's */
  async renewTableLease(table: string, token: number, expiresAt: number): Promise<void> {
    const key = itemKeys.lease(table);
    if (!(await this.#setExpiry(key, token, expiresAt))) throw fencedError(key, token);
  }

  /**
   * Raises the token so that nobody who still holds `token` can record any more. Doing it again is a success.
   * @returns the new token, `token + 1`
   * @throws FencedError if somebody else has taken the lease since
   */
  async fenceTable(table: string, token: number): Promise<number> {
    const key = itemKeys.lease(table);
    const fenced = await this.#conditionally(
      new UpdateCommand({
        TableName: this.#tableName,
        Key: key,
        UpdateExpression: "SET #token = :next, fencedFrom = :token",
        ConditionExpression: "#token = :token",
        ExpressionAttributeNames: { "#token": "token" },
        ExpressionAttributeValues: { ":token": token, ":next": token + 1 },
      }),
    );
    if (fenced) return token + 1;
    const lease = await this.#readLease(key);
    // A take-over removes fencedFrom, so this pair can only be our own earlier fence.
    if (lease?.token === token + 1 && lease.fencedFrom === token) return token + 1;
    throw fencedError(key, token);
  }

  /** Gives a table back. A lease that somebody else has taken since is left alone. */
  async releaseTable(table: string, token: number): Promise<void> {
    await this.#release(itemKeys.lease(table), token);
  }

  /**
   * Takes one lane of a source, or none if as many lanes as the budget allows are in use.
   *
   * A lane of an ended execution is in use until it expires, for a process that the execution left behind may still
   * be reading until then.
   * @param alreadyTaken lanes that this attempt has taken before
   */
  async takeLane(
    source: string,
    lanes: number,
    execution: string,
    expiresAt: number,
    isRunning: IsRunning,
    nowMillis: number,
    alreadyTaken: readonly number[] = [],
  ): Promise<{ lane: number; token: number } | undefined> {
    for (let round = 0; round < MAX_LEASE_ROUNDS; round += 1) {
      const leases = await this.#readLanes(source);
      const inUse = new Set(alreadyTaken);
      for (const [lane, lease] of leases) {
        if (await isLaneInUse(lease, execution, isRunning, nowMillis)) inUse.add(lane);
      }
      // Counts lanes beyond the budget too, so that a budget made smaller holds from the next run on.
      if (inUse.size >= lanes) return undefined;
      const lane = Array.from({ length: lanes }, (_, n) => n).find((n) => !inUse.has(n));
      if (lane === undefined) return undefined;
      const key = itemKeys.lane(source, lane);
      const token = await this.#takeOver(key, leases.get(lane), execution, expiresAt);
      if (token !== undefined) return { lane, token };
    }
    return undefined;
  }

  /** How many of a source's lanes other executions are using. */
  async countLanesInUse(
    source: string,
    execution: string,
    isRunning: IsRunning,
    nowMillis: number,
  ): Promise<number> {
    let inUse = 0;
    for (const lease of (await this.#readLanes(source)).values()) {
      if (await isLaneInUse(lease, execution, isRunning, nowMillis)) inUse += 1;
    }
    return inUse;
  }

  /**
   * Begins an attempt of a link: from here on no earlier attempt, which may still be under way, can renew the lane.
   * @param args.attempt a random id of the attempt
   * @throws FencedError if the token is no longer the lane's
   */
  async claimLane(args: {
    source: string;
    lane: number;
    token: number;
    execution: string;
    attempt: string;
    expiresAt: number;
  }): Promise<void> {
    const { token, execution, attempt, expiresAt } = args;
    const key = itemKeys.lane(args.source, args.lane);
    const claimed = await this.#conditionally(
      new UpdateCommand({
        TableName: this.#tableName,
        Key: key,
        // The execution too, for an earlier attempt may have given the lane back when it was done.
        UpdateExpression:
          "SET #attempt = :attempt, #execution = :execution, expiresAt = :expiresAt",
        ConditionExpression: "#token = :token",
        ExpressionAttributeNames: {
          "#token": "token",
          "#attempt": "attempt",
          "#execution": "execution",
        },
        ExpressionAttributeValues: {
          ":token": token,
          ":attempt": attempt,
          ":execution": execution,
          ":expiresAt": expiresAt,
        },
      }),
    );
    if (!claimed) throw fencedError(key, token);
  }

  /**
   * @throws FencedError if the token is no longer the lane's; StaleSplitError if another attempt of the same link
   *   claimed the lane
   */
  async renewLane(
    source: string,
    lane: number,
    token: number,
    attempt: string,
    expiresAt: number,
  ): Promise<void> {
    const key = itemKeys.lane(source, lane);
    if (await this.#setExpiry(key, token, expiresAt, attempt)) return;
    const lease = await this.#readLease(key);
    if (lease?.token !== token) throw fencedError(key, token);
    throw new StaleSplitError(
      `attempt ${attempt} of a link of lane ${lane} of source ${source} goes on no more: ` +
        `attempt ${lease.attempt ?? "none"} reads in its place`,
    );
  }

  /**
   * Gives a lane back. A lane that somebody else has taken since is left alone.
   * @param attempt leaves the lane alone also if another attempt of the same link has claimed it
   */
  async releaseLane(source: string, lane: number, token: number, attempt?: string): Promise<void> {
    await this.#release(itemKeys.lane(source, lane), token, attempt);
  }

  /** Gives back what an execution still holds of a source's lanes. */
  async releaseLanesOf(source: string, execution: string): Promise<void> {
    for (const [lane, lease] of await this.#readLanes(source)) {
      if (lease.execution === execution) await this.releaseLane(source, lane, lease.token);
    }
  }

  /** Gives back a table that an execution still holds, whatever its token by now. */
  async releaseTableOf(table: string, execution: string): Promise<void> {
    const lease = await this.#readLease(itemKeys.lease(table));
    if (lease?.execution === execution) await this.releaseTable(table, lease.token);
  }

  async readProgress(table: string): Promise<Progress> {
    const item = await this.#get(itemKeys.progress(table));
    return item === undefined ? EMPTY_PROGRESS : parseItem(progressSchema, item);
  }

  /**
   * Opens a pass: its splits first, then the progress that names them, so that nothing half open is ever seen.
   * @returns the progress with the pass in it
   * @throws FencedError if the token is no longer the lease's; StaleProgressError if progress moved since `before`
   */
  async openPass(args: {
    table: string;
    token: number;
    before: Progress;
    pass: Pass;
    splits: readonly SplitRecord[];
  }): Promise<Progress> {
    const { table, token, before, pass, splits } = args;
    for (let first = 0; first < splits.length; first += SPLITS_A_TRANSACTION) {
      // Splits that a crashed attempt left under the same pass are overwritten: the token says that it is over.
      const puts = splits.slice(first, first + SPLITS_A_TRANSACTION).map((split) => ({
        Put: {
          TableName: this.#tableName,
          Item: { ...itemKeys.split(table, split.pass, split.split), ...split },
        },
      }));
      const failed = await transact(this.#client, [this.#checkToken(table, token), ...puts]);
      if (failed !== undefined) throw fencedError(itemKeys.lease(table), token);
    }
    const after: Progress = {
      ...before,
      passNumber: pass.number,
      passes: { ...before.passes, [pass.kind]: pass },
      lastKeysPassStartedAt: pass.kind === "keys" ? pass.startedAt : before.lastKeysPassStartedAt,
      lastLatePassStartedAt: readsPastRows(pass) ? pass.startedAt : before.lastLatePassStartedAt,
    };
    await this.#moveProgress(table, token, before, after, []);
    return after;
  }

  /** @throws ProtocolError if there is no such split */
  async readSplit(table: string, pass: string, split: string): Promise<SplitRecord> {
    const item = await this.#get(itemKeys.split(table, pass, split));
    if (item === undefined) throw missingSplitError(table, pass, split);
    return parseItem(splitRecordSchema, item);
  }

  /** The splits of a pass, in order. */
  async readSplits(table: string, pass: Pass): Promise<SplitRecord[]> {
    const { pk, sk } = itemKeys.split(table, pass.id, "");
    const items = await this.#query({
      KeyConditionExpression: "pk = :pk AND begins_with(sk, :prefix)",
      ExpressionAttributeValues: { ":pk": pk, ":prefix": sk },
    });
    const splits = new Map(
      items.map((item) => {
        const record = parseItem(splitRecordSchema, item);
        return [record.split, record];
      }),
    );
    return pass.splits.map((split) => {
      const record = splits.get(split);
      if (record === undefined) throw missingSplitError(table, pass.id, split);
      return record;
    });
  }

  /**
   * Records a finished object together with where reading goes on, or, without an object, only the latter.
   * It is the only way an object comes to count. Doing it again is a success.
   * @param args.before the split as it was read, or as the last call returned it
   * @returns the split as it is now
   * @throws FencedError if the token is no longer the lease's; StaleSplitError if somebody else moved the split
   */
  async recordObject(args: {
    table: string;
    token: number;
    before: SplitRecord;
    position: string | null;
    done: boolean;
    object: ObjectRecord | null;
  }): Promise<SplitRecord> {
    const { table, token, before, object } = args;
    if (object !== null && object.sequence !== before.objects) {
      throw new ProtocolError(
        `object ${object.key} has sequence ${object.sequence}, but the split's next is ${before.objects}`,
      );
    }
    const after: SplitRecord = {
      ...before,
      position: args.position,
      done: args.done,
      objects: before.objects + (object === null ? 0 : 1),
      rows: before.rows + (object?.rows ?? 0),
    };
    const items = [this.#checkToken(table, token), this.#moveSplit(table, before, after)];
    if (object !== null) {
      const key = itemKeys.object(table, object.pass, object.split, object.sequence);
      items.push({
        Put: {
          TableName: this.#tableName,
          Item: { ...key, ...object },
          ConditionExpression: "attribute_not_exists(pk)",
        },
      });
    }
    const failed = await transact(this.#client, items);
    if (failed === undefined) return after;
    if (await this.#isRecorded(table, after, object)) return after;
    if (failed.failedIndex === 0) throw fencedError(itemKeys.lease(table), token);
    throw new StaleSplitError(
      `split ${before.split} of pass ${before.pass} of table ${table} moved on from ` +
        `${before.objects} objects and position ${before.position ?? "null"}: another attempt is recording it`,
    );
  }

  /** The objects of a split from a sequence on, in order. */
  async listObjects(
    table: string,
    pass: string,
    split: string,
    fromSequence: number,
  ): Promise<ObjectRecord[]> {
    const { pk, sk } = itemKeys.object(table, pass, split, fromSequence);
    const items = await this.#query({
      KeyConditionExpression: "pk = :pk AND sk BETWEEN :from AND :to",
      ExpressionAttributeValues: {
        ":pk": pk,
        ":from": sk,
        ":to": itemKeys.objectsEnd(pass, split),
      },
    });
    return items.map((item) => parseItem(objectRecordSchema, item));
  }

  /**
   * Makes a manifest the table's next one, and moves progress with it.
   * @throws FencedError if the token is no longer the lease's; StaleProgressError if progress moved since `before`
   */
  async commitManifest(args: {
    table: string;
    token: number;
    before: Progress;
    after: Progress;
    manifest: ManifestEntry;
  }): Promise<void> {
    const { table, token, before, after, manifest } = args;
    const { number, ...entry } = manifest;
    if (number !== before.lastManifest + 1 || after.lastManifest !== number) {
      throw new ProtocolError(
        `manifest ${number} of table ${table} does not follow ${before.lastManifest} (progress would say ${after.lastManifest})`,
      );
    }
    await this.#moveProgress(table, token, before, after, [
      {
        Put: {
          TableName: this.#tableName,
          Item: { ...itemKeys.manifest(table, number), ...entry },
          ConditionExpression: "attribute_not_exists(pk)",
        },
      },
    ]);
  }

  /**
   * Moves progress where passes ended and there is nothing for a manifest. Doing it again is a success.
   * @throws FencedError if the token is no longer the lease's; StaleProgressError if progress moved since `before`
   */
  async moveProgress(args: {
    table: string;
    token: number;
    before: Progress;
    after: Progress;
  }): Promise<void> {
    const { table, token, before, after } = args;
    if (after.lastManifest !== before.lastManifest || after.passNumber !== before.passNumber) {
      throw new ProtocolError(
        `progress of table ${table} cannot move to manifest ${after.lastManifest}, pass ${after.passNumber} ` +
          `without a manifest or a pass (it is at ${before.lastManifest}, ${before.passNumber})`,
      );
    }
    await this.#moveProgress(table, token, before, after, []);
  }

  /** @returns nothing if the table has no manifest of that number */
  async readManifestEntry(table: string, number: number): Promise<ManifestEntry | undefined> {
    const item = await this.#get(itemKeys.manifest(table, number));
    return item === undefined ? undefined : { number, ...parseItem(storedManifestSchema, item) };
  }

  /**
   * Notes a thing open at the source (a point in time) for an execution, so that whoever finds it left over can close
   * it. Doing it again renews it.
   */
  async holdResource(args: {
    source: string;
    resource: string;
    execution: string;
    openedAt: number;
    expiresAt: number;
  }): Promise<void> {
    const { source, resource: id, execution, openedAt, expiresAt } = args;
    await this.#client.send(
      new PutCommand({
        TableName: this.#tableName,
        Item: { ...itemKeys.resource(source, id), id, execution, openedAt, expiresAt },
      }),
    );
  }

  async forgetResource(source: string, resource: string): Promise<void> {
    await this.#client.send(
      new DeleteCommand({ TableName: this.#tableName, Key: itemKeys.resource(source, resource) }),
    );
  }

  async listResources(
    source: string,
  ): Promise<{ resource: string; execution: string; expiresAt: number }[]> {
    const items = await this.#query({
      KeyConditionExpression: "pk = :pk AND begins_with(sk, :prefix)",
      ExpressionAttributeValues: { ":pk": `source#${source}`, ":prefix": "pit#" },
    });
    return items.map((item) => {
      const { id, execution, expiresAt } = parseItem(storedResourceSchema, item);
      return { resource: id, execution, expiresAt };
    });
  }

  /**
   * Notes how far a lane is, for people. It replaces the lane's note before, but not a newer one.
   * @throws Error after two seconds without an answer
   */
  async noteReading(source: string, lane: number, note: ReadingNote): Promise<void> {
    try {
      await this.#client.send(
        new PutCommand({
          TableName: this.#tableName,
          Item: { ...itemKeys.reading(source, lane), ...note },
          ConditionExpression: "attribute_not_exists(pk) OR #at <= :at",
          ExpressionAttributeNames: { "#at": "at" },
          ExpressionAttributeValues: { ":at": note.at },
        }),
        { abortSignal: AbortSignal.timeout(NOTE_MILLIS) },
      );
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
    }
  }

  /** The last note of each of a source's lanes; most are of runs that are over. One of another form is left out. */
  async listReadings(source: string): Promise<(ReadingNote & { lane: number })[]> {
    const items = await this.#query({
      KeyConditionExpression: "pk = :pk AND begins_with(sk, :prefix)",
      ExpressionAttributeValues: { ":pk": `source#${source}`, ":prefix": "reading#" },
    });
    return items.flatMap((item) => {
      const note = readingNoteSchema.safeParse(item);
      const lane = Number(String(item.sk).slice("reading#".length));
      return note.success ? [{ lane, ...note.data }] : [];
    });
  }

  /** Has all runs leave the source alone for a while. A note of an earlier rest is replaced. */
  async restSource(source: string, rest: SourceRest): Promise<void> {
    await this.#client.send(
      new PutCommand({
        TableName: this.#tableName,
        Item: { ...itemKeys.sourceRest(source), ...rest },
      }),
    );
  }

  /** The last rest that the source was given, which may be over; undefined if it never needed one. */
  async readSourceRest(source: string): Promise<SourceRest | undefined> {
    const item = await this.#get(itemKeys.sourceRest(source));
    return item === undefined ? undefined : parseItem(sourceRestSchema, item);
  }

  /** Keeps a run's record. Doing it again replaces it. */
  async putRun(record: RunRecord): Promise<void> {
    const { run, execution, startedAt, endedAt, status } = record;
    await this.#client.send(
      new PutCommand({
        TableName: this.#tableName,
        Item: {
          ...itemKeys.run(startedAt, run),
          ...{ run, execution, startedAt, endedAt, status },
          // Compressed: a thousand tables would exceed the 400 KB of an item.
          record: gzipSync(JSON.stringify(record)),
        },
      }),
    );
  }

  /** @returns nothing if there is no record of a run of that name */
  async readRun(run: string): Promise<RunRecord | undefined> {
    const [item] = await this.#query(
      {
        KeyConditionExpression: "pk = :pk",
        FilterExpression: "#run = :run",
        ExpressionAttributeNames: { "#run": "run" },
        ExpressionAttributeValues: { ":pk": "run", ":run": run },
        ScanIndexForward: false,
      },
      1,
    );
    return item === undefined ? undefined : parseRun(item);
  }

  /** The newest runs, newest first. */
  async listRuns(limit: number): Promise<RunRecord[]> {
    const items = await this.#query(
      {
        KeyConditionExpression: "pk = :pk",
        ExpressionAttributeValues: { ":pk": "run" },
        ScanIndexForward: false,
        Limit: limit,
      },
      limit,
    );
    return items.map(parseRun);
  }

  /** @returns the new token, or nothing if the lease changed since it was read */
  async #takeOver(
    key: ItemKey,
    lease: StoredLease | undefined,
    execution: string,
    expiresAt: number,
  ): Promise<number | undefined> {
    const token = (lease?.token ?? 0) + 1;
    const taken = await this.#conditionally(
      new PutCommand({
        TableName: this.#tableName,
        Item: { ...key, token, execution, expiresAt },
        ...(lease === undefined
          ? { ConditionExpression: "attribute_not_exists(pk)" }
          : {
              ConditionExpression: "#token = :token",
              ExpressionAttributeNames: { "#token": "token" },
              ExpressionAttributeValues: { ":token": lease.token },
            }),
      }),
    );
    return taken ? token : undefined;
  }

  /** @returns whether the lease was still the token's, and the attempt's if one is given */
  async #setExpiry(
    key: ItemKey,
    token: number,
    expiresAt: number,
    attempt?: string,
  ): Promise<boolean> {
    const own = isOwn(token, attempt);
    return this.#conditionally(
      new UpdateCommand({
        TableName: this.#tableName,
        Key: key,
        UpdateExpression: "SET expiresAt = :expiresAt",
        ...own,
        ExpressionAttributeValues: { ...own.ExpressionAttributeValues, ":expiresAt": expiresAt },
      }),
    );
  }

  async #release(key: ItemKey, token: number, attempt?: string): Promise<void> {
    const own = isOwn(token, attempt);
    await this.#conditionally(
      new UpdateCommand({
        TableName: this.#tableName,
        Key: key,
        UpdateExpression: "SET #execution = :none",
        ConditionExpression: own.ConditionExpression,
        ExpressionAttributeNames: {
          ...own.ExpressionAttributeNames,
          "#execution": "execution",
        },
        ExpressionAttributeValues: { ...own.ExpressionAttributeValues, ":none": null },
      }),
    );
  }

  #checkToken(table: string, token: number): TransactItem {
    return {
      ConditionCheck: {
        TableName: this.#tableName,
        Key: itemKeys.lease(table),
        ConditionExpression: "#token = :token",
        ExpressionAttributeNames: { "#token": "token" },
        ExpressionAttributeValues: { ":token": token },
      },
    };
  }

  #moveSplit(table: string, before: SplitRecord, after: SplitRecord): TransactItem {
    const atPosition =
      before.position === null ? "attribute_type(#position, :was)" : "#position = :was";
    return {
      Update: {
        TableName: this.#tableName,
        Key: itemKeys.split(table, before.pass, before.split),
        UpdateExpression:
          "SET #position = :position, #objects = :objects, #rows = :rows, #done = :done",
        ConditionExpression: `#objects = :wasObjects AND #done = :false AND ${atPosition}`,
        ExpressionAttributeNames: {
          "#position": "position",
          "#objects": "objects",
          "#rows": "rows",
          "#done": "done",
        },
        ExpressionAttributeValues: {
          ":position": after.position,
          ":objects": after.objects,
          ":rows": after.rows,
          ":done": after.done,
          ":wasObjects": before.objects,
          ":was": before.position ?? "NULL",
          ":false": false,
        },
      },
    };
  }

  /** True if an earlier attempt of the very same call was written although its answer was lost. */
  async #isRecorded(
    table: string,
    after: SplitRecord,
    object: ObjectRecord | null,
  ): Promise<boolean> {
    if (object === null) {
      const split = await this.readSplit(table, after.pass, after.split);
      return isDeepStrictEqual(split, after);
    }
    const [recorded] = await this.listObjects(table, after.pass, after.split, object.sequence);
    // Keys hold the attempt's random id, so the same key is the same attempt.
    return recorded?.key === object.key;
  }

  async #moveProgress(
    table: string,
    token: number,
    before: Progress,
    after: Progress,
    more: TransactItem[],
  ): Promise<void> {
    const condition =
      before.passNumber === 0
        ? { ConditionExpression: "attribute_not_exists(pk)" }
        : {
            ConditionExpression: "lastManifest = :lastManifest AND passNumber = :passNumber",
            ExpressionAttributeValues: {
              ":lastManifest": before.lastManifest,
              ":passNumber": before.passNumber,
            },
          };
    const failed = await transact(this.#client, [
      this.#checkToken(table, token),
      {
        Put: {
          TableName: this.#tableName,
          Item: { ...itemKeys.progress(table), ...after },
          ...condition,
        },
      },
      ...more,
    ]);
    if (failed === undefined) return;
    if (failed.failedIndex === 0) throw fencedError(itemKeys.lease(table), token);
    throw new StaleProgressError(
      `progress of table ${table} moved on from manifest ${before.lastManifest}, pass ${before.passNumber}`,
    );
  }

  async #readLease(key: ItemKey): Promise<StoredLease | undefined> {
    const item = await this.#get(key);
    return item === undefined ? undefined : parseItem(storedLeaseSchema, item);
  }

  async #readLanes(source: string): Promise<Map<number, StoredLease>> {
    const items = await this.#query({
      KeyConditionExpression: "pk = :pk AND begins_with(sk, :prefix)",
      ExpressionAttributeValues: { ":pk": `source#${source}`, ":prefix": "lane#" },
    });
    return new Map(
      items.map((item) => [
        Number(String(item.sk).slice("lane#".length)),
        parseItem(storedLeaseSchema, item),
      ]),
    );
  }

  async #get(key: ItemKey): Promise<Record<string, unknown> | undefined> {
    const { Item } = await this.#client.send(
      new GetCommand({ TableName: this.#tableName, Key: key, ConsistentRead: true }),
    );
    return Item;
  }

  async #query(
    input: Omit<QueryCommandInput, "TableName">,
    atMost = Number.POSITIVE_INFINITY,
  ): Promise<Record<string, unknown>[]> {
    const items: Record<string, unknown>[] = [];
    let from: QueryCommandInput["ExclusiveStartKey"];
    do {
      const page = await this.#client.send(
        new QueryCommand({
          ...input,
          TableName: this.#tableName,
          ConsistentRead: true,
          ExclusiveStartKey: from,
        }),
      );
      items.push(...(page.Items ?? []));
      from = page.LastEvaluatedKey;
    } while (from !== undefined && items.length < atMost);
    return items.slice(0, atMost);
  }

  /** @returns whether the command's condition was true */
  async #conditionally(command: PutCommand | UpdateCommand): Promise<boolean> {
    try {
      // A write of one item is refused while a transaction that checks the item is under way.
      await repeatOnConflict(async () => {
        if (command instanceof PutCommand) await this.#client.send(command);
        else await this.#client.send(command);
      });
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }
}

function isOwn(token: number, attempt: string | undefined) {
  return attempt === undefined
    ? {
        ConditionExpression: "#token = :token",
        ExpressionAttributeNames: { "#token": "token" },
        ExpressionAttributeValues: { ":token": token },
      }
    : {
        ConditionExpression: "#token = :token AND #attempt = :attempt",
        ExpressionAttributeNames: { "#token": "token", "#attempt": "attempt" },
        ExpressionAttributeValues: { ":token": token, ":attempt": attempt },
      };
}

async function isLaneInUse(
  lease: StoredLease,
  execution: string,
  isRunning: IsRunning,
  nowMillis: number,
): Promise<boolean> {
  if (lease.execution === null || lease.execution === execution) return false;
  return nowMillis < lease.expiresAt || (await isRunning(lease.execution));
}

function fencedError(key: ItemKey, token: number): FencedError {
  return new FencedError(
    `token ${token} of ${key.pk} / ${key.sk} is no longer valid: another run took over, or this run's commit began`,
  );
}

function missingSplitError(table: string, pass: string, split: string): ProtocolError {
  return new ProtocolError(`the ledger has no split ${split} of pass ${pass} of table ${table}`);
}

function parseRun(item: Record<string, unknown>): RunRecord {
  const { record } = parseItem(storedRunSchema, item);
  return runRecordSchema.parse(JSON.parse(gunzipSync(record).toString("utf8")));
}
