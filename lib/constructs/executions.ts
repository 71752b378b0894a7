// The executions of the state machine. They are granted by its name: the functions that look executions up are called
// by the machine itself.
import { ArnFormat, Stack } from "aws-cdk-lib";
import type { IGrantable } from "aws-cdk-lib/aws-iam";
import type { IConstruct } from "constructs";
import { acknowledgePattern, allow } from "./grants.ts";

export type ExecutionAction = "DescribeExecution" | "StopExecution";

export class Executions {
  readonly #machineArn: string;
  readonly #executionArns: string;

  /**
   * @param scope whose stack says the account and the region
   * @param machine the state machine's name
   */
  constructor(scope: IConstruct, machine: string) {
    const arn = (resource: string, resourceName: string): string =>
      Stack.of(scope).formatArn({
        ...{ service: "states", resource, resourceName },
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      });
    this.#machineArn = arn("stateMachine", machine);
    this.#executionArns = arn("execution", `${machine}:*`);
  }

  grant(grantee: IGrantable, ...actions: ExecutionAction[]): void {
    allow(
      grantee,
      actions.map((action) => `states:${action}`),
      [this.#executionArns],
    );
    acknowledgePattern(
      grantee,
      this.#executionArns,
      "Executions of this machine; named at run time",
    );
  }

  grantStart(grantee: IGrantable): void {
    allow(grantee, ["states:StartExecution"], [this.#machineArn]);
  }
}
