// The engine's own app: what a deployment's file says, as properties of Sluice in a stack of its own.
import { Stack, type App } from "aws-cdk-lib";
import { SecurityGroup, Subnet, Vpc } from "aws-cdk-lib/aws-ec2";
import type { Catalog } from "../../catalog/table.ts";
import type { Config } from "../config.ts";
import { hyphened } from "../deployment/service-names.ts";
import { optionsSchema } from "../options.ts";
import type { SluiceProps } from "../sluice-props.ts";
import { Sluice } from "../sluice.ts";

/**
 * Makes the stack `<deployment>-core` with Sluice in it, and the catalog's stacks.
 * @throws CatalogError that lists every mistake in how the catalog fits the deployment, and in what Glue takes
 */
export function buildStacks(app: App, config: Config, catalog: Catalog): Stack {
  const { deployment, account, region, network } = config;
  const { alarmEmail, ...options } = optionsSchema.strip().parse(config);
  const core = new Stack(app, `${hyphened(deployment)}-core`, {
    description: "Sluice: a warehouse kept in sync with live databases",
    env: { account, region },
  });
  new Sluice(core, "Sluice", {
    ...{ deployment, catalog, ...options },
    ...(alarmEmail === undefined ? {} : { alarmEmail }),
    ...networkProps(core, network),
  });
  return core;
}

function networkProps(
  scope: Stack,
  network: Config["network"],
): Pick<SluiceProps, "vpc" | "vpcSubnets" | "securityGroups"> {
  if (network === undefined) return {};
  const { vpcId, availabilityZones, subnetIds, securityGroupIds } = network;
  return {
    vpc: Vpc.fromVpcAttributes(scope, "Network", { vpcId, availabilityZones }),
    vpcSubnets: {
      subnets: subnetIds.map((subnetId) =>
        Subnet.fromSubnetId(scope, `Subnet-${subnetId}`, subnetId),
      ),
    },
    securityGroups: securityGroupIds.map((groupId) =>
      SecurityGroup.fromSecurityGroupId(scope, `Group-${groupId}`, groupId),
    ),
  };
}
