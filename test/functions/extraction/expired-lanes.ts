// Moves the leases of lanes into the past, as time would.
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, QueryCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { z } from "zod";

const laneSchema = z.looseObject({
  pk: z.string(),
  sk: z.string(),
  execution: z.string().nullable(),
});

/** As if the longest time that a Lambda can live had passed for those whose executions have ended. */
export async function letLanesExpire(
  dynamodb: DynamoDBClient,
  ledgerTable: string,
  sources: readonly string[],
  running: ReadonlySet<string>,
): Promise<void> {
  const client = DynamoDBDocumentClient.from(dynamodb);
  for (const source of new Set(sources)) {
    const { Items = [] } = await client.send(
      new QueryCommand({
        TableName: ledgerTable,
        KeyConditionExpression: "pk = :pk AND begins_with(sk, :lane)",
        ExpressionAttributeValues: { ":pk": `source#${source}`, ":lane": "lane#" },
      }),
    );
    for (const item of Items) {
      const { pk, sk, execution } = laneSchema.parse(item);
      if (execution === null || running.has(execution)) continue;
      await client.send(
        new UpdateCommand({
          ...{ TableName: ledgerTable, Key: { pk, sk } },
          UpdateExpression: "SET expiresAt = :past",
          ExpressionAttributeValues: { ":past": 0 },
        }),
      );
    }
  }
}
