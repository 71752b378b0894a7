// Asks the warehouse through the Redshift Data API.
import {
  DescribeStatementCommand,
  ExecuteStatementCommand,
  GetStatementResultCommand,
  type Field,
} from "@aws-sdk/client-redshift-data";
import { setTimeout as delay } from "node:timers/promises";
import type { Connection } from "./connection.ts";

const POLL_MILLIS = 150;
const DEADLINE_MILLIS = 10 * 60 * 1000;

export type Value = string | number | boolean | null;

/** An answer: column names, and rows of values. Integers beyond 2^53 come as the service sends them. */
export interface Answer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Value[])[];
}

/** An answer's rows with each value as text, null where it is null: what a person sees, and what answers are compared by. */
export const answerTexts = (answer: Answer): (string | null)[][] =>
  answer.rows.map((row) => row.map((value) => (value === null ? null : String(value))));

function valueOf(field: Field): Value {
  if (field.isNull === true) return null;
  return field.stringValue ?? field.longValue ?? field.doubleValue ?? field.booleanValue ?? null;
}

/**
 * Runs one statement and reads its whole result.
 * @throws Error with the warehouse's own message, or if the deployment has no warehouse
 */
export async function queryWarehouse(connection: Connection, sql: string): Promise<Answer> {
  const { warehouse } = connection.deployment;
  if (warehouse === null) {
    throw new Error(
      "This deployment has no warehouse (warehouse=none): query the lake with Athena",
    );
  }
  const started = await connection.redshift.send(
    new ExecuteStatementCommand({
      WorkgroupName: warehouse.workgroup,
      Database: warehouse.database,
      SecretArn: warehouse.secretArn,
      Sql: sql,
    }),
  );
  const deadline = Date.now() + DEADLINE_MILLIS;
  let hasResult: boolean;
  for (;;) {
    const state = await connection.redshift.send(new DescribeStatementCommand({ Id: started.Id }));
    if (state.Status === "FINISHED") {
      hasResult = state.HasResultSet ?? false;
      break;
    }
    if (state.Status === "FAILED" || state.Status === "ABORTED") {
      throw new Error(`The warehouse refused the statement: ${state.Error ?? state.Status}`);
    }
    if (Date.now() > deadline) throw new Error("The statement did not end within ten minutes");
    await delay(POLL_MILLIS);
  }
  if (!hasResult) return { columns: [], rows: [] };
  const columns: string[] = [];
  const rows: Value[][] = [];
  let nextToken: string | undefined;
  do {
    const page = await connection.redshift.send(
      new GetStatementResultCommand({ Id: started.Id, NextToken: nextToken }),
    );
    if (columns.length === 0) {
      columns.push(...(page.ColumnMetadata ?? []).map((column) => column.name ?? ""));
    }
    rows.push(...(page.Records ?? []).map((record) => record.map(valueOf)));
    nextToken = page.NextToken;
  } while (nextToken !== undefined);
  return { columns, rows };
}
