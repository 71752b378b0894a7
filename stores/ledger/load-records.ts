// What the ledger keeps of a table's way into the warehouse: the request for a whole copy, and a load that fails.
import { ConditionalCheckFailedException, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import { z } from "zod";
import { itemKeys, parseItem, type ItemKey } from "./items.ts";

/** A request for a table's whole copy. It is kept after it was served, so that it is not made again and again. */
export const replaceRecordSchema = z.strictObject({
  /** `asked`: due at the next build; `written`: a build wrote the copy; `loaded`: the warehouse has it. */
  state: z.enum(["asked", "written", "loaded"]),
  /** Milliseconds since 1970. */
  requestedAt: z.int(),
  /** The run whose load asked. */
  run: z.string(),
  /** The lake's content that the warehouse could not be brought to. */
  contentId: z.string(),
  /** The definition's fingerprint at that time. */
  fingerprint: z.string(),
  /** The kind of failure that a whole copy is to help against. */
  cause: z.string(),
  /** What it was, for people. */
  reason: z.string(),
  /** How often it was asked for since the last time that a week passed without. */
  times: z.int().positive(),
  /** When, in which run and as which content the build wrote it last. */
  writtenAt: z.int().optional(),
  writtenRun: z.string().optional(),
  writtenContentId: z.string().optional(),
});
export type ReplaceRecord = z.infer<typeof replaceRecordSchema>;

/** A load that failed and has not succeeded since. */
export const loadRecordSchema = z.strictObject({
  /** When it failed first and last, milliseconds since 1970. */
  since: z.int(),
  failedAt: z.int(),
  /** The run in which it failed last. */
  run: z.string(),
  /** In how many runs it failed since. */
  failures: z.int().positive(),
  /** The kind of failure, and what people can do about it. */
  cause: z.string(),
  advice: z.string(),
  /** The warehouse's own words. */
  error: z.string(),
  fingerprint: z.string(),
  /** Before it no run tries again, milliseconds since 1970; null if each run does. */
  retryAt: z.int().nullable(),
  /** Why no whole copy is asked for although one could help, and before when; null if that is not so. */
  notAsked: z.string().nullable(),
});
export type LoadRecord = z.infer<typeof loadRecordSchema>;

/** Both records of a table, where there are any. */
export interface LoadRecords {
  readonly replace?: ReplaceRecord;
  readonly load?: LoadRecord;
}

/**
 * True if the next build must write the whole table as a delta. The build reads the same of the item, in
 * `sluice_build/stores/ledger.py`.
 */
export function isReplaceDue(replace: Pick<ReplaceRecord, "state"> | undefined): boolean {
  return replace?.state === "asked";
}

/**
 * True if a load that failed must not be tried again yet. It is tried, whatever its time, once the definition has
 * changed or a whole copy was written since it failed.
 *
 * @param nowMillis milliseconds since 1970
 */
export function isLoadHeld(
  { load, replace }: LoadRecords,
  fingerprint: string,
  nowMillis: number,
): boolean {
  if (load?.retryAt === undefined || load.retryAt === null || nowMillis >= load.retryAt) {
    return false;
  }
  return load.fingerprint === fingerprint && !((replace?.writtenAt ?? 0) > load.failedAt);
}

const TABLES_AT_ONCE = 25;

/** Reads and writes those records. */
export class LoadLedger {
  readonly #client: DynamoDBDocumentClient;
  readonly #tableName: string;

  constructor(options: { client: DynamoDBClient; tableName: string }) {
    this.#client = DynamoDBDocumentClient.from(options.client);
    this.#tableName = options.tableName;
  }

  /** @throws ProtocolError if an item is not of this version */
  async read(table: string): Promise<LoadRecords> {
    const [load, replace] = await Promise.all([this.#load(table), this.#replace(table)]);
    return {
      ...(load === undefined ? {} : { load }),
      ...(replace === undefined ? {} : { replace }),
    };
  }

  /**
   * The records of those of many tables whose last load failed.
   * @throws ProtocolError if an item is not of this version
   */
  async readFailing(tables: readonly string[]): Promise<Map<string, LoadRecords>> {
    const found = new Map<string, LoadRecords>();
    for (let first = 0; first < tables.length; first += TABLES_AT_ONCE) {
      const some = tables.slice(first, first + TABLES_AT_ONCE);
      const loads = await Promise.all(some.map((table) => this.#load(table)));
      for (const [index, table] of some.entries()) {
        if (loads[index] !== undefined) found.set(table, await this.read(table));
      }
    }
    return found;
  }

  /** Notes that a load failed, in place of an earlier note. */
  async putLoad(table: string, record: LoadRecord): Promise<void> {
    await this.#client.send(
      new PutCommand({ TableName: this.#tableName, Item: { ...itemKeys.load(table), ...record } }),
    );
  }

  /**
   * Asks for a whole copy, unless somebody asked since `before` was read.
   * @param before the record that was there, if any
   */
  async askReplace(
    table: string,
    record: ReplaceRecord,
    before: ReplaceRecord | undefined,
  ): Promise<void> {
    await this.#ifUnchanged(
      new PutCommand({
        TableName: this.#tableName,
        Item: { ...itemKeys.replace(table), ...record },
        ...(before === undefined
          ? { ConditionExpression: "attribute_not_exists(pk)" }
          : {
              ConditionExpression: "requestedAt = :before",
              ExpressionAttributeValues: { ":before": before.requestedAt },
            }),
      }),
    );
  }

  /**
   * Notes that the warehouse has what the lake has: the failure is forgotten, and a copy that was asked for is not
   * needed any more.
   */
  async noteLoaded(table: string, { load, replace }: LoadRecords): Promise<void> {
    if (load !== undefined) {
      await this.#client.send(
        new DeleteCommand({ TableName: this.#tableName, Key: itemKeys.load(table) }),
      );
    }
    if (replace === undefined || replace.state === "loaded") return;
    await this.#ifUnchanged(
      new UpdateCommand({
        TableName: this.#tableName,
        Key: itemKeys.replace(table),
        UpdateExpression: "SET #state = :loaded",
        ConditionExpression: "requestedAt = :before",
        ExpressionAttributeNames: { "#state": "state" },
        ExpressionAttributeValues: { ":loaded": "loaded", ":before": replace.requestedAt },
      }),
    );
  }

  async #load(table: string): Promise<LoadRecord | undefined> {
    const item = await this.#get(itemKeys.load(table));
    return item === undefined ? undefined : parseItem(loadRecordSchema, item);
  }

  async #replace(table: string): Promise<ReplaceRecord | undefined> {
    const item = await this.#get(itemKeys.replace(table));
    return item === undefined ? undefined : parseItem(replaceRecordSchema, item);
  }

  async #get(key: ItemKey): Promise<Record<string, unknown> | undefined> {
    const { Item } = await this.#client.send(
      new GetCommand({ TableName: this.#tableName, Key: key, ConsistentRead: true }),
    );
    return Item;
  }

  /** Another run's load may have been there first: then its record stands. */
  async #ifUnchanged(command: PutCommand | UpdateCommand): Promise<void> {
    try {
      if (command instanceof PutCommand) await this.#client.send(command);
      else await this.#client.send(command);
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
    }
  }
}
