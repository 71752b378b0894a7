// The database of the Data Catalog that holds the Iceberg tables.
import { RemovalPolicy, Stack } from "aws-cdk-lib";
import { CfnDatabase } from "aws-cdk-lib/aws-glue";
import type { IGrantable } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { lakeDatabase } from "../../catalog/placement.ts";
import type { DataBucket } from "./data-bucket.ts";
import { allowDatabase } from "./glue-database.ts";
import { retained, type Retained } from "./retained.ts";

export type LakeAction = "GetDatabase" | "GetTable" | "GetTables" | "CreateTable" | "UpdateTable";

export interface LakeDatabaseProps {
  readonly deployment: string;
  readonly bucket: DataBucket;
}

export class LakeDatabase extends Construct {
  readonly name: string;
  readonly retained: readonly Retained[];

  constructor(scope: Construct, id: string, { deployment, bucket }: LakeDatabaseProps) {
    super(scope, id);
    this.name = lakeDatabase(deployment);
    const database = new CfnDatabase(this, "Database", {
      catalogId: Stack.of(this).account,
      databaseInput: {
        name: this.name,
        description: "Iceberg tables, written by the build",
        locationUri: `s3://${bucket.name}/lake`,
      },
    });
    // Deleting a database deletes its tables, and without them nothing reads the lake.
    database.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
    this.retained = [retained("database", this.name, database, { isData: true })];
  }

  grant(grantee: IGrantable, ...actions: LakeAction[]): void {
    allowDatabase(
      this,
      grantee,
      this.name,
      actions.map((action) => `glue:${action}`),
    );
  }
}
