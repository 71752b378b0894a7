// Decide, with what it may do.
import type { Construct } from "constructs";
import type { BuildJob } from "../build-job.ts";
import { PipelineFunction } from "../pipeline-function.ts";
import { storesEnvironment, type Stores } from "../stores.ts";

export interface DecideFunctionProps {
  readonly stores: Stores;
  readonly build: BuildJob;
}

export class DecideFunction extends PipelineFunction {
  constructor(scope: Construct, id: string, { stores, build }: DecideFunctionProps) {
    super(scope, id, {
      name: "decide",
      description: "Decides whether a build is due",
      deployment: stores.deployment,
      timeoutSeconds: 300,
      memoryMegabytes: 512,
      environment: { ...storesEnvironment(stores), SLUICE_BUILD_VERSION: build.version },
    });
    stores.definitions.grantRead(this);
    stores.lake.grant(this, "GetTables");
    stores.ledger.grant(this, "table", "BatchGetItem");
    stores.bucket.grantRead(this, "builds");
    stores.bucket.grantWrite(this, "runs");
  }
}
