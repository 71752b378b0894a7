// Which regions and availability zones can be, without asking AWS.
import { nearest } from "../../catalog/nearest.ts";

/** The parts of the world that AWS names its regions by; a new number in one of them is taken. */
const AREAS = [
  ...["af-south", "ap-east", "ap-northeast", "ap-south", "ap-southeast", "ca-central", "ca-west"],
  ...["cn-north", "cn-northwest", "eu-central", "eu-isoe-west", "eu-north", "eu-south", "eu-west"],
  ...["eusc-de-east", "il-central", "me-central", "me-south", "me-west", "mx-central", "sa-east"],
  ...["us-east", "us-gov-east", "us-gov-west", "us-iso-east", "us-iso-west", "us-isob-east"],
  ...["us-isob-west", "us-isof-east", "us-isof-south", "us-west"],
];

/** True for the name of a region, known or new: `eu-central-1`. */
export function isRegion(region: string): boolean {
  const [, area = ""] = /^([a-z-]+)-[1-9]$/.exec(region) ?? [];
  return AREAS.includes(area);
}

/** The region that was probably meant, or undefined. */
export function nearestRegion(written: string): string | undefined {
  const [, area = "", number = "1"] = /^(.*?)-?([1-9])?$/.exec(written.trim()) ?? [];
  const meant = nearest(area, AREAS);
  return meant === undefined ? undefined : `${meant}-${number}`;
}

/** True for an availability zone of a region: `eu-central-1a`. Local zones and zone ids are not meant. */
export function isZoneOf(zone: string, region: string): boolean {
  return zone.startsWith(region) && /^[a-z]$/.test(zone.slice(region.length));
}

/**
 * How many availability zones the subnets of a Redshift Serverless workgroup must span.
 * https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-usage-considerations.html
 */
export function zonesForRedshift(region: string | undefined): number {
  return region === "us-west-1" ? 2 : 3;
}

/** How many subnets a Redshift Serverless workgroup must have. */
export const SUBNETS_FOR_REDSHIFT = 3;
