// Plan, with what it may do.
import type { Construct } from "constructs";
import type { Executions } from "../executions.ts";
import { MOVE_PROGRESS } from "../ledger.ts";
import { inNetwork, type Network } from "../network.ts";
import { PipelineFunction } from "../pipeline-function.ts";
import type { SourceSecrets } from "../source-secrets.ts";
import { storesEnvironment, type Stores } from "../stores.ts";

export interface PlanFunctionProps {
  readonly stores: Stores;
  readonly sourceSecrets: SourceSecrets;
  readonly network: Network | undefined;
  readonly executions: Executions;
}

export class PlanFunction extends PipelineFunction {
  constructor(scope: Construct, id: string, props: PlanFunctionProps) {
    const { stores, sourceSecrets, network, executions } = props;
    super(scope, id, {
      name: "plan",
      description: "Fixes windows and splits, hands out states",
      deployment: stores.deployment,
      timeoutSeconds: 300,
      memoryMegabytes: 512,
      environment: storesEnvironment(stores),
      ...inNetwork(network),
    });
    sourceSecrets.grantRead(this);
    stores.definitions.grantRead(this);
    stores.ledger.grant(this, "table", ...MOVE_PROGRESS);
    stores.ledger.grant(this, "source", "GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem");
    stores.bucket.grantRead(this, "drift");
    stores.bucket.grantWrite(this, "runs", "drift");
    // Whether the run that holds a table or a lane still runs.
    executions.grant(this, "DescribeExecution");
  }
}
