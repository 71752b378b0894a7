// How a deployment's choices fit together.
import type { Mistake } from "../../contract/mistake.ts";
import type { Path } from "../../catalog/issues.ts";
import { isZoneOf, SUBNETS_FOR_REDSHIFT, zonesForRedshift } from "./regions.ts";

/** The choices that must fit together; undefined where one is not given, or wrong by itself. */
export interface SoundChoices {
  readonly catalog: string | undefined;
  readonly region: string | undefined;
  readonly warehouse: "redshift-serverless" | "none" | undefined;
  readonly network:
    | { readonly availabilityZones: readonly string[]; readonly subnetIds: readonly string[] }
    | undefined;
}

/**
 * @param choices those that are right by themselves
 * @param exists whether there is a file, by its path from the project's folder
 */
export function* mistakesInChoices(
  choices: SoundChoices,
  place: (path: Path) => string,
  exists: (path: string) => boolean,
): Generator<Mistake> {
  const { catalog } = choices;
  if (catalog !== undefined && !exists(catalog)) {
    yield {
      place: place(["catalog"]),
      problem: `there is no file ${JSON.stringify(catalog)}`,
      fix: "write the path of the module that exports your catalog; docs/deploying.md says how to begin one",
    };
  }
  yield* mistakesInNetwork(choices, place);
}

function* mistakesInNetwork(
  { region, warehouse, network }: SoundChoices,
  place: (path: Path) => string,
): Generator<Mistake> {
  if (region === undefined || network === undefined) return;
  const { availabilityZones: zones, subnetIds } = network;
  for (const [index, zone] of zones.entries()) {
    if (isZoneOf(zone, region)) continue;
    yield {
      place: place(["network", "availabilityZones", index]),
      problem: `${JSON.stringify(zone)} is not an availability zone of ${region}`,
      fix: `write the name of a zone, such as "${region}a", or another region`,
    };
  }
  if (zones.length > subnetIds.length) {
    yield {
      place: place(["network", "availabilityZones"]),
      problem: `there are ${zones.length} zones and ${subnetIds.length} subnets, and a subnet is in one zone`,
      fix: "name the zones of these subnets only, or the missing subnets",
    };
  }
  if (warehouse !== "redshift-serverless") return;
  const page =
    "https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-usage-considerations.html";
  const fewest = zonesForRedshift(region);
  if (zones.length < fewest) {
    yield {
      place: place(["network", "availabilityZones"]),
      problem: `there are ${zones.length}, and Redshift Serverless must have ${fewest} in ${region} (${page})`,
      fix: 'name subnets in more zones, or write "warehouse": "none"',
    };
  }
  if (subnetIds.length < SUBNETS_FOR_REDSHIFT) {
    yield {
      place: place(["network", "subnetIds"]),
      problem: `there are ${subnetIds.length}, and Redshift Serverless must have ${SUBNETS_FOR_REDSHIFT} (${page})`,
      fix: 'name more subnets, or write "warehouse": "none"',
    };
  }
}
