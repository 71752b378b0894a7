// What a role may do, in the fewest actions and resources; where a resource must be a pattern, the reason stands beside it.
import { Stack, Validations } from "aws-cdk-lib";
import { PolicyStatement, type IGrantable, type Role } from "aws-cdk-lib/aws-iam";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { Bucket, CfnBucket } from "aws-cdk-lib/aws-s3";
import type { IConstruct } from "constructs";

export type ObjectAction = "read" | "write" | "delete";

const ACTIONS: Record<ObjectAction, readonly string[]> = {
  read: ["s3:GetObject"],
  write: ["s3:PutObject", "s3:AbortMultipartUpload"],
  delete: ["s3:DeleteObject"],
};

/**
 * Tells cdk-nag why a resource of a role's policy is a pattern. `resource` is written as cdk-nag names it, with
 * `<AWS::AccountId>` and `<AWS::Region>` for those of the deployment.
 */
export function acknowledgePattern(role: IConstruct, resource: string, reason: string): void {
  const { account, region } = Stack.of(role);
  const pinned = resource
    .replaceAll("<AWS::AccountId>", account)
    .replaceAll("<AWS::Region>", region);
  Validations.of(role).acknowledge({
    id: `AwsSolutions::AwsSolutions-IAM5[Resource::${pinned}]`,
    reason,
  });
}

const logicalIdOf = (bucket: Bucket): string =>
  Stack.of(bucket).getLogicalId(bucket.node.defaultChild as CfnBucket);

/** Lets a role act on the objects under one prefix (`""`: all) of the data bucket. */
export function allowObjects(
  bucket: Bucket,
  role: Role,
  prefix: string,
  actions: readonly ObjectAction[],
): void {
  const pattern = prefix === "" ? "*" : `${prefix}/*`;
  role.addToPolicy(
    new PolicyStatement({
      actions: actions.flatMap((action) => ACTIONS[action]),
      resources: [bucket.arnForObjects(pattern)],
    }),
  );
  if (actions.includes("read")) {
    // Without it a missing object is answered by "access denied", which says nothing.
    role.addToPolicy(
      new PolicyStatement({ actions: ["s3:ListBucket"], resources: [bucket.bucketArn] }),
    );
  }
  acknowledgePattern(
    role,
    `<${logicalIdOf(bucket)}.Arn>/${pattern}`,
    "The objects of one prefix; their names are made at run time",
  );
}

/** Lets somebody invoke a function as it is, not its versions. */
export function allowInvoke(fn: IFunction, caller: IGrantable): void {
  caller.grantPrincipal.addToPrincipalPolicy(
    new PolicyStatement({ actions: ["lambda:InvokeFunction"], resources: [fn.functionArn] }),
  );
}
