// Reads what the ledger says about many tables' builds at once.
import { setTimeout as sleep } from "node:timers/promises";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  BatchGetCommand,
  DynamoDBDocumentClient,
  type BatchGetCommandInput,
  type BatchGetCommandOutput,
} from "@aws-sdk/lib-dynamodb";
import { z } from "zod";
import { itemKeys, parseItem } from "./items.ts";
import { isReplaceDue, replaceRecordSchema } from "./load-records.ts";

export interface TableNeeds {
  /** The table's last manifest; 0 if it has none. */
  readonly lastManifest: number;
  /** True if the next build must write the whole table as a delta. */
  readonly isReplaceDue: boolean;
}

const replaceSchema = z.looseObject({ state: replaceRecordSchema.shape.state });
const progressSchema = z.looseObject({ lastManifest: z.int().nonnegative() });

// DynamoDB's limit is 100 items a request; a table has two.
const TABLES_A_REQUEST = 50;
const FIRST_PAUSE_MILLIS = 50;
const LONGEST_PAUSE_MILLIS = 2000;

/**
 * What the ledger says of each name, read consistently; a name that it does not know is left out.
 * @throws ProtocolError if an item is not as this version expects
 */
export async function readNeeds(
  dynamodb: DynamoDBClient,
  tableName: string,
  names: readonly string[],
): Promise<Map<string, TableNeeds>> {
  const client = DynamoDBDocumentClient.from(dynamodb);
  const needs = new Map<string, TableNeeds>();
  for (let first = 0; first < names.length; first += TABLES_A_REQUEST) {
    const some = names.slice(first, first + TABLES_A_REQUEST);
    const tables = new Map(some.map((name) => [itemKeys.progress(name).pk, name]));
    const wanted = some.flatMap((name) => [itemKeys.progress(name), itemKeys.replace(name)]);
    for (const item of await getAll(client, tableName, wanted)) {
      const name = tables.get(String(item.pk)) ?? "";
      const known = needs.get(name) ?? { lastManifest: 0, isReplaceDue: false };
      needs.set(
        name,
        item.sk === itemKeys.progress(name).sk
          ? { ...known, lastManifest: parseItem(progressSchema, item).lastManifest }
          : { ...known, isReplaceDue: isReplaceDue(parseItem(replaceSchema, item)) },
      );
    }
  }
  return needs;
}

async function getAll(
  client: DynamoDBDocumentClient,
  tableName: string,
  keys: readonly { readonly pk: string; readonly sk: string }[],
): Promise<Record<string, unknown>[]> {
  const items: Record<string, unknown>[] = [];
  let left: BatchGetCommandInput["RequestItems"] = {
    [tableName]: {
      Keys: [...keys],
      ConsistentRead: true,
      // A pass of many splits makes an item of progress large.
      ProjectionExpression: "pk, sk, lastManifest, #state",
      ExpressionAttributeNames: { "#state": "state" },
    },
  };
  for (let pause = FIRST_PAUSE_MILLIS; ; pause = Math.min(LONGEST_PAUSE_MILLIS, pause * 2)) {
    const page: BatchGetCommandOutput = await client.send(
      new BatchGetCommand({ RequestItems: left }),
    );
    items.push(...(page.Responses?.[tableName] ?? []));
    left = page.UnprocessedKeys;
    if (left === undefined || Object.keys(left).length === 0) return items;
    await sleep(pause);
  }
}
