// The warehouse, made or given: what Load knows of it, and may do with it.
import type { IGrantable, IRole } from "aws-cdk-lib/aws-iam";
import type { ISecret } from "aws-cdk-lib/aws-secretsmanager";
import type { DataBucket } from "./data-bucket.ts";
import { acknowledgePattern, allow, allowSecret } from "./grants.ts";

/** A Redshift Serverless workgroup that is there already. */
export interface ExistingWarehouse {
  /** Name of the workgroup. */
  readonly workgroupName: string;
  /** ARN of the workgroup, which ends in an id and not in its name. */
  readonly workgroupArn: string;
  /** A database for this deployment alone: the schemas that Sluice makes in it have fixed names. */
  readonly database: string;
  /**
   * JSON with the `username` and `password` of the user who loads. The user must be allowed to create schemas in the
   * database.
   */
  readonly secret: ISecret;
  /** A role that is associated with the namespace: COPY reads by it. It is allowed to read `deltas/` of the bucket. */
  readonly copyRole: IRole;
}

export class Warehouse {
  readonly parts: ExistingWarehouse;

  constructor(parts: ExistingWarehouse, bucket: DataBucket) {
    this.parts = parts;
    bucket.grantRead(parts.copyRole, "deltas");
  }

  /** What Load knows. */
  get environment(): Record<string, string> {
    return {
      SLUICE_WORKGROUP: this.parts.workgroupName,
      SLUICE_DATABASE: this.parts.database,
      SLUICE_WAREHOUSE_SECRET_ARN: this.parts.secret.secretArn,
      SLUICE_COPY_ROLE_ARN: this.parts.copyRole.roleArn,
    };
  }

  /** Lets a role run statements as the user whose password is in the secret. */
  grantStatements(grantee: IGrantable): void {
    allowSecret(grantee, this.parts.secret);
    allow(
      grantee,
      ["redshift-data:ExecuteStatement", "redshift-data:BatchExecuteStatement"],
      [this.parts.workgroupArn],
    );
    allow(
      grantee,
      [
        "redshift-data:DescribeStatement",
        "redshift-data:GetStatementResult",
        "redshift-data:CancelStatement",
      ],
      ["*"],
    );
    acknowledgePattern(
      grantee,
      "*",
      "The Data API's calls on a statement take no resource; they reach the caller's own only",
    );
  }
}
