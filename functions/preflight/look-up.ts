// Asks AWS what exists under a name.
import { DescribeTableCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GetDatabaseCommand, type GlueClient } from "@aws-sdk/client-glue";
import { HeadBucketCommand, S3ServiceException, type S3Client } from "@aws-sdk/client-s3";
import { DescribeSecretCommand, type SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { Found, RetainedName } from "./names.ts";

export interface LookUpClients {
  readonly s3: S3Client;
  readonly dynamodb: DynamoDBClient;
  readonly glue: GlueClient;
  readonly secrets: SecretsManagerClient;
}

const NOT_FOUND = new Set(["NotFound", "ResourceNotFoundException", "EntityNotFoundException"]);

/**
 * @returns what exists under the name, or nothing
 * @throws Error if AWS does not say
 */
export async function lookUp(
  name: RetainedName,
  clients: LookUpClients,
): Promise<Found | undefined> {
  try {
    return { ...name, identifier: name.name, ...(await describe(name, clients)) };
  } catch (error) {
    if (error instanceof Error && NOT_FOUND.has(error.name)) return undefined;
    throw error;
  }
}

async function describe(
  { kind, name }: RetainedName,
  clients: LookUpClients,
): Promise<Partial<Found>> {
  switch (kind) {
    case "bucket":
      return describeBucket(name, clients.s3);
    case "table":
      await clients.dynamodb.send(new DescribeTableCommand({ TableName: name }));
      return {};
    case "database":
      await clients.glue.send(new GetDatabaseCommand({ Name: name }));
      return {};
    case "secret": {
      const command = new DescribeSecretCommand({ SecretId: name });
      const { ARN, DeletedDate } = await clients.secrets.send(command);
      return {
        ...(ARN === undefined ? {} : { identifier: ARN }),
        ...(DeletedDate === undefined
          ? {}
          : {
              obstacle: `scheduled for deletion: aws secretsmanager restore-secret --secret-id ${name}`,
            }),
      };
    }
  }
}

async function describeBucket(name: string, s3: S3Client): Promise<Partial<Found>> {
  try {
    await s3.send(new HeadBucketCommand({ Bucket: name }));
    return {};
  } catch (error) {
    // Names of buckets are shared by all accounts.
    if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 403) {
      return { obstacle: "it belongs to another account: choose another name for the deployment" };
    }
    throw error;
  }
}
