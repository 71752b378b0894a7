// What a deployment may choose, read from the CDK context (`-c name=value` or cdk.json) and checked at once.
import type { Node } from "constructs";
import { z } from "zod";
import { MAX_CATALOG_STACKS } from "../catalog/schema/placement.ts";

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
    .regex(/^[a-z][a-z0-9_]{0,30}$/, "wants lower case letters, digits and underscores")
    .default("sluice"),
  /** Path of the module that exports `catalog`, relative to the project. */
  catalog: z.string().default("catalog/index.ts"),
  /**
   * Number of stacks that hold the catalog's entries, a power of two. Each holds some hundred tables of sixty columns;
   * more of them take longer to deploy.
   */
  catalogStacks: z.coerce
    .number()
    .int()
    .min(1)
    .max(MAX_CATALOG_STACKS)
    .refine((stacks) => Number.isInteger(Math.log2(stacks)), "wants a power of two: 1, 2, 4, 8 …")
    .default(4),
  warehouse: z.enum(["redshift-serverless", "none"]).default("redshift-serverless"),
  /** EventBridge Scheduler expression for runs over all tables, or "off". */
  schedule: z.string().default("rate(1 hour)"),
  /** Time-out of one Extract link; AWS allows 900. */
  extractTimeoutSeconds: z.coerce.number().int().min(10).max(900).default(900),
  extractMemoryMegabytes: z.coerce.number().int().min(256).max(10_240).default(512),
  buildWorkers: z.coerce.number().int().min(2).max(100).default(2),
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
