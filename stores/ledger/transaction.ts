// DynamoDB transactions that say which condition failed, and are repeated when they only met another transaction.
import { setTimeout as sleep } from "node:timers/promises";
import {
  TransactionCanceledException,
  TransactionConflictException,
} from "@aws-sdk/client-dynamodb";
import {
  TransactWriteCommand,
  type DynamoDBDocumentClient,
  type TransactWriteCommandInput,
} from "@aws-sdk/lib-dynamodb";

type TransactItem = NonNullable<TransactWriteCommandInput["TransactItems"]>[number];

const MAX_ATTEMPTS = 12;
const FIRST_PAUSE_MILLIS = 20;
const LONGEST_PAUSE_MILLIS = 1000;

// Reasons that say nothing about the conditions: another transaction touched an item, or the table is busy.
const PASSING_REASONS = new Set([
  "TransactionConflict",
  "ThrottlingError",
  "ProvisionedThroughputExceeded",
]);

/** The part of an operation whose condition was false. */
export interface FailedCondition {
  /** Index of the first operation whose condition was false. */
  readonly failedIndex: number;
}

/**
 * Writes all items or none.
 *
 * Lanes of one table check the same lease item, and DynamoDB cancels one of two transactions that meet: such a
 * cancellation is repeated with growing, jittered pauses.
 * @returns nothing when written, or which condition was false
 */
export async function transact(
  client: DynamoDBDocumentClient,
  items: TransactItem[],
): Promise<FailedCondition | undefined> {
  try {
    await repeatOnConflict(() => client.send(new TransactWriteCommand({ TransactItems: items })));
    return undefined;
  } catch (error) {
    const failedIndex = reasonsOf(error).indexOf("ConditionalCheckFailed");
    if (failedIndex >= 0) return { failedIndex };
    throw error;
  }
}

/** Sends a write again, with growing, jittered pauses, while it only meets a transaction on the same item. */
export async function repeatOnConflict<T>(write: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await write();
    } catch (error) {
      if (!isPassing(error) || attempt >= MAX_ATTEMPTS) throw error;
      const pause = Math.min(LONGEST_PAUSE_MILLIS, FIRST_PAUSE_MILLIS * 2 ** (attempt - 1));
      await sleep(pause * (0.5 + Math.random() / 2));
    }
  }
}

function isPassing(error: unknown): boolean {
  if (error instanceof TransactionConflictException) return true;
  const reasons = reasonsOf(error);
  if (reasons.includes("ConditionalCheckFailed")) return false;
  return reasons.some((reason) => PASSING_REASONS.has(reason));
}

/** Why a transaction was cancelled, an entry an operation; none for another error. */
function reasonsOf(error: unknown): string[] {
  if (!(error instanceof TransactionCanceledException)) return [];
  return (error.CancellationReasons ?? []).map((reason) => reason.Code ?? "None");
}
