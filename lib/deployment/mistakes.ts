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
  yield* mistakesInWarehouseSubnets({
    ...{ region, zones: zones.length, subnets: subnetIds.length, none: '"warehouse": "none"' },
    zonesPlace: place(["network", "availabilityZones"]),
    subnetsPlace: place(["network", "subnetIds"]),
  });
}

export interface WarehouseSubnets {
  /** Undefined where it is known at the time of deployment only. */
  readonly region: string | undefined;
  /** How many availability zones the subnets are in; undefined where that is not known. */
  readonly zones: number | undefined;
  readonly subnets: number;
  readonly zonesPlace: string;
  readonly subnetsPlace: string;
  /** What to write to have no warehouse. */
  readonly none: string;
}

/** Subnets that Redshift Serverless would reject. */
export function* mistakesInWarehouseSubnets(given: WarehouseSubnets): Generator<Mistake> {
  const { region, zones, subnets, zonesPlace, subnetsPlace, none } = given;
  const page =
    "https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-usage-considerations.html";
  const fewest = zonesForRedshift(region);
  if (zones !== undefined && zones < fewest) {
    yield {
      place: zonesPlace,
      problem: `there are ${zones}, and Redshift Serverless must have ${fewest}${region === undefined ? "" : ` in ${region}`} (${page})`,
      fix: `name subnets in more zones, or write ${none}`,
    };
  }
  if (subnets < SUBNETS_FOR_REDSHIFT) {
    yield {
      place: subnetsPlace,
      problem: `there are ${subnets}, and Redshift Serverless must have ${SUBNETS_FOR_REDSHIFT} (${page})`,
      fix: `name more subnets, or write ${none}`,
    };
  }
}
