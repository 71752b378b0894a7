// The properties of Sluice, as a construct.
import type { ISecurityGroup, IVpc, SubnetSelection } from "aws-cdk-lib/aws-ec2";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { Catalog } from "../catalog/table.ts";
import type { ExistingWarehouse } from "./constructs/warehouse.ts";

export interface SluiceProps {
  /**
   * The prefix of every name: 3 to 30 lower-case letters, digits and single underscores after a letter. One account and
   * region can hold several deployments, each with a name of its own. A deployment cannot be renamed.
   */
  readonly deployment: string;

  /** What the warehouse holds, as `defineCatalog` gives it. */
  readonly catalog: Catalog;

  /** Whether the schedule and the alarm for missing runs are on. Begin with false: runs are started by hand. */
  readonly enabled: boolean;

  /**
   * When all tables are run: `rate(…)` or `cron(…)` of EventBridge Scheduler, in UTC, or `off`: something else starts
   * runs.
   * @default "rate(1 hour)"
   */
  readonly schedule?: string;

  /**
   * Where people read: a Redshift Serverless workgroup that is made, one that is there already, or none, for the lake
   * alone.
   * @default "redshift-serverless"
   */
  readonly warehouse?: "redshift-serverless" | "none" | ExistingWarehouse;

  /**
   * The network in which the sources can be reached: Plan, Extract and a warehouse that is made are put there.
   * @default - the functions run outside any VPC, and the warehouse is put into the account's default VPC
   */
  readonly vpc?: IVpc;

  /**
   * The subnets in `vpc`. A warehouse that is made must have three, in three availability zones (in us-west-1 two).
   * @default - the private subnets
   */
  readonly vpcSubnets?: SubnetSelection;

  /**
   * The security groups of the functions and of a warehouse that is made, at most five.
   * @default - one is made, which lets all traffic out
   */
  readonly securityGroups?: readonly ISecurityGroup[];

  /**
   * A bucket for this deployment alone, which is not changed but for letting Sluice's parts use it. It should reject
   * requests without TLS, abort incomplete uploads after two days, and expire `runs/` after 90; nothing else in it may
   * expire. The key that it names (`bucket.encryptionKey`) is granted as well.
   * @default - two are made, the other for access logs
   */
  readonly bucket?: IBucket;

  /**
   * Encrypts what is made and holds data or credentials: bucket, ledger, secrets and warehouse. Logs and alerts hold no
   * rows and have AWS's own keys. The key's policy must let IAM policies of the account decide, as CDK's keys do.
   * @default - AWS's own keys
   */
  readonly encryptionKey?: IKey;

  /**
   * Where alarms and Report's alerts go. CloudWatch's alarms of the account are allowed to publish to it; if it is
   * encrypted, its key must let `cloudwatch.amazonaws.com` use it.
   * @default - one is made
   */
  readonly topic?: ITopic;

  /**
   * Where alarms and failed runs are mailed to; the subscription must be confirmed. Not together with `topic`.
   * @default - nowhere
   */
  readonly alarmEmail?: string;

  /**
   * Hours without a run that succeeded after which there is an alarm, 1 to 168.
   * @default 24
   */
  readonly alarmAfterHours?: number;

  /**
   * Takes over what an earlier deployment of this name left: see docs/deploying.md, Taking it down.
   * @default false
   */
  readonly adopt?: boolean;

  /**
   * Time-out of one invocation of Extract, seconds, 10 to 900.
   * @default 900
   */
  readonly extractTimeoutSeconds?: number;

  /**
   * Memory of Extract, MB, 256 to 10,240.
   * @default 512
   */
  readonly extractMemoryMegabytes?: number;

  /**
   * Stacks that hold the catalog's entries, a power of two up to 128; each holds about 70 tables of 60 columns.
   * @default 4
   */
  readonly catalogStacks?: number;

  /**
   * Workers (G.1X) of the Glue job, 2 to 100.
   * @default 2
   */
  readonly buildWorkers?: number;
}
