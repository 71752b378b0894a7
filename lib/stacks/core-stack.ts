// Everything but the catalog's entries: storage, ledger, databases, functions, build job, state machine, schedule, secrets, warehouse.
import { ArnFormat, Duration, RemovalPolicy, Stack, Validations, type App } from "aws-cdk-lib";
import { Alarm, ComparisonOperator, Stats, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import { SecurityGroup, Subnet, Vpc } from "aws-cdk-lib/aws-ec2";
import { CfnDatabase } from "aws-cdk-lib/aws-glue";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import { CfnSchedule } from "aws-cdk-lib/aws-scheduler";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import { StringParameter } from "aws-cdk-lib/aws-ssm";
import { DefinitionBody, LogLevel, StateMachine } from "aws-cdk-lib/aws-stepfunctions";
import { definitionsDatabasePattern, lakeDatabase } from "../../catalog/placement.ts";
import { resolveSource } from "../../catalog/resolve.ts";
import type { Catalog, Source } from "../../catalog/table.ts";
import { deploymentRecordName, type DeploymentRecord } from "../../contract/deployment-record.ts";
import type { Config } from "../config.ts";
import {
  acknowledgePattern,
  allowInvoke,
  allowLedger,
  allowObjects,
} from "../constructs/access.ts";
import { BuildJob } from "../constructs/build-job.ts";
import { DataBucket } from "../constructs/data-bucket.ts";
import { LedgerTable } from "../constructs/ledger-table.ts";
import { PipelineFunction, type PipelineFunctionProps } from "../constructs/pipeline-function.ts";
import { Preflight } from "../constructs/preflight.ts";
import { Warehouse } from "../constructs/warehouse.ts";
import { hyphened } from "../deployment/service-names.ts";
import { pipelineDefinition, runTimeoutSeconds } from "../pipeline-definition.ts";

/** What reading and moving a table's progress under its lease takes. */
const TRANSACT = ["GetItem", "Query", "PutItem", "UpdateItem", "ConditionCheckItem"] as const;

export interface CoreStackProps {
  readonly config: Config;
  readonly catalog: Catalog;
}

const secretName = (source: Source, config: Config): string =>
  `${config.deployment}/source/${source.name}`;

export class CoreStack extends Stack {
  readonly data: DataBucket;
  readonly ledger: LedgerTable;
  readonly build: BuildJob;
  /** The database of the Iceberg tables. */
  readonly lakeDatabase: string;
  private readonly deployment: string;

  constructor(scope: App, id: string, props: CoreStackProps) {
    const { config, catalog } = props;
    super(scope, id, {
      description: "Sluice: a warehouse kept true to live databases",
      env: { account: config.account, region: config.region },
    });
    const { deployment } = config;
    this.deployment = deployment;
    const preflight = new Preflight(this, "Preflight", { deployment, adopt: config.adopt });
    // Names that are the same for each deployment of this name: what one left is found by the next.
    const inBucketName = hyphened(deployment);
    const names = {
      data: `${inBucketName}-data-${this.account}-${this.region}`,
      accessLogs: `${inBucketName}-logs-${this.account}-${this.region}`,
      ledger: `${deployment}-ledger`,
    };
    this.data = new DataBucket(this, "Storage", names);
    const { bucket } = this.data;
    this.ledger = new LedgerTable(this, "Ledger", names.ledger);
    preflight.watch("bucket", names.data, bucket, true);
    preflight.watch("bucket", names.accessLogs, this.data.accessLogs);
    preflight.watch("table", names.ledger, this.ledger, true);
    this.lakeDatabase = lakeDatabase(deployment);
    const lake = new CfnDatabase(this, "LakeDatabase", {
      catalogId: this.account,
      databaseInput: {
        name: this.lakeDatabase,
        description: "Iceberg tables, written by the build",
        locationUri: `s3://${bucket.bucketName}/lake`,
      },
    });
    // Deleting a database deletes its tables, without which nothing reads the lake.
    lake.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
    preflight.watch("database", this.lakeDatabase, lake, true);
    this.build = new BuildJob(this, "Build", {
      deployment,
      bucket,
      ledgerName: this.ledger.tableName,
      workers: config.buildWorkers,
      catalogStacks: config.catalogStacks,
    });
    allowObjects(bucket, this.build.role, "raw", ["read"]);
    allowObjects(bucket, this.build.role, "manifests", ["read"]);
    allowObjects(bucket, this.build.role, "lake", ["read", "write", "delete", "spark"]);
    allowObjects(bucket, this.build.role, "deltas", ["read", "write", "delete", "spark"]);
    allowObjects(bucket, this.build.role, "quarantine", ["write"]);
    allowObjects(bucket, this.build.role, "runs", ["write"]);
    allowObjects(bucket, this.build.role, "builds", ["write"]);
    // UpdateItem is for the `replace` that was served; DynamoDB limits by partition keys, not by sort keys.
    allowLedger(this.ledger, this.build.role, "table", ["GetItem", "Query", "UpdateItem"]);
    this.allowDefinitions(this.build.role);
    this.allowLake(this.build.role, [
      "glue:GetDatabase",
      "glue:GetTable",
      "glue:CreateTable",
      "glue:UpdateTable",
    ]);
    const warehouse =
      config.warehouse === "none"
        ? undefined
        : new Warehouse(this, "Warehouse", {
            deployment,
            bucket,
            ...(config.network === undefined
              ? {}
              : {
                  subnetIds: config.network.subnetIds,
                  securityGroupIds: config.network.securityGroupIds,
                }),
          });
    if (warehouse !== undefined) {
      preflight.watch("secret", `${deployment}/warehouse`, warehouse.secret);
    }
    const topic = this.makeTopic();
    if (config.alarmEmail !== undefined) {
      topic.addSubscription(new EmailSubscription(config.alarmEmail));
    }
    const environment = {
      SLUICE_DEPLOYMENT: deployment,
      SLUICE_BUCKET: bucket.bucketName,
      SLUICE_LEDGER: this.ledger.tableName,
      SLUICE_CATALOG_STACKS: String(config.catalogStacks),
    };
    const network = this.network(config);
    const make = (
      functionId: string,
      name: string,
      description: string,
      rest: Pick<PipelineFunctionProps, "timeoutSeconds" | "memoryMegabytes"> &
        Partial<PipelineFunctionProps>,
    ): PipelineFunction =>
      new PipelineFunction(this, functionId, {
        name,
        description,
        deployment,
        ...rest,
        environment: { ...environment, ...rest.environment },
      });
    const plan = make("Plan", "plan", "Fixes windows and splits, hands out states", {
      timeoutSeconds: 300,
      memoryMegabytes: 512,
      ...network,
    });
    const extract = make("Extract", "extract", "Reads small batches from a source", {
      timeoutSeconds: config.extractTimeoutSeconds,
      memoryMegabytes: config.extractMemoryMegabytes,
      ...network,
    });
    const commit = make("Commit", "commit", "Writes manifests and moves progress", {
      timeoutSeconds: 300,
      memoryMegabytes: 512,
    });
    const decide = make("Decide", "decide", "Decides whether a build is due", {
      timeoutSeconds: 300,
      memoryMegabytes: 512,
      environment: { SLUICE_BUILD_VERSION: this.build.version },
    });
    const load = make("Load", "load", "Applies deltas to the warehouse", {
      timeoutSeconds: 120,
      memoryMegabytes: 512,
      environment:
        warehouse === undefined
          ? {}
          : {
              SLUICE_WORKGROUP: warehouse.workgroupName,
              SLUICE_DATABASE: warehouse.database,
              SLUICE_WAREHOUSE_SECRET_ARN: warehouse.secret.secretArn,
              SLUICE_COPY_ROLE_ARN: warehouse.copyRole.roleArn,
            },
    });
    const report = make("Report", "report", "Writes the run record, metrics and alerts", {
      timeoutSeconds: 120,
      memoryMegabytes: 256,
      environment: { SLUICE_TOPIC_ARN: topic.topicArn },
    });

    for (const source of catalog.sources) {
      const secret = this.makeSecret(source, config, [plan, extract]);
      preflight.watch("secret", secretName(source, config), secret);
    }
    for (const reader of [plan, extract, decide, load]) this.allowDefinitions(reader.ownRole);
    this.allowLake(decide.ownRole, ["glue:GetTables"]);
    this.allowLake(load.ownRole, ["glue:GetTable", "glue:GetTables"]);
    const { ledger } = this;
    allowLedger(ledger, plan.ownRole, "table", TRANSACT);
    allowLedger(ledger, plan.ownRole, "source", [
      "GetItem",
      "Query",
      "PutItem",
      "UpdateItem",
      "DeleteItem",
    ]);
    allowLedger(ledger, extract.ownRole, "table", TRANSACT);
    allowLedger(ledger, extract.ownRole, "source", [
      "GetItem",
      "PutItem",
      "UpdateItem",
      "DeleteItem",
    ]);
    allowLedger(ledger, commit.ownRole, "table", TRANSACT);
    allowLedger(ledger, commit.ownRole, "source", ["GetItem", "UpdateItem"]);
    allowLedger(ledger, decide.ownRole, "table", ["BatchGetItem"]);
    allowLedger(ledger, load.ownRole, "table", ["GetItem", "PutItem", "UpdateItem", "DeleteItem"]);
    allowLedger(ledger, report.ownRole, "run", ["PutItem"]);
    allowLedger(ledger, report.ownRole, "table", ["GetItem", "UpdateItem"]);
    allowLedger(ledger, report.ownRole, "source", ["GetItem", "UpdateItem"]);
    allowObjects(bucket, plan.ownRole, "runs", ["write"]);
    allowObjects(bucket, plan.ownRole, "drift", ["read", "write"]);
    allowObjects(bucket, extract.ownRole, "runs", ["read", "write"]);
    // Reading too: after a lost answer the link looks whether its object is there.
    allowObjects(bucket, extract.ownRole, "raw", ["read", "write"]);
    allowObjects(bucket, commit.ownRole, "runs", ["read", "write"]);
    allowObjects(bucket, commit.ownRole, "manifests", ["write"]);
    allowObjects(bucket, decide.ownRole, "builds", ["read"]);
    allowObjects(bucket, decide.ownRole, "runs", ["write"]);
    allowObjects(bucket, load.ownRole, "builds", ["read"]);
    allowObjects(bucket, load.ownRole, "loads", ["read", "write"]);
    allowObjects(bucket, load.ownRole, "lake", ["read"]);
    allowObjects(bucket, load.ownRole, "deltas", ["read", "write"]);
    // Whether tables were named, and what went wrong.
    allowObjects(bucket, load.ownRole, "runs", ["read", "write"]);
    allowObjects(bucket, report.ownRole, "runs", ["read"]);
    topic.grantPublish(report);
    if (warehouse !== undefined) {
      warehouse.secret.grantRead(load);
      load.addToRolePolicy(
        new PolicyStatement({
          actions: ["redshift-data:ExecuteStatement", "redshift-data:BatchExecuteStatement"],
          resources: [warehouse.workgroupArn],
        }),
      );
      load.addToRolePolicy(
        new PolicyStatement({
          // These act on the caller's own statements and take no resource.
          actions: [
            "redshift-data:DescribeStatement",
            "redshift-data:GetStatementResult",
            "redshift-data:CancelStatement",
          ],
          resources: ["*"],
        }),
      );
      acknowledgePattern(
        load.ownRole,
        "*",
        "The Data API's calls on a statement take no resource; they reach the caller's own only",
      );
    }
    // By name, for the functions that ask about executions are called by the machine itself.
    const executionArns = this.formatArn({
      service: "states",
      resource: "execution",
      resourceName: `${deployment}:*`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    plan.addToRolePolicy(
      new PolicyStatement({ actions: ["states:DescribeExecution"], resources: [executionArns] }),
    );

    const machineRole = new Role(this, "PipelineRole", {
      assumedBy: new ServicePrincipal("states.amazonaws.com"),
      description: "Sluice state machine",
    });
    const machine = new StateMachine(this, "Pipeline", {
      role: machineRole,
      stateMachineName: deployment,
      comment: "One run of Sluice",
      definitionBody: DefinitionBody.fromString(
        this.toJsonString(
          pipelineDefinition({
            planArn: plan.functionArn,
            extractArn: extract.functionArn,
            commitArn: commit.functionArn,
            decideArn: decide.functionArn,
            loadArn: load.functionArn,
            reportArn: report.functionArn,
            buildJobName: this.build.name,
            bucketName: bucket.bucketName,
            timeoutSeconds: runTimeoutSeconds(
              catalog.sources.map((source) => resolveSource(source, deployment).budget),
            ),
          }),
        ),
      ),
      logs: {
        // Like those of the functions it goes with the stack: it holds no rows, and what a run did is in the ledger.
        destination: new LogGroup(this, "PipelineLogs", {
          retention: RetentionDays.THREE_MONTHS,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
        level: LogLevel.ALL,
      },
      tracingEnabled: true,
    });
    for (const called of [plan, extract, commit, decide, load, report])
      allowInvoke(called, machine);
    allowObjects(bucket, machineRole, "runs", ["read"]);
    machine.addToRolePolicy(
      new PolicyStatement({
        actions: ["glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun"],
        resources: [
          this.formatArn({ service: "glue", resource: "job", resourceName: this.build.name }),
        ],
      }),
    );
    // A distributed Map starts executions of the machine itself.
    machine.addToRolePolicy(
      new PolicyStatement({
        actions: ["states:StartExecution"],
        resources: [
          this.formatArn({
            service: "states",
            resource: "stateMachine",
            resourceName: deployment,
            arnFormat: ArnFormat.COLON_RESOURCE_NAME,
          }),
        ],
      }),
    );
    machine.addToRolePolicy(
      new PolicyStatement({
        actions: ["states:DescribeExecution", "states:StopExecution"],
        resources: [executionArns],
      }),
    );
    const executionPattern = `arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:${deployment}:*`;
    for (const role of [plan.ownRole, machineRole]) {
      acknowledgePattern(role, executionPattern, "Executions of this machine; named at run time");
    }
    acknowledgePattern(
      machineRole,
      "*",
      "X-Ray and CloudWatch's log delivery take no resource; CDK adds them for tracing and logs",
    );
    this.makeSchedule(config, machine);
    this.makeAlarms(config, machine, report, topic);

    const record: DeploymentRecord = {
      format: 1,
      deployment,
      stateMachineArn: machine.stateMachineArn,
      bucket: bucket.bucketName,
      ledger: this.ledger.tableName,
      buildJob: this.build.name,
      catalogStacks: config.catalogStacks,
      warehouse:
        warehouse === undefined
          ? null
          : {
              workgroup: warehouse.workgroupName,
              database: warehouse.database,
              secretArn: warehouse.secret.secretArn,
            },
    };
    new StringParameter(this, "Deployment", {
      parameterName: deploymentRecordName(deployment),
      description: "Where this deployment's parts are; read by the sluice command",
      stringValue: this.toJsonString(record),
    });
    preflight.precedeAll();
  }

  private makeSecret(source: Source, config: Config, readers: readonly PipelineFunction[]): Secret {
    const secret = new Secret(this, `Source-${source.name}`, {
      secretName: secretName(source, config),
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
      description: `Address and credentials of ${source.name} (${source.system}): fill it in after the first deploy`,
    });
    for (const reader of readers) secret.grantRead(reader);
    Validations.of(secret).acknowledge({
      id: "AwsSolutions::AwsSolutions-SMG4",
      reason: "The source's own administrators rotate its password and put the new one here",
    });
    return secret;
  }

  private catalogArns(databases: readonly string[]): string[] {
    const arn = (resource: string, resourceName?: string): string =>
      this.formatArn({
        service: "glue",
        resource,
        ...(resourceName === undefined ? {} : { resourceName }),
      });
    return [
      arn("catalog"),
      ...databases.flatMap((database) => [
        arn("database", database),
        arn("table", `${database}/*`),
      ]),
    ];
  }

  /** Lets a role read what the catalog declares. */
  private allowDefinitions(role: Role): void {
    // Any number of catalog stacks: entries may still be in those that a smaller number leaves over.
    const databases = [definitionsDatabasePattern(this.deployment)];
    this.allowCatalog(role, databases, ["glue:GetTable", "glue:GetTables"]);
  }

  private allowLake(role: Role, actions: string[]): void {
    this.allowCatalog(role, [this.lakeDatabase], actions);
  }

  private allowCatalog(role: Role, databases: readonly string[], actions: string[]): void {
    role.addToPolicy(new PolicyStatement({ actions, resources: this.catalogArns(databases) }));
    for (const database of databases) {
      acknowledgePattern(
        role,
        `arn:<AWS::Partition>:glue:<AWS::Region>:<AWS::AccountId>:table/${database}/*`,
        "All tables of Sluice's own databases; which there are is said by the catalog",
      );
    }
  }

  private network(config: Config): Partial<PipelineFunctionProps> {
    if (config.network === undefined) return {};
    const { vpcId, availabilityZones, subnetIds, securityGroupIds } = config.network;
    return {
      network: {
        vpc: Vpc.fromVpcAttributes(this, "Network", { vpcId, availabilityZones }),
        vpcSubnets: {
          subnets: subnetIds.map((subnetId) =>
            Subnet.fromSubnetId(this, `Subnet-${subnetId}`, subnetId),
          ),
        },
        securityGroups: securityGroupIds.map((groupId) =>
          SecurityGroup.fromSecurityGroupId(this, `Group-${groupId}`, groupId),
        ),
      },
    };
  }

  private makeSchedule(config: Config, machine: StateMachine): void {
    if (config.schedule === "off") return;
    const role = new Role(this, "ScheduleRole", {
      assumedBy: new ServicePrincipal("scheduler.amazonaws.com"),
    });
    machine.grantStartExecution(role);
    new CfnSchedule(this, "Schedule", {
      name: `${config.deployment}-all`,
      description: "Runs Sluice over all tables",
      scheduleExpression: config.schedule,
      // Made in either case, so that what is planned can be seen and checked by AWS before it is on.
      state: config.enabled ? "ENABLED" : "DISABLED",
      flexibleTimeWindow: { mode: "OFF" },
      target: { arn: machine.stateMachineArn, roleArn: role.roleArn, input: "{}" },
    });
  }

  private makeTopic(): Topic {
    const topic = new Topic(this, "Alerts", { enforceSSL: true, displayName: "Sluice alerts" });
    // A policy of its own, such as the one that asks for TLS, takes the place of SNS's default policy.
    topic.addToResourcePolicy(
      new PolicyStatement({
        sid: "AlarmsOfThisAccount",
        principals: [new ServicePrincipal("cloudwatch.amazonaws.com")],
        actions: ["sns:Publish"],
        resources: [topic.topicArn],
        conditions: {
          StringEquals: { "aws:SourceAccount": this.account },
          ArnLike: {
            "aws:SourceArn": this.formatArn({
              service: "cloudwatch",
              resource: "alarm",
              resourceName: "*",
              arnFormat: ArnFormat.COLON_RESOURCE_NAME,
            }),
          },
        },
      }),
    );
    return topic;
  }

  private makeAlarms(
    config: Config,
    machine: StateMachine,
    report: PipelineFunction,
    topic: Topic,
  ): void {
    const ended = "A run of Sluice did not end well: see its run record";
    const alarms = {
      RunsFailed: [machine.metricFailed(), ended],
      RunsTimedOut: [machine.metricTimedOut(), ended],
      RunsAborted: [machine.metricAborted(), ended],
      ReportFails: [
        report.metricErrors(),
        "Sluice's Report fails: runs leave no record, and alerts are not sent. See its log group",
      ],
    } as const;
    for (const [id, [metric, alarmDescription]] of Object.entries(alarms)) {
      new Alarm(this, id, {
        metric,
        threshold: 1,
        evaluationPeriods: 1,
        comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treatMissingData: TreatMissingData.NOT_BREACHING,
        alarmDescription,
      }).addAlarmAction(new SnsAction(topic));
    }
    if (!config.enabled || config.schedule === "off") return;
    new Alarm(this, "NoRunSucceeded", {
      // Hour by hour: CloudWatch takes periods of an hour or more for up to seven days together.
      metric: machine.metricSucceeded({ period: Duration.hours(1), statistic: Stats.SUM }),
      threshold: 1,
      evaluationPeriods: config.alarmAfterHours,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      // Where nothing succeeds there is no data.
      treatMissingData: TreatMissingData.BREACHING,
      alarmDescription: `No run of Sluice succeeded in ${config.alarmAfterHours} hours: see the newest run records, or whether the schedule starts runs`,
    }).addAlarmAction(new SnsAction(topic));
  }
}
