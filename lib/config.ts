// What a deployment may choose, read from the CDK context (`-c name=value` or cdk.json) and checked at once.
import type { Node } from "constructs";
import { z } from "zod";

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Left to the schema, whose message names the value and its place.
    return text;
  }
};

const fromText = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (typeof value === "string" ? parseJson(value) : value), schema);

const configSchema = z.strictObject({
  /** Prefix of every name; one account can hold several deployments. */
  deployment: z
    .string()
    // Of a bucket's 63 characters `-data-`, an account's number and the longest region take 33.
    .regex(/^[a-z][a-z0-9_]{0,29}$/, "wants at most 30 lower case letters, digits and underscores")
    .default("sluice"),
  /** Path of the module that exports `catalog`, relative to the project. */
  catalog: z.string().default("catalog/index.ts"),
  warehouse: z.enum(["redshift-serverless", "none"]).default("redshift-serverless"),
  /** EventBridge Scheduler expression for runs over all tables, or "off". */
  schedule: z.string().default("rate(1 hour)"),
  /** Time-out of one Extract link; AWS allows 900. */
  extractTimeoutSeconds: z.coerce.number().int().min(10).max(900).default(900),
  extractMemoryMegabytes: z.coerce.number().int().min(256).max(10_240).default(512),
  buildWorkers: z.coerce.number().int().min(2).max(100).default(2),
  /** Whether runs are expected: with it, that none succeeded for a while is an alarm. */
  enabled: fromText(z.boolean()).default(false),
  /** Hours without a run that succeeded after which there is an alarm; CloudWatch looks back for a week at most. */
  alarmAfterHours: z.coerce.number().int().min(1).max(168).default(24),
  /** Takes over what an earlier deployment of this name left, by CloudFormation's import (docs/deploying.md). */
  adopt: fromText(z.boolean()).default(false),
  /** Where alarms and failed runs are mailed to. */
  alarmEmail: z.email().optional(),
  /** Network from which the sources can be reached: functions that read them, and the warehouse, are put there. */
  network: fromText(
    z.strictObject({
      vpcId: z.string(),
      availabilityZones: z.array(z.string()).min(1),
      subnetIds: z.array(z.string()).min(1),
      securityGroupIds: z.array(z.string()).min(1),
    }),
  ).optional(),
});

export type Config = z.infer<typeof configSchema>;

/**
 * Reads the deployment's configuration from the construct tree's context.
 * @throws Error naming each wrong value, its place and what it wants
 */
export function readConfig(node: Node): Config {
  const given: Record<string, unknown> = {};
  for (const name of Object.keys(configSchema.shape)) {
    const value: unknown = node.tryGetContext(name);
    if (value !== undefined) given[name] = value;
  }
  const result = configSchema.safeParse(given);
  if (!result.success) {
    const mistakes = result.error.issues.map(
      (issue) =>
        `  ${issue.path.join(".")} = ${JSON.stringify(given[String(issue.path[0])])}: ${issue.message}`,
    );
    throw new Error(
      `The deployment's configuration has mistakes (give values with -c name=value or in cdk.json):\n${mistakes.join("\n")}`,
    );
  }
  return result.data;
}
