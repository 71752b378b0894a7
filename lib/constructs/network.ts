// The network in which the sources can be reached: Plan, Extract and the warehouse are put there.
import {
  Connections,
  SecurityGroup,
  type IConnectable,
  type ISecurityGroup,
  type IVpc,
  type SelectedSubnets,
  type SubnetSelection,
} from "aws-cdk-lib/aws-ec2";
import { Construct } from "constructs";
import type { PipelineFunctionProps } from "./pipeline-function.ts";

export interface NetworkProps {
  readonly vpc: IVpc;
  readonly vpcSubnets: SubnetSelection | undefined;
  /** Without them one is made, which lets all traffic out. */
  readonly securityGroups: readonly ISecurityGroup[] | undefined;
}

export class Network extends Construct implements IConnectable {
  readonly connections: Connections;
  readonly selected: SelectedSubnets;
  readonly #props: NetworkProps;

  constructor(scope: Construct, id: string, props: NetworkProps) {
    super(scope, id);
    this.#props = props;
    this.selected = props.vpc.selectSubnets(props.vpcSubnets);
    const securityGroups = props.securityGroups ?? [
      new SecurityGroup(this, "SecurityGroup", {
        vpc: props.vpc,
        description: "Sluice: the functions that read sources, and the warehouse",
      }),
    ];
    this.connections = new Connections({ securityGroups: [...securityGroups] });
  }

  get placement(): NonNullable<PipelineFunctionProps["network"]> {
    const { vpc, vpcSubnets } = this.#props;
    return {
      vpc,
      ...(vpcSubnets === undefined ? {} : { vpcSubnets }),
      securityGroups: this.connections.securityGroups,
    };
  }
}

/** The properties of a function that is in the network, if there is one. */
export function inNetwork(network: Network | undefined): Pick<PipelineFunctionProps, "network"> {
  return network === undefined ? {} : { network: network.placement };
}
