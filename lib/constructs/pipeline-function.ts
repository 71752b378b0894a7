// A Lambda function of the pipeline: the code of `functions/<name>/handler.ts`, with a role and a log group of its own.
import { Duration, RemovalPolicy, Validations } from "aws-cdk-lib";
import { ManagedPolicy, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Architecture, Code, Function, Runtime, type FunctionProps } from "aws-cdk-lib/aws-lambda";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import { functionBundle } from "../function-bundles.ts";

export interface PipelineFunctionProps {
  /** Folder under `functions/`. */
  readonly name: string;
  readonly description: string;
  readonly deployment: string;
  readonly timeoutSeconds: number;
  readonly memoryMegabytes: number;
  readonly environment: Record<string, string>;
  /** Where it runs, if it must reach into a network. */
  readonly network?: Pick<FunctionProps, "vpc" | "vpcSubnets" | "securityGroups">;
}

export class PipelineFunction extends Function {
  /** Its role, as the role that it is. */
  readonly ownRole: Role;

  constructor(scope: Construct, id: string, props: PipelineFunctionProps) {
    const logGroup = new LogGroup(scope, `${id}Logs`, {
      retention: RetentionDays.THREE_MONTHS,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(scope, `${id}Role`, {
      assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
      description: `Sluice ${props.name}`,
    });
    logGroup.grantWrite(role);
    if (props.network !== undefined) {
      const policy = "service-role/AWSLambdaENIManagementAccess";
      role.addManagedPolicy(ManagedPolicy.fromAwsManagedPolicyName(policy));
      Validations.of(role).acknowledge({
        id: `AwsSolutions::AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/${policy}]`,
        reason: "What Lambda does with network interfaces in the function's name takes no resource",
      });
    }
    super(scope, id, {
      functionName: `${props.deployment}-${props.name}`,
      description: props.description,
      code: Code.fromAsset(functionBundle(props.name)),
      handler: "index.handler",
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      timeout: Duration.seconds(props.timeoutSeconds),
      memorySize: props.memoryMegabytes,
      role,
      logGroup,
      environment: {
        ...props.environment,
        NODE_OPTIONS: "--enable-source-maps",
        POWERTOOLS_SERVICE_NAME: props.name,
        POWERTOOLS_METRICS_NAMESPACE: "Sluice",
      },
      ...props.network,
    });
    this.ownRole = role;
  }
}
