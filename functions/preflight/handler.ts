// The preflight Lambda, a custom resource of CloudFormation: before a deployment creates anything, it looks whether an
// earlier one left something under the names that are about to be given, and says all of it at once.
import { Logger } from "@aws-lambda-powertools/logger";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GlueClient } from "@aws-sdk/client-glue";
import { S3Client } from "@aws-sdk/client-s3";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { z } from "zod";
import { decide, newNames, resourceMapping } from "./decide.ts";
import { lookUp, type LookUpClients } from "./look-up.ts";
import { retainedNameSchema } from "./names.ts";

const propertiesSchema = z.object({
  names: z.array(retainedNameSchema),
  // CloudFormation hands all values as texts.
  adopt: z.enum(["true", "false"]),
});

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html */
const eventSchema = z.object({
  RequestType: z.enum(["Create", "Update", "Delete"]),
  ResponseURL: z.url(),
  StackId: z.string(),
  RequestId: z.string(),
  LogicalResourceId: z.string(),
  PhysicalResourceId: z.string().default("preflight"),
  ResourceProperties: z.unknown(),
  OldResourceProperties: z.unknown().optional(),
});
type PreflightEvent = z.output<typeof eventSchema>;

/** Of the whole response; https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html */
const MAX_RESPONSE_BYTES = 4096;

const logger = new Logger();
const clients: LookUpClients = {
  s3: new S3Client(),
  dynamodb: new DynamoDBClient(),
  glue: new GlueClient(),
  secrets: new SecretsManagerClient(),
};

export async function handler(event: unknown): Promise<void> {
  const request = eventSchema.parse(event);
  const body = responseOf(request, await reasonOf(request));
  // As it comes from CloudFormation the address is signed for a request without a content type.
  const response = await fetch(request.ResponseURL, {
    method: "PUT",
    headers: { "content-type": "" },
    body: new TextEncoder().encode(body),
  });
  // Lambda then calls again.
  if (!response.ok) throw new Error(`CloudFormation did not take the response: ${response.status}`);
}

/** Why the deployment must stop, or nothing. Never throws: CloudFormation would wait an hour for a response. */
async function reasonOf(request: PreflightEvent): Promise<string | undefined> {
  if (request.RequestType === "Delete") return undefined;
  try {
    const { names, adopt } = propertiesSchema.parse(request.ResourceProperties);
    const before =
      request.RequestType === "Update"
        ? propertiesSchema.parse(request.OldResourceProperties).names
        : [];
    const [, stack = request.StackId] = request.StackId.split("/");
    const input = { stack, names, before, adopt: adopt === "true" };
    const looked = await Promise.all(newNames(input).map((name) => lookUp(name, clients)));
    const found = looked.filter((one) => one !== undefined);
    logger.info("looked for retained names", { found, mapping: resourceMapping(found) });
    const fits = (reason: string): boolean =>
      Buffer.byteLength(responseOf(request, reason)) <= MAX_RESPONSE_BYTES;
    return decide(input, found, fits);
  } catch (error) {
    logger.error("preflight failed", { error });
    return `The preflight could not look: ${String(error).slice(0, 1000)}`;
  }
}

function responseOf(request: PreflightEvent, reason: string | undefined): string {
  const { StackId, RequestId, LogicalResourceId, PhysicalResourceId } = request;
  return JSON.stringify({
    Status: reason === undefined ? "SUCCESS" : "FAILED",
    ...(reason === undefined ? {} : { Reason: reason }),
    ...{ StackId, RequestId, LogicalResourceId, PhysicalResourceId },
  });
}
