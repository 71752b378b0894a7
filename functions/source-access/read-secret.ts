// Reads a source's secret from Secrets Manager.
import { GetSecretValueCommand, type SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SourceConfigurationError } from "../../contract/errors.ts";

/** @throws SourceConfigurationError if there is no such secret, or it holds no text */
export async function readSecret(client: SecretsManagerClient, name: string): Promise<string> {
  try {
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: name }));
    if (SecretString !== undefined) return SecretString;
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "ResourceNotFoundException") throw error;
  }
  throw new SourceConfigurationError(
    `The secret "${name}" does not exist or holds no text. Store the source's address and credentials in it as JSON.`,
  );
}
