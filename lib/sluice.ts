// Sluice as a construct: a warehouse kept in sync with live databases, for any CDK app.
import { Annotations, Stack } from "aws-cdk-lib";
import { Connections, type IConnectable } from "aws-cdk-lib/aws-ec2";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { Secret } from "aws-cdk-lib/aws-secretsmanager";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { StateMachine } from "aws-cdk-lib/aws-stepfunctions";
import { Construct, type IConstruct } from "constructs";
import { resolveSource } from "../catalog/resolve.ts";
import { AlertTopic } from "./constructs/alert-topic.ts";
import { Alarms } from "./constructs/alarms.ts";
import { BuildJob } from "./constructs/build-job.ts";
import { DataBucket } from "./constructs/data-bucket.ts";
import { Definitions } from "./constructs/definitions.ts";
import { DeploymentRecord } from "./constructs/deployment-record.ts";
import { Executions } from "./constructs/executions.ts";
import { CommitFunction } from "./constructs/functions/commit-function.ts";
import { DecideFunction } from "./constructs/functions/decide-function.ts";
import { ExtractFunction } from "./constructs/functions/extract-function.ts";
import { LoadFunction } from "./constructs/functions/load-function.ts";
import { PlanFunction } from "./constructs/functions/plan-function.ts";
import { ReportFunction } from "./constructs/functions/report-function.ts";
import { LakeDatabase } from "./constructs/lake-database.ts";
import { Ledger } from "./constructs/ledger.ts";
import { Network } from "./constructs/network.ts";
import { Pipeline } from "./constructs/pipeline.ts";
import { Preflight } from "./constructs/preflight.ts";
import { RedshiftServerless } from "./constructs/redshift-serverless.ts";
import { RunSchedule } from "./constructs/run-schedule.ts";
import { SourceSecrets } from "./constructs/source-secrets.ts";
import { Warehouse, type ExistingWarehouse } from "./constructs/warehouse.ts";
import { checkCatalog, sourcesReadTooLong } from "./deployment/check-catalog.ts";
import { DeploymentError } from "./deployment/errors.ts";
import { parseProps, placeOf } from "./deployment/parse-props.ts";
import { runTimeoutSeconds } from "./pipeline-definition.ts";
import type { SluiceProps } from "./sluice-props.ts";

/** The Sluice constructs of each app. */
const MADE = new WeakMap<IConstruct, readonly Sluice[]>();

/**
 * A warehouse kept in sync with live databases. All of it is made in the stack around it, except the catalog's entries:
 * they are in `catalogStacks` stacks of their own, called `<deployment>-catalog-<number>`, which are deployed after it.
 * What holds data or credentials is kept when it is deleted.
 */
export class Sluice extends Construct implements IConnectable {
  readonly deployment: string;
  /** The data bucket, made or given. */
  readonly bucket: IBucket;
  /** Runs the pipeline: `{}` for all tables, or `{"tables": ["orders"]}`. */
  readonly stateMachine: StateMachine;
  /** Where alarms and alerts go, made or given. */
  readonly topic: ITopic;
  /** The secret of each source, by the source's name; to be filled in. */
  readonly sourceSecrets: ReadonlyMap<string, Secret>;
  /** The stacks of the catalog's entries. */
  readonly catalogStacks: readonly Stack[];
  /** The warehouse, made or given; undefined for the lake alone. */
  readonly warehouse: ExistingWarehouse | undefined;
  /** The connections of the functions that read sources, and of a warehouse that is made; empty outside a VPC. */
  readonly connections: Connections;

  /**
   * @throws DeploymentError that lists every mistake in the properties
   * @throws CatalogError that lists every mistake in how the catalog fits the deployment, and in what Glue takes
   */
  constructor(scope: Construct, id: string, props: SluiceProps) {
    super(scope, id);
    const options = parseProps(this, props);
    const { deployment, catalog, encryptionKey } = props;
    checkCatalog(deployment, catalog);
    this.#rejectAnother(deployment, props.bucket);
    this.deployment = deployment;
    for (const warning of sourcesReadTooLong(deployment, options.schedule, catalog)) {
      Annotations.of(this).addWarningV2("sluice:source-read-too-long", warning);
    }

    const bucket = new DataBucket(this, "Storage", {
      ...{ deployment, encryptionKey, given: props.bucket },
    });
    const ledger = new Ledger(this, "Ledger", { deployment, encryptionKey });
    const lake = new LakeDatabase(this, "Lake", { deployment, bucket });
    const { account, region } = Stack.of(this);
    const definitions = new Definitions(this, "Catalog", {
      ...{ deployment, catalog, catalogStacks: options.catalogStacks, env: { account, region } },
    });
    this.#rejectSynthesizer(definitions.stacks);
    // Roles that read the definitions come first.
    for (const stack of definitions.stacks) stack.addStackDependency(Stack.of(this));
    const stores = { deployment, bucket, ledger, lake, definitions };
    const sourceSecrets = new SourceSecrets(this, "Sources", {
      ...{ deployment, encryptionKey, sources: catalog.sources },
    });
    const network =
      props.vpc === undefined
        ? undefined
        : new Network(this, "Network", {
            ...{ vpc: props.vpc, vpcSubnets: props.vpcSubnets },
            securityGroups: props.securityGroups,
          });
    const made =
      options.warehouse === "redshift-serverless"
        ? new RedshiftServerless(this, "Warehouse", { deployment, network, encryptionKey })
        : undefined;
    const parts = typeof props.warehouse === "object" ? props.warehouse : made;
    const warehouse = parts === undefined ? undefined : new Warehouse(parts, bucket);
    const { topic } = new AlertTopic(this, "Alerts", {
      ...{ given: props.topic, email: options.alarmEmail },
    });

    const build = new BuildJob(this, "Build", { stores, workers: options.buildWorkers });
    const executions = new Executions(this, deployment);
    const functions = {
      plan: new PlanFunction(this, "Plan", { stores, sourceSecrets, network, executions }),
      extract: new ExtractFunction(this, "Extract", {
        ...{ stores, sourceSecrets, network },
        timeoutSeconds: options.extractTimeoutSeconds,
        memoryMegabytes: options.extractMemoryMegabytes,
      }),
      commit: new CommitFunction(this, "Commit", { stores }),
      decide: new DecideFunction(this, "Decide", { stores, build }),
      load: new LoadFunction(this, "Load", { stores, warehouse }),
      report: new ReportFunction(this, "Report", { stores, topic }),
    };
    const { machine } = new Pipeline(this, "Pipeline", {
      ...{ stores, functions, build, executions },
      timeoutSeconds: runTimeoutSeconds(
        catalog.sources.map((source) => resolveSource(source, deployment).budget),
      ),
    });

    const { enabled, schedule } = options;
    if (schedule !== "off") {
      new RunSchedule(this, "Schedule", { deployment, enabled, machine, expression: schedule });
    }
    new Alarms(this, "Alarms", {
      ...{ machine, topic, report: functions.report },
      afterHours: enabled && schedule !== "off" ? options.alarmAfterHours : undefined,
    });
    new DeploymentRecord(this, "Record", { stores, build, machine, warehouse });
    new Preflight(this, "Preflight", {
      ...{ deployment, adopt: options.adopt },
      retained: [bucket, ledger, lake, sourceSecrets, made].flatMap((one) => one?.retained ?? []),
    }).precede(this);

    this.bucket = bucket.bucket;
    this.stateMachine = machine;
    this.topic = topic;
    this.sourceSecrets = sourceSecrets.secrets;
    this.catalogStacks = definitions.stacks;
    this.warehouse = parts;
    this.connections = network?.connections ?? new Connections();
    MADE.set(this.node.root, [...(MADE.get(this.node.root) ?? []), this]);
  }

  /** @throws DeploymentError if another Sluice of the app would have the same names, or the same data */
  #rejectAnother(deployment: string, bucket: IBucket | undefined): void {
    const { environment } = Stack.of(this);
    for (const other of MADE.get(this.node.root) ?? []) {
      const sameName =
        other.deployment === deployment && Stack.of(other).environment === environment;
      if (!sameName && other.bucket.bucketArn !== bucket?.bucketArn) continue;
      const mistake = sameName
        ? { name: "deployment", problem: `${JSON.stringify(deployment)} is the name of` }
        : { name: "bucket", problem: "it is the bucket of" };
      throw new DeploymentError([
        {
          place: placeOf(this)([mistake.name]),
          problem: `${mistake.problem} Sluice ${other.node.path} too`,
          fix: `give each ${mistake.name === "bucket" ? "a bucket" : "a name"} of its own`,
        },
      ]);
    }
  }

  /**
   * @throws DeploymentError if the stacks of the catalog would be deployed with another bootstrap than the one around
   *   this, which may read the assets of its own only
   */
  #rejectSynthesizer(stacks: readonly Stack[]): void {
    const own = Stack.of(this).synthesizer.bootstrapQualifier;
    const other = stacks.find(({ synthesizer }) => synthesizer.bootstrapQualifier !== own);
    if (other === undefined) return;
    throw new DeploymentError([
      {
        place: placeOf(this)([]),
        problem: `its stack is synthesized for the bootstrap ${JSON.stringify(own)}, and the catalog's stacks for ${JSON.stringify(other.synthesizer.bootstrapQualifier)}`,
        fix: "give the synthesizer to the whole app: new App({ defaultStackSynthesizer: … })",
      },
    ]);
  }
}
