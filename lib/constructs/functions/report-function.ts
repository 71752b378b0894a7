// Report, with what it may do.
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";
import { PipelineFunction } from "../pipeline-function.ts";
import { storesEnvironment, type Stores } from "../stores.ts";

export interface ReportFunctionProps {
  readonly stores: Stores;
  readonly topic: ITopic;
}

export class ReportFunction extends PipelineFunction {
  constructor(scope: Construct, id: string, { stores, topic }: ReportFunctionProps) {
    super(scope, id, {
      name: "report",
      description: "Writes the run record, metrics and alerts",
      deployment: stores.deployment,
      timeoutSeconds: 120,
      memoryMegabytes: 256,
      environment: { ...storesEnvironment(stores), SLUICE_TOPIC_ARN: topic.topicArn },
    });
    stores.ledger.grant(this, "run", "PutItem");
    stores.ledger.grant(this, "table", "GetItem", "UpdateItem");
    stores.ledger.grant(this, "source", "GetItem", "UpdateItem");
    stores.bucket.grantRead(this, "runs");
    topic.grantPublish(this);
  }
}
