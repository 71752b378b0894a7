// Everything particular to Cassandra: sweeps of the token ring, for there is no cheap way to ask what changed.
import cassandra from "cassandra-driver";
import type { TableDefinition } from "../../../catalog/schema/definition.ts";
import { SourceConfigurationError } from "../../protocol/errors.ts";
import type { Bounds } from "../../protocol/records.ts";
import { translateError } from "./cassandra/errors.ts";
import { parsePosition } from "./cassandra/position.ts";
import { CassandraReader } from "./cassandra/reader.ts";
import type { CassandraSecret } from "./cassandra/secret.ts";
import { tileRing } from "./cassandra/token-ranges.ts";
import { toJson } from "./cassandra/to-json.ts";
import type { OpenRequest, SourceClient, SplitReader } from "./source.ts";

const connectTimeoutMillis = 10_000;
const readTimeoutMillis = 30_000;

export class CassandraSource implements SourceClient {
  readonly #client: cassandra.Client;
  readonly #where: string;
  #isConnected = false;

  constructor(sourceName: string, secret: CassandraSecret) {
    this.#where = `Source "${sourceName}" (${secret.contactPoints.join(", ")}, port ${secret.port})`;
    const { username, password, ca } = secret;
    this.#client = new cassandra.Client({
      contactPoints: secret.contactPoints,
      localDataCenter: secret.localDataCenter,
      protocolOptions: { port: secret.port },
      // Numbers as bigints and maps as Maps: the driver's defaults lose digits and the types of keys.
      encoding: { useBigIntAsLong: true, useBigIntAsVarint: true, map: Map },
      policies: {
        // Every refusal reaches the governor, which knows how to slow down.
        retry: new cassandra.policies.retry.FallthroughRetryPolicy(),
        speculativeExecution:
          new cassandra.policies.speculativeExecution.NoSpeculativeExecutionPolicy(),
      },
      socketOptions: { connectTimeout: connectTimeoutMillis, readTimeout: readTimeoutMillis },
      ...(username === undefined || password === undefined
        ? {}
        : { authProvider: new cassandra.auth.PlainTextAuthProvider(username, password) }),
      ...(ca === undefined ? {} : { sslOptions: { ca: [ca], rejectUnauthorized: true } }),
    });
  }

  /** A Cassandra table has no window: each pass reads the whole ring. */
  planWindow(): Promise<null> {
    return Promise.resolve(null);
  }

  /** @throws SourceConfigurationError if the table or a declared column does not exist */
  async planRows(table: TableDefinition): Promise<Bounds[]> {
    const { splits } = placeOf(table);
    await this.#describe(table);
    return tileRing(splits);
  }

  planKeys(table: TableDefinition): Promise<Bounds[]> {
    return Promise.reject(
      new SourceConfigurationError(
        `Table "${table.name}" declares deletes by "key-sweep", but a sweep of Cassandra sees every key already. ` +
          'Declare deletes by "absence".',
      ),
    );
  }

  async open(request: OpenRequest): Promise<SplitReader> {
    const { table, bounds, passNumber, position } = request;
    if (bounds.by !== "token")
      throw new SourceConfigurationError(
        `Table "${table.name}" is read from Cassandra, but its split is a range of a cursor. ` +
          "Its source was changed while a pass was open; remove the pass from the ledger.",
      );
    const { keyspace, table: name } = placeOf(table);
    const { partitionKey, columns } = await this.#describe(table);
    return new CassandraReader(
      this.#client,
      {
        where: `${this.#where}, table ${keyspace}.${name},`,
        target: {
          keyspace,
          table: name,
          columns: columns.map((column) => column.name),
          partitionKey,
          schema: JSON.stringify(columns),
        },
        writers: columns.map(({ type }) => toJson(type)),
        after: BigInt(bounds.after),
        upTo: BigInt(bounds.upTo),
        passNumber,
        pageRows: table.source.budget.pageRows,
      },
      position === null ? null : parsePosition(position),
    );
  }

  /** A reader holds nothing at the cluster. */
  release(): Promise<void> {
    return Promise.resolve();
  }

  async close(): Promise<void> {
    await this.#client.shutdown();
  }

  async #describe(table: TableDefinition): Promise<{
    partitionKey: string[];
    columns: { name: string; type: cassandra.metadata.DataTypeInfo }[];
  }> {
    const { keyspace, table: name } = placeOf(table);
    const found = await this.#findTable(keyspace, name);
    if (found === null)
      throw new SourceConfigurationError(
        `${this.#where} has no table ${keyspace}.${name}, which table "${table.name}" is read from. ` +
          'Correct "from" in its file; names are case-sensitive.',
      );
    const wanted = [...new Set(table.columns.map(({ path }) => path[0] ?? ""))];
    const columns = wanted.map((column) => {
      const type = found.columnsByName[column]?.type;
      if (type !== undefined) return { name: column, type };
      throw new SourceConfigurationError(
        `Table "${table.name}": ${keyspace}.${name} of source "${table.source.name}" has no column "${column}". ` +
          `It has ${Object.keys(found.columnsByName).join(", ")}. Correct the column's path in the table's file.`,
      );
    });
    return { partitionKey: found.partitionKeys.map((column) => column.name), columns };
  }

  async #findTable(
    keyspace: string,
    name: string,
  ): Promise<cassandra.metadata.TableMetadata | null> {
    try {
      if (!this.#isConnected) await this.#client.connect();
      this.#isConnected = true;
      // Typed as always present, but null where there is no such table.
      return nullable(await this.#client.metadata.getTable(keyspace, name));
    } catch (error) {
      throw translateError(this.#where, error);
    }
  }
}

function nullable<T>(value: T): T | null {
  return value;
}

function placeOf(table: TableDefinition): { keyspace: string; table: string; splits: number } {
  if ("keyspace" in table.from) return table.from;
  throw new SourceConfigurationError(
    `Table "${table.name}" names an index, but its source "${table.source.name}" is Cassandra. ` +
      'Name a keyspace and table in "from", or another source.',
  );
}
