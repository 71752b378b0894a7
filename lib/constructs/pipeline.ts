// The state machine that serves every table, with what it may do.
import { RemovalPolicy, Stack } from "aws-cdk-lib";
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import { DefinitionBody, LogLevel, StateMachine } from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import { pipelineDefinition } from "../pipeline-definition.ts";
import type { BuildJob } from "./build-job.ts";
import type { Executions } from "./executions.ts";
import { acknowledgePattern, allow } from "./grants.ts";
import type { Stores } from "./stores.ts";

export interface PipelineProps {
  readonly stores: Stores;
  readonly functions: Readonly<
    Record<"plan" | "extract" | "commit" | "decide" | "load" | "report", IFunction>
  >;
  readonly build: BuildJob;
  readonly executions: Executions;
  /** After which a run that has not ended is ended: `runTimeoutSeconds`. */
  readonly timeoutSeconds: number;
}

export class Pipeline extends Construct {
  readonly machine: StateMachine;

  constructor(scope: Construct, id: string, props: PipelineProps) {
    super(scope, id);
    const { stores, functions, build, executions, timeoutSeconds } = props;
    const role = new Role(this, "Role", {
      assumedBy: new ServicePrincipal("states.amazonaws.com"),
      description: "Sluice state machine",
    });
    const definition = pipelineDefinition({
      planArn: functions.plan.functionArn,
      extractArn: functions.extract.functionArn,
      commitArn: functions.commit.functionArn,
      decideArn: functions.decide.functionArn,
      loadArn: functions.load.functionArn,
      reportArn: functions.report.functionArn,
      buildJobName: build.name,
      bucketName: stores.bucket.name,
      timeoutSeconds,
    });
    this.machine = new StateMachine(this, "Machine", {
      role,
      stateMachineName: stores.deployment,
      comment: "One run of Sluice",
      definitionBody: DefinitionBody.fromString(Stack.of(this).toJsonString(definition)),
      logs: {
        // Like those of the functions it goes with the stack: it holds no rows, and what a run did is in the ledger.
        destination: new LogGroup(this, "Logs", {
          retention: RetentionDays.THREE_MONTHS,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
        level: LogLevel.ALL,
      },
      tracingEnabled: true,
    });
    acknowledgePattern(
      role,
      "*",
      "X-Ray and CloudWatch's log delivery take no resource; CDK adds them for tracing and logs",
    );
    // The functions as they are, not their versions, which IFunction's own grant would add.
    allow(
      role,
      ["lambda:InvokeFunction"],
      Object.values(functions).map((fn) => fn.functionArn),
    );
    stores.bucket.grantRead(role, "runs");
    build.grantStart(role);
    // A distributed Map starts executions of the machine itself.
    executions.grantStart(role);
    executions.grant(role, "DescribeExecution", "StopExecution");
  }
}
