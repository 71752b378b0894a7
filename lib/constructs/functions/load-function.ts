// Load, with what it may do.
import type { Construct } from "constructs";
import { PipelineFunction } from "../pipeline-function.ts";
import { storesEnvironment, type Stores } from "../stores.ts";
import type { Warehouse } from "../warehouse.ts";

export interface LoadFunctionProps {
  readonly stores: Stores;
  /** Undefined where people read the lake alone. */
  readonly warehouse: Warehouse | undefined;
}

export class LoadFunction extends PipelineFunction {
  constructor(scope: Construct, id: string, { stores, warehouse }: LoadFunctionProps) {
    super(scope, id, {
      name: "load",
      description: "Applies deltas to the warehouse",
      deployment: stores.deployment,
      timeoutSeconds: 120,
      memoryMegabytes: 512,
      environment: { ...storesEnvironment(stores), ...warehouse?.environment },
    });
    stores.definitions.grantRead(this);
    stores.lake.grant(this, "GetTable", "GetTables");
    stores.ledger.grant(this, "table", "GetItem", "PutItem", "UpdateItem", "DeleteItem");
    // runs/ says whether tables were named, and takes what went wrong.
    stores.bucket.grantRead(this, "builds", "loads", "lake", "deltas", "runs");
    stores.bucket.grantWrite(this, "loads", "deltas", "runs");
    warehouse?.grantStatements(this);
  }
}
