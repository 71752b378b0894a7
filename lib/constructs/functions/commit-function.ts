// Commit, with what it may do.
import type { Construct } from "constructs";
import { MOVE_PROGRESS } from "../ledger.ts";
import { PipelineFunction } from "../pipeline-function.ts";
import { storesEnvironment, type Stores } from "../stores.ts";

export class CommitFunction extends PipelineFunction {
  constructor(scope: Construct, id: string, { stores }: { readonly stores: Stores }) {
    super(scope, id, {
      name: "commit",
      description: "Writes manifests and moves progress",
      deployment: stores.deployment,
      timeoutSeconds: 300,
      memoryMegabytes: 512,
      environment: storesEnvironment(stores),
    });
    stores.ledger.grant(this, "table", ...MOVE_PROGRESS);
    stores.ledger.grant(this, "source", "GetItem", "UpdateItem");
    stores.bucket.grantRead(this, "runs");
    stores.bucket.grantWrite(this, "runs", "manifests");
  }
}
