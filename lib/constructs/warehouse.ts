// Redshift Serverless: namespace, workgroup, the loader's secret and the role that COPY reads the bucket with.
import { CfnNamespace, CfnWorkgroup } from "aws-cdk-lib/aws-redshiftserverless";
import { CompositePrincipal, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { Bucket } from "aws-cdk-lib/aws-s3";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { Construct } from "constructs";
import { Aws, Fn, RemovalPolicy, Validations } from "aws-cdk-lib";
import { hyphened } from "../deployment/service-names.ts";
import { allowObjects } from "./access.ts";

/** How long what the warehouse held is kept after it was deleted. All of it can be loaded again from the lake. */
const FINAL_SNAPSHOT_DAYS = 90;

/**
 * Two snapshots can't have one name, so it ends with the stack's own id, which each deployment has anew. A name has no
 * two hyphens in a row.
 */
const finalSnapshotName = (namespace: string): string =>
  `${namespace.replaceAll(/-+/g, "-").replace(/-$/, "")}-final-${Fn.select(2, Fn.split("/", Aws.STACK_ID))}`;

export interface WarehouseProps {
  readonly deployment: string;
  readonly bucket: Bucket;
  readonly subnetIds?: readonly string[];
  readonly securityGroupIds?: readonly string[];
}

export class Warehouse extends Construct {
  readonly workgroupName: string;
  readonly database = "warehouse";
  readonly secret: Secret;
  readonly copyRole: Role;
  readonly workgroupArn: string;

  constructor(scope: Construct, id: string, props: WarehouseProps) {
    super(scope, id);
    const name = hyphened(props.deployment);
    this.copyRole = new Role(this, "CopyRole", {
      assumedBy: new CompositePrincipal(
        new ServicePrincipal("redshift.amazonaws.com"),
        new ServicePrincipal("redshift-serverless.amazonaws.com"),
      ),
      description: "Sluice COPY reads deltas",
    });
    allowObjects(props.bucket, this.copyRole, "deltas", ["read"]);
    this.secret = new Secret(this, "Admin", {
      secretName: `${props.deployment}/warehouse`,
      description: "Sluice's loader in Redshift",
      // A snapshot that is restored has the password that it was taken with.
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
      generateSecretString: {
        secretStringTemplate: JSON.stringify({ username: "sluice" }),
        generateStringKey: "password",
        passwordLength: 32,
        excludePunctuation: true,
      },
    });
    Validations.of(this.secret).acknowledge({
      id: "AwsSolutions::AwsSolutions-SMG4",
      reason:
        "The loader's password never leaves Secrets Manager; rotate it by a new secret version",
    });
    const namespace = new CfnNamespace(this, "Namespace", {
      namespaceName: name,
      dbName: this.database,
      adminUsername: "sluice",
      // A dynamic reference: the password itself is not in the template.
      adminUserPassword: this.secret.secretValueFromJson("password").unsafeUnwrap(),
      iamRoles: [this.copyRole.roleArn],
      defaultIamRoleArn: this.copyRole.roleArn,
      finalSnapshotName: finalSnapshotName(name),
      finalSnapshotRetentionPeriod: FINAL_SNAPSHOT_DAYS,
      logExports: ["userlog", "connectionlog", "useractivitylog"],
    });
    const workgroup = new CfnWorkgroup(this, "Workgroup", {
      workgroupName: name,
      namespaceName: name,
      baseCapacity: 8,
      publiclyAccessible: false,
      enhancedVpcRouting: props.subnetIds !== undefined,
      ...(props.subnetIds === undefined ? {} : { subnetIds: [...props.subnetIds] }),
      ...(props.securityGroupIds === undefined
        ? {}
        : { securityGroupIds: [...props.securityGroupIds] }),
    });
    workgroup.addResourceDependency(namespace);
    this.workgroupName = name;
    this.workgroupArn = workgroup.attrWorkgroupWorkgroupArn;
  }
}
