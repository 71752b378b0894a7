// The Glue job that builds: its script and package as assets, its Iceberg settings, its role.
import { ArnFormat, RemovalPolicy, Stack, Validations } from "aws-cdk-lib";
import { CfnJob } from "aws-cdk-lib/aws-glue";
import { Role, ServicePrincipal, type IGrantable } from "aws-cdk-lib/aws-iam";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import { Asset } from "aws-cdk-lib/aws-s3-assets";
import { Construct } from "constructs";
import { BUILD_TIMEOUT_MINUTES } from "../pipeline-definition.ts";
import { acknowledgePattern, allow } from "./grants.ts";
import type { Stores } from "./stores.ts";
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";

export interface BuildJobProps {
  readonly stores: Stores;
  /** Workers (G.1X). */
  readonly workers: number;
}

/** Glue takes many Spark settings as one argument, chained by `--conf`. */
const conf = (settings: Record<string, string>): string =>
  Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join(" --conf ");

const GLUE_JOBS_FOLDER = fileURLToPath(new URL("../../glue-jobs", import.meta.url));

export class BuildJob extends Construct {
  readonly role: Role;
  readonly name: string;
  /** Hash of the job's code: a build by other code may have another result. */
  readonly version: string;

  constructor(scope: Construct, id: string, { stores, workers }: BuildJobProps) {
    super(scope, id);
    const { deployment, bucket, ledger, lake, definitions } = stores;
    this.name = `${deployment}-build`;
    this.role = new Role(this, "Role", {
      assumedBy: new ServicePrincipal("glue.amazonaws.com"),
      description: "Sluice build",
    });
    const script = new Asset(this, "Script", { path: `${GLUE_JOBS_FOLDER}/build.py` });
    const library = new Asset(this, "Package", {
      path: GLUE_JOBS_FOLDER,
      exclude: ["**/__pycache__/**", "build.py", "*.pyc"],
    });
    this.version = createHash("sha256")
      .update(`${script.assetHash}\n${library.assetHash}`)
      .digest("hex");
    this.#allowAssets(script, library);
    bucket.grantRead(this.role, "raw", "manifests");
    bucket.grantSpark(this.role, "lake", "deltas");
    bucket.grantWrite(this.role, "quarantine", "runs", "builds");
    // UpdateItem is for the `replace` that was served.
    ledger.grant(this.role, "table", "GetItem", "Query", "UpdateItem");
    definitions.grantRead(this.role);
    lake.grant(this.role, "GetDatabase", "GetTable", "CreateTable", "UpdateTable");
    const logPrefix = `/sluice/${deployment}/build`;
    this.#makeLogGroups(logPrefix);
    const job = new CfnJob(this, "Job", {
      name: this.name,
      description: "Builds every table and model that is out of date",
      role: this.role.roleArn,
      glueVersion: "5.1",
      workerType: "G.1X",
      numberOfWorkers: workers,
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
          "spark.sql.catalog.lake.warehouse": `s3://${bucket.name}/lake`,
        }),
        "--deployment": deployment,
        "--bucket": bucket.name,
        "--ledger": ledger.name,
        "--job-version": this.version,
        "--catalog-stacks": String(definitions.stacks.length),
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

  /** Lets a role start the job, and follow and stop its runs. */
  grantStart(grantee: IGrantable): void {
    const job = Stack.of(this).formatArn({
      ...{ service: "glue", resource: "job", resourceName: this.name },
    });
    allow(
      grantee,
      ["glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun"],
      [job],
    );
  }

  /**
   * Makes the groups that Glue 5 logs into, so that they have a retention, and lets the job write there alone: `output`
   * has what the script writes to its standard streams, `error` what Spark itself has to say.
   */
  #makeLogGroups(prefix: string): void {
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
      allow(
        this.role,
        ["logs:CreateLogGroup"],
        [
          stack.formatArn({
            service: "logs",
            resource: "log-group",
            resourceName: name,
            arnFormat: ArnFormat.COLON_RESOURCE_NAME,
          }),
        ],
      );
    }
  }

  /** Lets the job read its own code, and the scripts of models, of what CDK uploads. */
  #allowAssets(script: Asset, library: Asset): void {
    const { partition } = Stack.of(this);
    const arn = (key: string): string => `arn:${partition}:s3:::${script.s3BucketName}/${key}`;
    allow(this.role, ["s3:GetObject"], [arn(library.s3ObjectKey), arn(script.s3ObjectKey)]);
    for (const scripts of [arn("*.py"), arn("*.sql")]) {
      allow(this.role, ["s3:GetObject"], [scripts]);
      acknowledgePattern(
        this.role,
        scripts,
        "Scripts of models are named by their content, and stand in other stacks",
      );
    }
  }
}
