// Extract, with what it may do.
import type { Construct } from "constructs";
import { MOVE_PROGRESS } from "../ledger.ts";
import { inNetwork, type Network } from "../network.ts";
import { PipelineFunction } from "../pipeline-function.ts";
import type { SourceSecrets } from "../source-secrets.ts";
import { storesEnvironment, type Stores } from "../stores.ts";

export interface ExtractFunctionProps {
  readonly stores: Stores;
  readonly sourceSecrets: SourceSecrets;
  readonly network: Network | undefined;
  readonly timeoutSeconds: number;
  readonly memoryMegabytes: number;
}

export class ExtractFunction extends PipelineFunction {
  constructor(scope: Construct, id: string, props: ExtractFunctionProps) {
    const { stores, sourceSecrets, network, timeoutSeconds, memoryMegabytes } = props;
    super(scope, id, {
      name: "extract",
      description: "Reads small batches from a source",
      deployment: stores.deployment,
      timeoutSeconds,
      memoryMegabytes,
      environment: storesEnvironment(stores),
      ...inNetwork(network),
    });
    sourceSecrets.grantRead(this);
    stores.definitions.grantRead(this);
    stores.ledger.grant(this, "table", ...MOVE_PROGRESS);
    stores.ledger.grant(this, "source", "GetItem", "PutItem", "UpdateItem", "DeleteItem");
    // Reading raw objects too: after a lost response the invocation checks whether its object is there.
    stores.bucket.grantRead(this, "runs", "raw");
    stores.bucket.grantWrite(this, "runs", "raw");
  }
}
