// What a role may do, in the fewest actions and resources; where a resource must be a pattern, the reason stands beside it.
import { Stack, Validations } from "aws-cdk-lib";
import type { Table } from "aws-cdk-lib/aws-dynamodb";
import { PolicyStatement, type IGrantable, type Role } from "aws-cdk-lib/aws-iam";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { Bucket, CfnBucket } from "aws-cdk-lib/aws-s3";
import type { IConstruct } from "constructs";

export type ObjectAction = "read" | "write" | "delete" | "spark";

const ACTIONS: Record<ObjectAction, readonly string[]> = {
  read: ["s3:GetObject"],
  write: ["s3:PutObject"],
  delete: ["s3:DeleteObject"],
  // What writes in parts, as Iceberg and Hadoop's S3A do, sees to its parts itself.
  spark: ["s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
};

/** Items of the ledger, by what their partition key begins with. */
export type LedgerPart = "table" | "source" | "run";

const LEADING_KEYS: Record<LedgerPart, string> = {
  table: "table#*",
  source: "source#*",
  run: "run",
};

/** What DynamoDB can limit to partition keys (`dynamodb:LeadingKeys`); a Scan has none, so nobody may scan. */
export type LedgerAction =
  | "GetItem"
  | "BatchGetItem"
  | "Query"
  | "PutItem"
  | "UpdateItem"
  | "DeleteItem"
  | "ConditionCheckItem";

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

/** Lets a role act on the objects under one prefix of the data bucket. */
export function allowObjects(
  bucket: Bucket,
  role: Role,
  prefix: string,
  actions: readonly ObjectAction[],
): void {
  const pattern = `${prefix}/*`;
  role.addToPolicy(
    new PolicyStatement({
      actions: actions.flatMap((action) => ACTIONS[action]),
      resources: [bucket.arnForObjects(pattern)],
    }),
  );
  if (actions.includes("read")) allowListing(bucket, role, prefix, ["s3:ListBucket"]);
  if (actions.includes("spark")) {
    allowListing(bucket, role, prefix, ["s3:ListBucketMultipartUploads"]);
    role.addToPolicy(
      new PolicyStatement({
        // Before S3A makes a folder it looks whether a file of that name is in the way; it must hear of none.
        actions: ["s3:GetObject"],
        resources: [bucket.arnForObjects(prefix)],
      }),
    );
    role.addToPolicy(
      new PolicyStatement({ actions: ["s3:GetBucketLocation"], resources: [bucket.bucketArn] }),
    );
  }
  acknowledgePattern(
    role,
    `<${logicalIdOf(bucket)}.Arn>/${pattern}`,
    "The objects of one prefix; their names are made at run time",
  );
}

/**
 * Without leave to list, S3 answers "access denied" for an object that is missing, which says nothing. A request for
 * an object has no prefix, and must pass; a listing has one.
 */
function allowListing(
  bucket: Bucket,
  role: Role,
  prefix: string,
  actions: readonly string[],
): void {
  role.addToPolicy(
    new PolicyStatement({
      actions: [...actions],
      resources: [bucket.bucketArn],
      conditions: { StringLikeIfExists: { "s3:prefix": `${prefix}/*` } },
    }),
  );
}

/** Lets a role act on one part of the ledger's items. */
export function allowLedger(
  ledger: Table,
  role: Role,
  part: LedgerPart,
  actions: readonly LedgerAction[],
): void {
  role.addToPolicy(
    new PolicyStatement({
      actions: actions.map((action) => `dynamodb:${action}`),
      resources: [ledger.tableArn],
      conditions: { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": LEADING_KEYS[part] } },
    }),
  );
}

/** Lets somebody invoke a function as it is, not its versions. */
export function allowInvoke(fn: IFunction, caller: IGrantable): void {
  caller.grantPrincipal.addToPrincipalPolicy(
    new PolicyStatement({ actions: ["lambda:InvokeFunction"], resources: [fn.functionArn] }),
  );
}
