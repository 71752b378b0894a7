// The ledger: one DynamoDB table with progress, leases, object records and run records.
import { RemovalPolicy } from "aws-cdk-lib";
import { AttributeType, BillingMode, Table, TableEncryption } from "aws-cdk-lib/aws-dynamodb";
import type { IGrantable } from "aws-cdk-lib/aws-iam";
import type { IKey } from "aws-cdk-lib/aws-kms";
import { Construct } from "constructs";
import { allow, allowKey } from "./grants.ts";
import { retained, type Retained } from "./retained.ts";

/** Items of the ledger, by what their partition key begins with. */
export type LedgerPart = "table" | "source" | "run";

const LEADING_KEYS: Record<LedgerPart, string> = {
  table: "table#*",
  source: "source#*",
  run: "run",
};

/** What DynamoDB can limit to partition keys (`dynamodb:LeadingKeys`); a Scan has none, so no role may scan. */
export type LedgerAction =
  | "GetItem"
  | "BatchGetItem"
  | "Query"
  | "PutItem"
  | "UpdateItem"
  | "DeleteItem"
  | "ConditionCheckItem";

/** What reading and moving a table's progress under its lease takes. */
export const MOVE_PROGRESS = [
  ...(["GetItem", "Query", "PutItem", "UpdateItem", "ConditionCheckItem"] as const),
];

export interface LedgerProps {
  readonly deployment: string;
  /** Without it DynamoDB's own. */
  readonly encryptionKey: IKey | undefined;
}

export class Ledger extends Construct {
  readonly table: Table;
  readonly retained: readonly Retained[];
  readonly #key: IKey | undefined;

  constructor(scope: Construct, id: string, { deployment, encryptionKey }: LedgerProps) {
    super(scope, id);
    const tableName = `${deployment}-ledger`;
    this.#key = encryptionKey;
    this.table = new Table(this, "Table", {
      tableName,
      partitionKey: { name: "pk", type: AttributeType.STRING },
      sortKey: { name: "sk", type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
      ...(encryptionKey === undefined
        ? {}
        : { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey }),
    });
    this.retained = [retained("table", tableName, this.table, { isData: true })];
  }

  get name(): string {
    return this.table.tableName;
  }

  /** Lets a role act on one part of the items. DynamoDB limits by partition keys, not by sort keys. */
  grant(grantee: IGrantable, part: LedgerPart, ...actions: LedgerAction[]): void {
    allow(
      grantee,
      actions.map((action) => `dynamodb:${action}`),
      [this.table.tableArn],
      { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": LEADING_KEYS[part] } },
    );
    // DynamoDB uses the table's key on behalf of the caller.
    if (this.#key !== undefined) allowKey(grantee, this.#key, "dynamodb", ["read", "write"]);
  }
}
