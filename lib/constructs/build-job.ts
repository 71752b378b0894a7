// The Glue job that builds: its script and package as assets, its Iceberg settings, its role.
import { ArnFormat, Stack, Validations } from "aws-cdk-lib";
import { CfnJob } from "aws-cdk-lib/aws-glue";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { Bucket } from "aws-cdk-lib/aws-s3";
import { Asset } from "aws-cdk-lib/aws-s3-assets";
import { Construct } from "constructs";
import { BUILD_TIMEOUT_MINUTES } from "../pipeline-definition.ts";
import { acknowledgePattern } from "./access.ts";
import { fileURLToPath } from "node:url";

export interface BuildJobProps {
  readonly deployment: string;
  readonly bucket: Bucket;
  readonly ledgerName: string;
  readonly workers: number;
}

/** Glue takes many Spark settings as one argument, chained by `--conf`. */
const conf = (settings: Record<string, string>): string =>
  Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join(" --conf ");

const glueJobsFolder = fileURLToPath(new URL("../../glue-jobs", import.meta.url));

export class BuildJob extends Construct {
  readonly role: Role;
  readonly name: string;

  constructor(scope: Construct, id: string, props: BuildJobProps) {
    super(scope, id);
    this.name = `${props.deployment}-build`;
    this.role = new Role(this, "Role", {
      assumedBy: new ServicePrincipal("glue.amazonaws.com"),
      description: "Sluice build",
    });
    const script = new Asset(this, "Script", { path: `${glueJobsFolder}/build.py` });
    const library = new Asset(this, "Package", {
      path: glueJobsFolder,
      exclude: ["**/__pycache__/**", "build.py", "*.pyc"],
    });
    this.allowAssets(script, library);
    this.role.addToPolicy(
      new PolicyStatement({
        actions: ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
        resources: [
          Stack.of(this).formatArn({
            service: "logs",
            resource: "log-group",
            resourceName: "/aws-glue/*",
            arnFormat: ArnFormat.COLON_RESOURCE_NAME,
          }),
        ],
      }),
    );
    acknowledgePattern(
      this.role,
      "arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:/aws-glue/*",
      "Glue chooses the names of its log groups",
    );
    const job = new CfnJob(this, "Job", {
      name: this.name,
      description: "Builds every table and model that is out of date",
      role: this.role.roleArn,
      glueVersion: "5.1",
      workerType: "G.1X",
      numberOfWorkers: props.workers,
      maxRetries: 0,
      timeout: BUILD_TIMEOUT_MINUTES,
      executionProperty: { maxConcurrentRuns: 1 },
      command: {
        name: "glueetl",
        pythonVersion: "3",
        scriptLocation: script.s3ObjectUrl,
      },
      defaultArguments: {
        "--datalake-formats": "iceberg",
        "--extra-py-files": library.s3ObjectUrl,
        "--enable-continuous-cloudwatch-log": "true",
        "--conf": conf({
          "spark.sql.extensions":
            "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
          "spark.sql.catalog.lake": "org.apache.iceberg.spark.SparkCatalog",
          "spark.sql.catalog.lake.catalog-impl": "org.apache.iceberg.aws.glue.GlueCatalog",
          "spark.sql.catalog.lake.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
          "spark.sql.catalog.lake.warehouse": `s3://${props.bucket.bucketName}/lake`,
        }),
        "--deployment": props.deployment,
        "--bucket": props.bucket.bucketName,
        "--ledger": props.ledgerName,
      },
    });
    for (const id of ["GL1", "GL3"]) {
      Validations.of(job).acknowledge({
        id: `AwsSolutions::AwsSolutions-${id}`,
        reason:
          "Logs hold no rows, and the job uses no bookmarks: its progress is in the lake's tags",
      });
    }
  }

  /** Lets the job read its own code, and the scripts of models, of what CDK uploads. */
  private allowAssets(script: Asset, library: Asset): void {
    const { partition } = Stack.of(this);
    const scripts = ["*.py", "*.sql"];
    this.role.addToPolicy(
      new PolicyStatement({
        actions: ["s3:GetObject"],
        resources: [library.s3ObjectKey, script.s3ObjectKey, ...scripts].map(
          (key) => `arn:${partition}:s3:::${script.s3BucketName}/${key}`,
        ),
      }),
    );
    for (const key of scripts) {
      // The bootstrap bucket's name is known by its tokens only; cdk-nag writes them so.
      acknowledgePattern(
        this.role,
        `arn:<AWS::Partition>:s3:::cdk-hnb659fds-assets-<AWS::AccountId>-<AWS::Region>/${key}`,
        "Scripts of models are named by their content, and stand in other stacks",
      );
    }
  }
}
