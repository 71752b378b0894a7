// What a deployment chooses: the schema of `deployments/<name>.json`, parsed and checked before anything is made.
import { z } from "zod";
import { mistakesFromIssues, pathText } from "../catalog/issues.ts";
import { type Mistake, shown } from "../contract/mistake.ts";
import { MAX_CATALOG_STACKS } from "../catalog/placement.ts";
import { DeploymentError } from "./deployment/errors.ts";
import { mistakesInChoices, type SoundChoices } from "./deployment/mistakes.ts";
import { isRegion, nearestRegion } from "./deployment/regions.ts";
import { readSchedule } from "./deployment/schedule.ts";
import { mistakesInDeploymentName } from "./deployment/service-names.ts";

/** Stands for an account in a file that is to be copied. */
const PLACEHOLDER_ACCOUNT = "000000000000";
/** Lambda's limits for a function's network. */
const MOST_SUBNETS = 16;
const MOST_SECURITY_GROUPS = 5;

const whole = (least: number, most: number) => {
  const error = `write a whole number from ${least} to ${most}`;
  return z.int({ error }).min(least, { error }).max(most, { error });
};

/** An id as EC2 makes them: 8 or 17 hexadecimal digits after the kind. */
const idOf = (kind: "vpc" | "subnet" | "sg") =>
  z.string().regex(new RegExp(`^${kind}-([0-9a-f]{8}|[0-9a-f]{17})$`), {
    error: `write an id such as "${kind}-0123456789abcdef0"`,
  });

const withoutRepeats = (what: string, list: z.ZodArray<z.ZodString>) =>
  list.superRefine((values, context) => {
    for (const [index, value] of values.entries()) {
      if (values.indexOf(value) === index) continue;
      context.addIssue({
        ...{ code: "custom", path: [index], message: `${shown(value)} is listed twice` },
        params: { fix: `remove it, or name another ${what}` },
      });
    }
  });

const networkSchema = z.strictObject({
  vpcId: idOf("vpc").describe("The VPC."),
  availabilityZones: withoutRepeats(
    "zone",
    z.array(z.string()).min(1, { error: "name at least one zone" }),
  ).describe(
    "The availability zones of the subnets, by name; Redshift Serverless must have three, in us-west-1 two.",
  ),
  subnetIds: withoutRepeats(
    "subnet",
    z
      .array(idOf("subnet"))
      .min(1, { error: "name at least one subnet" })
      .max(MOST_SUBNETS, { error: `name at most ${MOST_SUBNETS} subnets` }),
  ).describe("Private subnets; Redshift Serverless must have three, in different zones."),
  securityGroupIds: withoutRepeats(
    "security group",
    z
      .array(idOf("sg"))
      .min(1, { error: "name at least one security group" })
      .max(MOST_SECURITY_GROUPS, { error: `name at most ${MOST_SECURITY_GROUPS}` }),
  ).describe("The security groups of the functions and of the warehouse."),
});

/** Each field has the description that editors, docs/deploying.md and messages show. */
export const configSchema = z.strictObject({
  $schema: z.string().optional().describe("Where editors find this schema."),
  account: z
    .string()
    .regex(/^\d{12}$/, { error: "write the account's twelve digits, in quotes" })
    .superRefine((account, context) => {
      if (account !== PLACEHOLDER_ACCOUNT) return;
      context.addIssue({
        ...{ code: "custom", message: `${shown(account)} is a placeholder` },
        params: { fix: "write your account; `aws sts get-caller-identity` shows it" },
      });
    })
    .describe("The AWS account, twelve digits; with another account's credentials CDK refuses."),
  region: z
    .string()
    .superRefine((region, context) => {
      if (isRegion(region)) return;
      context.addIssue({
        ...{ code: "custom", message: `${shown(region)} is not a region` },
        params: { fix: `write ${shown(nearestRegion(region) ?? "eu-central-1")}, or another` },
      });
    })
    .describe("The AWS region."),
  catalog: z
    .string()
    .min(1, { error: "write the path of the module that exports your catalog" })
    .describe("The module that exports the catalog, from the project's folder."),
  enabled: z
    .boolean()
    .describe(
      "Whether the schedule and the alarm for missing runs are on. Begin with false: runs are started by hand.",
    ),
  schedule: z
    .string()
    .superRefine((expression, context) => {
      if (expression === "off") return;
      const read = readSchedule(expression);
      if (!("problem" in read)) return;
      context.addIssue({
        ...{ code: "custom", message: `${shown(expression)}: ${read.problem}` },
        params: { fix: read.fix },
      });
    })
    .default("rate(1 hour)")
    .describe(
      "When all tables are run: rate(…) or cron(…) of EventBridge Scheduler, in UTC, or off: something else starts runs.",
    ),
  warehouse: z
    .enum(["redshift-serverless", "none"], { error: 'write "redshift-serverless" or "none"' })
    .default("redshift-serverless")
    .describe("Where people read: redshift-serverless, or none for the lake alone."),
  network: networkSchema
    .optional()
    .describe(
      "The network in which the sources can be reached: Plan, Extract and the warehouse are put there.",
    ),
  alarmAfterHours: whole(1, 168)
    .default(24)
    .describe(
      "Hours without a run that succeeded after which there is an alarm: at most 168, for CloudWatch looks back a week.",
    ),
  adopt: z
    .boolean()
    .default(false)
    .describe(
      "Takes over what an earlier deployment of this name left: see docs/deploying.md, Taking it down.",
    ),
  alarmEmail: z
    .email({ error: "write one mail address" })
    .optional()
    .describe("Where alarms and failed runs are mailed to; the subscription must be confirmed."),
  extractTimeoutSeconds: whole(10, 900)
    .default(900)
    .describe("Time-out of one invocation of Extract, seconds."),
  extractMemoryMegabytes: whole(256, 10_240).default(512).describe("Memory of Extract, MB."),
  catalogStacks: whole(1, MAX_CATALOG_STACKS)
    .refine((stacks) => Number.isInteger(Math.log2(stacks)), {
      error: "write a power of two: 1, 2, 4, 8 …",
    })
    .default(4)
    .describe(
      "Stacks that hold the catalog's entries, a power of two; each holds about 70 tables of 60 columns.",
    ),
  buildWorkers: whole(2, 100).default(2).describe("Workers (G.1X) of the Glue job."),
});

/** What the file holds, every default filled in. */
export type Choices = z.infer<typeof configSchema>;

export interface Config extends Choices {
  /** The file's name: the prefix of every name. One account can hold several deployments. */
  readonly deployment: string;
}

/**
 * A deployment's configuration from what its file holds.
 *
 * @param deployment its name
 * @param given the file's content
 * @param file as messages show it
 * @param exists whether there is a file, by its path from the project's folder
 * @throws DeploymentError that lists every mistake
 */
export function parseConfig(
  deployment: string,
  given: unknown,
  file: string,
  exists: (path: string) => boolean,
): Config {
  const place = (path: readonly PropertyKey[]): string =>
    path.length === 0 ? file : `${file}, ${pathText(path)}`;
  const parsed = configSchema.safeParse(given);
  const mistakes: Mistake[] = [
    ...mistakesInDeploymentName(deployment, file),
    ...(parsed.success ? [] : mistakesFromIssues(configSchema, given, parsed.error.issues, place)),
    ...mistakesInChoices(soundFields(given), place, exists),
  ];
  if (mistakes.length > 0 || !parsed.success) throw new DeploymentError(mistakes);
  return { ...parsed.data, deployment };
}

/** Those fields that are right by themselves, for the checks of how they fit together. */
function soundFields(given: unknown): SoundChoices {
  const values: Readonly<Record<string, unknown>> =
    typeof given === "object" && given !== null ? { ...given } : {};
  const { catalog, region, warehouse, network } = configSchema.shape;
  const sound = <T>(schema: z.ZodType<T>, value: unknown): T | undefined =>
    schema.safeParse(value).data;
  return {
    catalog: sound(catalog, values.catalog),
    region: sound(region, values.region),
    warehouse: sound(warehouse, values.warehouse),
    network: sound(network, values.network),
  };
}

/** The schema as JSON Schema, for editors. */
export function jsonSchema(): unknown {
  return {
    ...z.toJSONSchema(configSchema, { io: "input" }),
    title: "A deployment of Sluice",
  };
}
