// Checks the properties of `Sluice`: its options by the schema that a deployment's file is checked by, and how what is
// given from outside fits.
import { Stack, Token } from "aws-cdk-lib";
import type { SelectedSubnets } from "aws-cdk-lib/aws-ec2";
import type { Construct } from "constructs";
import { mistakesFromIssues, pathText, type Path } from "../../catalog/issues.ts";
import type { Mistake } from "../../contract/mistake.ts";
import { optionsSchema, type Options } from "../options.ts";
import type { SluiceProps } from "../sluice-props.ts";
import { DeploymentError } from "./errors.ts";
import { mistakesInWarehouseSubnets } from "./mistakes.ts";
import { mistakesInDeploymentName, suggestedName } from "./service-names.ts";

/** Lambda's limit for a function's network. */
const MOST_SECURITY_GROUPS = 5;

/** How messages name a construct's mistakes: by its path in the app. */
export const placeOf =
  (construct: Construct) =>
  (path: Path): string =>
    [`Sluice ${construct.node.path}`, pathText(path)].filter((part) => part !== "").join(", ");

/**
 * The options among the properties, every default filled in; `none` for a given warehouse, because none is made.
 *
 * @throws DeploymentError that lists every mistake
 */
export function parseProps(construct: Construct, props: SluiceProps): Options {
  const place = placeOf(construct);
  const { deployment, warehouse } = props;
  const given = { ...optionsIn(props), warehouse: isGiven(warehouse) ? "none" : warehouse };
  const parsed = optionsSchema.safeParse(given);
  const mistakes: Mistake[] = [
    ...mistakesInDeploymentName(
      deployment,
      place(["deployment"]),
      `write ${JSON.stringify(suggestedName(deployment))}`,
    ),
    ...(parsed.success ? [] : mistakesFromIssues(optionsSchema, given, parsed.error.issues, place)),
    ...mistakesInPlace(construct, place),
    ...mistakesInNetwork(construct, props, place),
    ...mistakesInTopic(props, place),
  ];
  if (mistakes.length > 0 || !parsed.success) throw new DeploymentError(mistakes);
  return parsed.data;
}

const isGiven = (warehouse: SluiceProps["warehouse"]): boolean => typeof warehouse === "object";

/** The properties that are not constructs; the schema reports each that it does not know. */
function optionsIn(props: SluiceProps): Record<string, unknown> {
  const constructs = [
    ...["deployment", "catalog", "vpc", "vpcSubnets", "securityGroups"],
    ...["bucket", "encryptionKey", "topic"],
  ];
  return Object.fromEntries(Object.entries(props).filter(([name]) => !constructs.includes(name)));
}

function* mistakesInPlace(construct: Construct, place: (path: Path) => string): Generator<Mistake> {
  if (!Stack.of(construct).nested) return;
  yield {
    place: place([]),
    problem:
      "it is in a nested stack, into which nothing that an earlier deployment left can be imported",
    fix: "put it into a stack of its own under the app or the stage",
  };
}

function* mistakesInNetwork(
  construct: Construct,
  { vpc, vpcSubnets, securityGroups, warehouse }: SluiceProps,
  place: (path: Path) => string,
): Generator<Mistake> {
  if (vpc === undefined) {
    for (const [name, value] of Object.entries({ vpcSubnets, securityGroups })) {
      if (value === undefined) continue;
      yield {
        place: place([name]),
        problem: "it is given without the VPC that it is in",
        fix: "add vpc, or leave it out",
      };
    }
    return;
  }
  const groups = securityGroups?.length;
  if (groups !== undefined && (groups < 1 || groups > MOST_SECURITY_GROUPS)) {
    yield {
      place: place(["securityGroups"]),
      problem: `there are ${groups}, and a function has 1 to ${MOST_SECURITY_GROUPS}`,
      fix: "name so many, or leave them out: one is made",
    };
  }
  const selected = vpc.selectSubnets(vpcSubnets);
  // What `Vpc.fromLookup` gives at first stands for subnets that are not known yet.
  if (selected.isPendingLookup === true || isGiven(warehouse) || warehouse === "none") return;
  const { region } = Stack.of(construct);
  yield* mistakesInWarehouseSubnets({
    region: Token.isUnresolved(region) ? undefined : region,
    zones: zonesOf(selected),
    subnets: selected.subnetIds.length,
    zonesPlace: place(["vpcSubnets"]),
    subnetsPlace: place(["vpcSubnets"]),
    none: 'warehouse: "none"',
  });
}

/** In how many zones subnets are; undefined if one was imported without its zone. */
function zonesOf(selected: SelectedSubnets): number | undefined {
  try {
    return new Set(selected.availabilityZones).size;
  } catch {
    return undefined;
  }
}

function* mistakesInTopic(
  { topic, alarmEmail }: SluiceProps,
  place: (path: Path) => string,
): Generator<Mistake> {
  if (topic === undefined || alarmEmail === undefined) return;
  yield {
    place: place(["alarmEmail"]),
    problem: `${JSON.stringify(alarmEmail)} is given together with a topic of your own`,
    fix: "leave it out, and subscribe it to the topic: topic.addSubscription(new EmailSubscription(…))",
  };
}
