// Asks the next build for the whole of a table, when its deltas do not lead on from what the warehouse holds.
import { UpdateItemCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";

/** Leaves the request in the ledger; one that is there already keeps its time. */
export async function requestReplace(
  dynamodb: DynamoDBClient,
  ledger: string,
  table: string,
  nowMillis: number,
): Promise<void> {
  await dynamodb.send(
    new UpdateItemCommand({
      TableName: ledger,
      Key: { pk: { S: `table#${table}` }, sk: { S: "replace" } },
      UpdateExpression: "SET requestedAt = if_not_exists(requestedAt, :now)",
      ExpressionAttributeValues: { ":now": { N: String(nowMillis) } },
    }),
  );
}
