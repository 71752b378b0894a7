// Where a deployment's parts are: a parameter that the `sluice` command reads.
import { Stack } from "aws-cdk-lib";
import { StringParameter } from "aws-cdk-lib/aws-ssm";
import type { StateMachine } from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import {
  deploymentRecordName,
  type DeploymentRecord as RecordFormat,
} from "../../contract/deployment-record.ts";
import type { BuildJob } from "./build-job.ts";
import type { Stores } from "./stores.ts";
import type { Warehouse } from "./warehouse.ts";

export interface DeploymentRecordProps {
  readonly stores: Stores;
  readonly build: BuildJob;
  readonly machine: StateMachine;
  readonly warehouse: Warehouse | undefined;
}

export class DeploymentRecord extends Construct {
  constructor(scope: Construct, id: string, props: DeploymentRecordProps) {
    super(scope, id);
    const { stores, build, machine, warehouse } = props;
    const record: RecordFormat = {
      format: 1,
      deployment: stores.deployment,
      stateMachineArn: machine.stateMachineArn,
      bucket: stores.bucket.name,
      ledger: stores.ledger.name,
      buildJob: build.name,
      catalogStacks: stores.definitions.stacks.length,
      warehouse:
        warehouse === undefined
          ? null
          : {
              workgroup: warehouse.parts.workgroupName,
              database: warehouse.parts.database,
              secretArn: warehouse.parts.secret.secretArn,
            },
    };
    new StringParameter(this, "Parameter", {
      parameterName: deploymentRecordName(stores.deployment),
      description: "Where this deployment's parts are; read by the sluice command",
      stringValue: Stack.of(this).toJsonString(record),
    });
  }
}
