// The one access to the ledger's table: keys, consistent reads, pages, conditional writes and transactions.
import { setTimeout as sleep } from "node:timers/promises";
import { ConditionalCheckFailedException, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  BatchGetCommand,
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  UpdateCommand,
  type BatchGetCommandInput,
  type BatchGetCommandOutput,
  type QueryCommandInput,
} from "@aws-sdk/lib-dynamodb";
import type { z } from "zod";
import type { ItemKey } from "../../contract/ledger-keys.ts";
import {
  putInput,
  transactItem,
  updateInput,
  type Operation,
  type PutOperation,
  type UpdateOperation,
} from "./operations.ts";
import { parseItem } from "./parse-item.ts";
import { repeatOnConflict, transact, type FailedCondition } from "./transaction.ts";

/** An item as stored: its key `pk` and `sk`, and its attributes. */
export type Item = Record<string, unknown>;

// DynamoDB's limit of a request.
const MAX_ITEMS_A_REQUEST = 100;
const FIRST_PAUSE_MILLIS = 50;
const LONGEST_PAUSE_MILLIS = 2000;

export class LedgerTable {
  readonly #client: DynamoDBDocumentClient;
  readonly #tableName: string;

  constructor(options: { client: DynamoDBClient; tableName: string }) {
    this.#client = DynamoDBDocumentClient.from(options.client, {
      marshallOptions: { removeUndefinedValues: true },
    });
    this.#tableName = options.tableName;
  }

  /**
   * @returns the item's record, or nothing if there is none
   * @throws ProtocolError if it is not of the schema
   */
  async find<Schema extends z.ZodType>(
    key: ItemKey,
    schema: Schema,
  ): Promise<z.output<Schema> | undefined> {
    const { Item } = await this.#client.send(
      new GetCommand({ TableName: this.#tableName, Key: key, ConsistentRead: true }),
    );
    return Item === undefined ? undefined : parseItem(schema, Item);
  }

  /** All items whose key begins with this one, in order. */
  async listUnder({ pk, sk }: ItemKey): Promise<Item[]> {
    return this.#query({
      KeyConditionExpression: "pk = :pk AND begins_with(sk, :sk)",
      ExpressionAttributeValues: { ":pk": pk, ":sk": sk },
    });
  }

  /** All items of a partition from one key to another, both included, in order. */
  async listBetween({ pk, sk: from }: ItemKey, { sk: to }: ItemKey): Promise<Item[]> {
    return this.#query({
      KeyConditionExpression: "pk = :pk AND sk BETWEEN :from AND :to",
      ExpressionAttributeValues: { ":pk": pk, ":from": from, ":to": to },
    });
  }

  /** A partition's last items, the last one first. */
  async listLast({ pk }: Pick<ItemKey, "pk">, atMost: number): Promise<Item[]> {
    return this.#query(
      {
        KeyConditionExpression: "pk = :pk",
        ExpressionAttributeValues: { ":pk": pk },
        ScanIndexForward: false,
        Limit: atMost,
      },
      atMost,
    );
  }

  /** The last item of a partition in which an attribute has a value. */
  async findLast(
    { pk }: Pick<ItemKey, "pk">,
    attribute: string,
    value: string,
  ): Promise<Item | undefined> {
    const [item] = await this.#query(
      {
        KeyConditionExpression: "pk = :pk",
        FilterExpression: "#attribute = :value",
        ExpressionAttributeNames: { "#attribute": attribute },
        ExpressionAttributeValues: { ":pk": pk, ":value": value },
        ScanIndexForward: false,
      },
      1,
    );
    return item;
  }

  /**
   * Those of the items that there are, in any order, with their keys and these attributes alone: an item of progress
   * can be large.
   */
  async findMany(keys: readonly ItemKey[], attributes: readonly string[]): Promise<Item[]> {
    const items: Item[] = [];
    for (let first = 0; first < keys.length; first += MAX_ITEMS_A_REQUEST) {
      items.push(
        ...(await this.#batch(keys.slice(first, first + MAX_ITEMS_A_REQUEST), attributes)),
      );
    }
    return items;
  }

  /**
   * Puts an item, in place of what is there.
   * @throws an AbortError once the signal is aborted
   */
  async put(key: ItemKey, attributes: Item): Promise<void> {
    await this.putIf({ kind: "put", key, attributes });
  }

  async delete(key: ItemKey): Promise<void> {
    await this.#client.send(new DeleteCommand({ TableName: this.#tableName, Key: key }));
  }

  /**
   * @returns whether the operation's condition was true
   * @throws an AbortError once the signal is aborted
   */
  async putIf(operation: PutOperation, abortSignal?: AbortSignal): Promise<boolean> {
    const options = abortSignal === undefined ? {} : { abortSignal };
    return conditionally(() =>
      this.#client.send(new PutCommand(putInput(this.#tableName, operation)), options),
    );
  }

  /** @returns whether the operation's condition was true */
  async updateIf(operation: UpdateOperation): Promise<boolean> {
    return conditionally(() =>
      this.#client.send(new UpdateCommand(updateInput(this.#tableName, operation))),
    );
  }

  /**
   * Makes all writes or none.
   * @returns nothing when written, or which operation's condition was false
   */
  async transact(operations: readonly Operation[]): Promise<FailedCondition | undefined> {
    return transact(
      this.#client,
      operations.map((operation) => transactItem(this.#tableName, operation)),
    );
  }

  async #query(
    input: Omit<QueryCommandInput, "TableName">,
    atMost = Number.POSITIVE_INFINITY,
  ): Promise<Item[]> {
    const items: Item[] = [];
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

  async #batch(keys: readonly ItemKey[], attributes: readonly string[]): Promise<Item[]> {
    const items: Item[] = [];
    let left: BatchGetCommandInput["RequestItems"] = {
      [this.#tableName]: {
        Keys: [...keys],
        ConsistentRead: true,
        ProjectionExpression: ["pk", "sk", ...attributes.map((name) => `#${name}`)].join(", "),
        ExpressionAttributeNames: Object.fromEntries(attributes.map((name) => [`#${name}`, name])),
      },
    };
    for (let pause = FIRST_PAUSE_MILLIS; ; pause = Math.min(LONGEST_PAUSE_MILLIS, pause * 2)) {
      const page: BatchGetCommandOutput = await this.#client.send(
        new BatchGetCommand({ RequestItems: left }),
      );
      items.push(...(page.Responses?.[this.#tableName] ?? []));
      left = page.UnprocessedKeys;
      if (left === undefined || Object.keys(left).length === 0) return items;
      await sleep(pause);
    }
  }
}

/** Whether the write's condition was true. */
async function conditionally(write: () => Promise<unknown>): Promise<boolean> {
  try {
    // A write of one item is rejected while a transaction that checks the item is under way.
    await repeatOnConflict(write);
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}
