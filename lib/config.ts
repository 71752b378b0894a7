// What a deployment chooses: the schema of `deployments/<name>.json`, parsed and checked before anything is made.
import { z } from "zod";
import { mistakesFromIssues, pathText } from "../catalog/issues.ts";
import { type Mistake, shown } from "../contract/mistake.ts";
import { DeploymentError } from "./deployment/errors.ts";
import { mistakesInChoices, type SoundChoices } from "./deployment/mistakes.ts";
import { isRegion, nearestRegion } from "./deployment/regions.ts";
import { mistakesInDeploymentName } from "./deployment/service-names.ts";
import { optionsSchema } from "./options.ts";

/** Stands for an account in a file that is to be copied. */
const PLACEHOLDER_ACCOUNT = "000000000000";
/** Lambda's limits for a function's network. */
const MOST_SUBNETS = 16;
const MOST_SECURITY_GROUPS = 5;

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
  ...optionsSchema.shape,
  network: networkSchema
    .optional()
    .describe(
      "The network in which the sources can be reached: Plan, Extract and the warehouse are put there.",
    ),
});

/** What the file holds, every default filled in. */
type Choices = z.infer<typeof configSchema>;

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
