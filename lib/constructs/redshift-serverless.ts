// The warehouse that is made: namespace, workgroup, the loader's secret and the role that COPY reads the bucket with.
import { Aws, Fn, RemovalPolicy, Validations } from "aws-cdk-lib";
import { CompositePrincipal, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { IKey } from "aws-cdk-lib/aws-kms";
import { CfnNamespace, CfnWorkgroup } from "aws-cdk-lib/aws-redshiftserverless";
import { Secret, type ISecret } from "aws-cdk-lib/aws-secretsmanager";
import { Construct } from "constructs";
import { hyphened } from "../deployment/service-names.ts";
import type { Network } from "./network.ts";
import { retained, type Retained } from "./retained.ts";
import type { ExistingWarehouse } from "./warehouse.ts";

/** How long what the warehouse held is kept after it was deleted. All of it can be loaded again from the lake. */
const FINAL_SNAPSHOT_DAYS = 90;

export interface RedshiftServerlessProps {
  readonly deployment: string;
  readonly network: Network | undefined;
  /** Without it AWS's own. */
  readonly encryptionKey: IKey | undefined;
}

export class RedshiftServerless extends Construct implements ExistingWarehouse {
  readonly workgroupName: string;
  readonly workgroupArn: string;
  readonly database = "warehouse";
  readonly secret: ISecret;
  readonly copyRole: Role;
  readonly retained: readonly Retained[];

  constructor(scope: Construct, id: string, props: RedshiftServerlessProps) {
    super(scope, id);
    const { deployment, network, encryptionKey } = props;
    const name = hyphened(deployment);
    this.copyRole = new Role(this, "CopyRole", {
      assumedBy: new CompositePrincipal(
        new ServicePrincipal("redshift.amazonaws.com"),
        new ServicePrincipal("redshift-serverless.amazonaws.com"),
      ),
      description: "Sluice COPY reads deltas",
    });
    const secretName = `${deployment}/warehouse`;
    const secret = new Secret(this, "Admin", {
      secretName,
      description: "Sluice's loader in Redshift",
      // A snapshot that is restored has the password that it was taken with.
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
      generateSecretString: {
        secretStringTemplate: JSON.stringify({ username: "sluice" }),
        generateStringKey: "password",
        passwordLength: 32,
        excludePunctuation: true,
      },
      ...(encryptionKey === undefined ? {} : { encryptionKey }),
    });
    // The assertion: Secret and ISecret differ in an optional property under exactOptionalPropertyTypes.
    this.secret = secret as ISecret;
    this.retained = [retained("secret", secretName, secret, { isData: false })];
    Validations.of(secret).acknowledge({
      id: "AwsSolutions::AwsSolutions-SMG4",
      reason:
        "The loader's password never leaves Secrets Manager; rotate it by a new secret version",
    });
    const namespace = new CfnNamespace(this, "Namespace", {
      namespaceName: name,
      dbName: this.database,
      adminUsername: "sluice",
      // A dynamic reference: the password itself is not in the template.
      adminUserPassword: secret.secretValueFromJson("password").unsafeUnwrap(),
      iamRoles: [this.copyRole.roleArn],
      defaultIamRoleArn: this.copyRole.roleArn,
      // Two snapshots can't have one name, so it ends with the stack's own id, which each deployment has anew.
      finalSnapshotName: `${name}-final-${Fn.select(2, Fn.split("/", Aws.STACK_ID))}`,
      finalSnapshotRetentionPeriod: FINAL_SNAPSHOT_DAYS,
      logExports: ["userlog", "connectionlog", "useractivitylog"],
      ...(encryptionKey === undefined ? {} : { kmsKeyId: encryptionKey.keyArn }),
    });
    const workgroup = new CfnWorkgroup(this, "Workgroup", {
      workgroupName: name,
      namespaceName: name,
      baseCapacity: 8,
      publiclyAccessible: false,
      enhancedVpcRouting: network !== undefined,
      ...(network === undefined
        ? {}
        : {
            subnetIds: network.selected.subnetIds,
            securityGroupIds: network.connections.securityGroups.map((one) => one.securityGroupId),
          }),
    });
    workgroup.addResourceDependency(namespace);
    this.workgroupName = name;
    this.workgroupArn = workgroup.attrWorkgroupWorkgroupArn;
  }
}
