// Runs statements through the Redshift Data API, and never waits for them longer than the caller allows.
import { setTimeout as sleep } from "node:timers/promises";
import {
  ActiveStatementsExceededException,
  BatchExecuteStatementCommand,
  CancelStatementCommand,
  DescribeStatementCommand,
  ExecuteStatementCommand,
  GetStatementResultCommand,
  ResourceNotFoundException,
  ValidationException,
  type DescribeStatementResponse,
  type Field,
  type RedshiftDataClient,
} from "@aws-sdk/client-redshift-data";

/** A statement is not finished within the time that its caller has; it goes on running. */
export class StillRunningError extends Error {
  override readonly name = "StillRunningError";
}

/** What the warehouse rejected, whole. */
export interface Rejection {
  /** The warehouse's words; after the check's name, if the statement was one that checks. */
  readonly error: string;
  /** The SQL of the one statement that failed, and its id in the Data API; null if neither is known. */
  readonly sql: string | null;
  readonly statementId: string | null;
  /** True if files were copied before it failed, or while. */
  readonly copied: boolean;
}

/** The warehouse rejected a statement. */
export class StatementError extends Error {
  override readonly name = "StatementError";
  readonly rejection: Rejection;

  constructor(rejection: Rejection) {
    super(rejection.error);
    this.rejection = rejection;
  }
}

type Outcome =
  | { readonly status: "running" }
  | { readonly status: "finished" }
  | ({ readonly status: "failed" } & Rejection)
  /** The Data API has forgotten it, which it does after a day. */
  | { readonly status: "unknown" };

interface WarehouseAddress {
  readonly workgroup: string;
  readonly database: string;
  readonly secretArn: string;
}

const POLL_MILLIS = 20;
const MAX_POLL_MILLIS = 200;

export class Warehouse {
  readonly #client: RedshiftDataClient;
  readonly #target: { WorkgroupName: string; Database: string; SecretArn: string };

  constructor(client: RedshiftDataClient, address: WarehouseAddress) {
    this.#client = client;
    this.#target = {
      WorkgroupName: address.workgroup,
      Database: address.database,
      SecretArn: address.secretArn,
    };
  }

  /**
   * Starts statements, several as one transaction, and returns the id to ask for.
   *
   * @param token the same for the same attempt: a caller that was repeated gets the first one's statement
   * @throws StillRunningError if the warehouse has too much to do already
   */
  async start(statements: readonly string[], token?: string): Promise<string> {
    const [first] = statements;
    const shared = { ...this.#target, ClientToken: token };
    try {
      const { Id } =
        statements.length === 1 && first !== undefined
          ? await this.#client.send(new ExecuteStatementCommand({ ...shared, Sql: first }))
          : await this.#client.send(
              new BatchExecuteStatementCommand({ ...shared, Sqls: [...statements] }),
            );
      if (Id === undefined) {
        const error = "the Data API gave the statement no id";
        throw new StatementError({ error, sql: first ?? null, statementId: null, copied: false });
      }
      return Id;
    } catch (error) {
      if (error instanceof ActiveStatementsExceededException) {
        throw new StillRunningError("the warehouse has too many active statements");
      }
      throw error;
    }
  }

  /** How far a statement is. */
  async check(id: string): Promise<Outcome> {
    try {
      return outcomeOf(await this.#client.send(new DescribeStatementCommand({ Id: id })));
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return { status: "unknown" };
      throw error;
    }
  }

  /** Asks until the statement has ended or `deadline` (milliseconds since 1970) is over. */
  async waitFor(id: string, deadline: number): Promise<Outcome> {
    for (let pause = POLL_MILLIS; ; pause = Math.min(MAX_POLL_MILLIS, pause * 2)) {
      const outcome = await this.check(id);
      if (outcome.status !== "running" || Date.now() + pause > deadline) return outcome;
      await sleep(pause);
    }
  }

  /**
   * Runs one statement to its end and returns its rows, of which there must be few.
   *
   * @throws StillRunningError at the deadline
   * @throws StatementError if the warehouse rejects it
   */
  async query(sql: string, deadline: number): Promise<(string | null)[][]> {
    return this.rows(await this.#finish(sql, deadline));
  }

  /** The rows of a statement that has finished; the first one of a batch has the batch's id and `:1`. */
  async rows(id: string): Promise<(string | null)[][]> {
    const rows: (string | null)[][] = [];
    let NextToken: string | undefined;
    do {
      const page = await this.#client.send(new GetStatementResultCommand({ Id: id, NextToken }));
      rows.push(...(page.Records ?? []).map((record) => record.map(textOf)));
      NextToken = page.NextToken;
    } while (NextToken !== undefined && NextToken !== "");
    return rows;
  }

  /**
   * Runs one statement without a result to its end.
   *
   * @throws StillRunningError at the deadline
   * @throws StatementError if the warehouse rejects it
   */
  async execute(sql: string, deadline: number): Promise<void> {
    await this.#finish(sql, deadline);
  }

  /** Asks the warehouse to give a statement up; one that has ended stays as it is. */
  async cancel(id: string): Promise<void> {
    try {
      await this.#client.send(new CancelStatementCommand({ Id: id }));
    } catch (error) {
      const hasEnded =
        error instanceof ValidationException || error instanceof ResourceNotFoundException;
      if (!hasEnded) throw error;
    }
  }

  async #finish(sql: string, deadline: number): Promise<string> {
    const id = await this.start([sql]);
    const outcome = await this.waitFor(id, deadline);
    if (outcome.status === "finished") return id;
    if (outcome.status === "failed") throw new StatementError(outcome);
    throw new StillRunningError(`statement ${id} is ${outcome.status}: ${sql.slice(0, 100)}`);
  }
}

function outcomeOf(described: DescribeStatementResponse): Outcome {
  const { Status: status } = described;
  if (status === "FINISHED") return { status: "finished" };
  if (status === "FAILED" || status === "ABORTED") {
    return { status: "failed", ...rejectionOf(described) };
  }
  return { status: "running" };
}

/** The error of the statement that failed; one that checks something is named by its check. */
function rejectionOf(described: DescribeStatementResponse): Rejection {
  const { Id, QueryString, Status, Error: error, SubStatements = [] } = described;
  const part = SubStatements.find(({ Status: status }) => status === "FAILED");
  const text = part?.Error ?? error ?? `the statement is ${Status ?? "gone"}`;
  const check = /AS "(check_[a-z_]+)"/.exec(part?.QueryString ?? "")?.[1];
  return {
    error: check === undefined ? text : `${check}: ${text}`,
    sql: part?.QueryString ?? QueryString ?? null,
    statementId: part?.Id ?? Id ?? null,
    copied: SubStatements.some(
      ({ QueryString: sql, Status: status }) =>
        sql?.startsWith("COPY") === true && (status === "FINISHED" || status === "FAILED"),
    ),
  };
}

function textOf(field: Field): string | null {
  if (field.isNull === true) return null;
  const value =
    field.stringValue ?? field.longValue ?? field.doubleValue ?? field.booleanValue ?? null;
  return value === null ? null : String(value);
}
