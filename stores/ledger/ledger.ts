// The ledger: one table of DynamoDB, as several small stores. Who uses it names the stores that it needs.
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { BuildNeeds } from "./build-needs.ts";
import { LaneReadings } from "./lane-readings.ts";
import { LedgerTable } from "./ledger-table.ts";
import { OpenResources } from "./open-resources.ts";
import { PassSplits } from "./pass-splits.ts";
import { RunRecords } from "./run-records.ts";
import { SourceLanes } from "./source-lanes.ts";
import { SourcePauses } from "./source-pauses.ts";
import { TableLeases } from "./table-leases.ts";
import { TableLoads } from "./table-loads.ts";
import { TableProgress } from "./table-progress.ts";
import { Transactions } from "./transactions.ts";

export interface Ledger {
  /** Of tables. */
  readonly leases: TableLeases;
  /** Of sources. */
  readonly lanes: SourceLanes;
  readonly pauses: SourcePauses;
  readonly resources: OpenResources;
  readonly readings: LaneReadings;
  readonly progress: TableProgress;
  readonly splits: PassSplits;
  /** What is written in several of these at once. */
  readonly transactions: Transactions;
  readonly loads: TableLoads;
  readonly needs: BuildNeeds;
  readonly runs: RunRecords;
}

export function openLedger(options: { client: DynamoDBClient; tableName: string }): Ledger {
  const table = new LedgerTable(options);
  return {
    leases: new TableLeases(table),
    lanes: new SourceLanes(table),
    pauses: new SourcePauses(table),
    resources: new OpenResources(table),
    readings: new LaneReadings(table),
    progress: new TableProgress(table),
    splits: new PassSplits(table),
    transactions: new Transactions(table),
    loads: new TableLoads(table),
    needs: new BuildNeeds(table),
    runs: new RunRecords(table),
  };
}
