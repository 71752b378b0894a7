// The Glue job that builds: its script and package as assets, its Iceberg settings, its role.
import { ArnFormat, RemovalPolicy, Stack, Validations } from "aws-cdk-lib";
import { CfnJob } from "aws-cdk-lib/aws-glue";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import type { Bucket } from "aws-cdk-lib/aws-s3";
import { Asset } from "aws-cdk-lib/aws-s3-assets";
import { Construct } from "constructs";
import { BUILD_TIMEOUT_MINUTES } from "../pipeline-definition.ts";
import { acknowledgePattern } from "./access.ts";
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";

export interface BuildJobProps {
  readonly deployment: string;
  readonly bucket: Bucket;
  readonly ledgerName: string;
  readonly workers: number;
  readonly catalogStacks: number;
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
  /** Hash of the job's code: a build by other code may have another result. */
  readonly version: string;

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
    this.version = createHash("sha256")
      .update(`${script.assetHash}\n${library.assetHash}`)
      .digest("hex");
    this.allowAssets(script, library);
    const logPrefix = `/sluice/${props.deployment}/build`;
    this.makeLogGroups(logPrefix);
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
        // Since Glue 5.0 all jobs log continuously, into two groups below this.
        "--custom-logGroup-prefix": logPrefix,
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
        "--job-version": this.version,
        "--catalog-stacks": String(props.catalogStacks),
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

  /**
   * Makes the groups that Glue 5 logs into, so that they have a retention, and lets the job write there alone: `output`
   * has what the script writes to its standard streams, `error` what Spark itself has to say.
   */
  private makeLogGroups(prefix: string): void {
    const stack = Stack.of(this);
    for (const [id, name] of [
      ["OutputLogs", `${prefix}/output`],
      ["ErrorLogs", `${prefix}/error`],
    ] as const) {
      const group = new LogGroup(this, id, {
        logGroupName: name,
        retention: RetentionDays.THREE_MONTHS,
        removalPolicy: RemovalPolicy.DESTROY,
      });
      group.grantWrite(this.role);
      // AWS's own policy for jobs has it, and no document says that Glue does without it where the group is there.
      this.role.addToPolicy(
        new PolicyStatement({
          actions: ["logs:CreateLogGroup"],
          resources: [
            stack.formatArn({
              service: "logs",
              resource: "log-group",
              resourceName: name,
              arnFormat: ArnFormat.COLON_RESOURCE_NAME,
            }),
          ],
        }),
      );
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
