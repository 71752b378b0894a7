// Starts runs of all tables.
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { CfnSchedule } from "aws-cdk-lib/aws-scheduler";
import type { StateMachine } from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";

export interface RunScheduleProps {
  readonly deployment: string;
  /** `rate(…)` or `cron(…)`, in UTC. */
  readonly expression: string;
  readonly enabled: boolean;
  readonly machine: StateMachine;
}

export class RunSchedule extends Construct {
  constructor(scope: Construct, id: string, props: RunScheduleProps) {
    super(scope, id);
    const { deployment, expression, enabled, machine } = props;
    const role = new Role(this, "Role", {
      assumedBy: new ServicePrincipal("scheduler.amazonaws.com"),
      description: "Sluice schedule",
    });
    machine.grantStartExecution(role);
    new CfnSchedule(this, "Schedule", {
      name: `${deployment}-all`,
      description: "Runs Sluice over all tables",
      scheduleExpression: expression,
      // Made in either case, so that what is planned can be seen and checked by AWS before it is on.
      state: enabled ? "ENABLED" : "DISABLED",
      flexibleTimeWindow: { mode: "OFF" },
      target: { arn: machine.stateMachineArn, roleArn: role.roleArn, input: "{}" },
    });
  }
}
