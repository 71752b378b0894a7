// A Cassandra table that tests change while it is swept.
import cassandra from "cassandra-driver";
import type { LoadBudgetDefinition, TableDefinition } from "../../../catalog/definition.ts";
import type { Table } from "../../../catalog/table.ts";
import { CassandraSource } from "../../../sources/cassandra/cassandra.ts";
import type { CassandraSecret } from "../../../sources/cassandra/secret.ts";
import { CASSANDRA_DATA_CENTER } from "../../../local/servers/cassandra.ts";
import { column, tableDefinition } from "../extract/fixtures.ts";
import { canonical, type Doc, type Json, type LiveTable, type Rows } from "./live-table.ts";
import { patientSockets } from "../extract/servers.ts";

const described = { owner: "team", description: "d" };
const freely = {
  lanes: 2,
  dutyCycle: 1,
  maxRowsPerSecond: 1e9,
  maxBytesPerSecond: 1e9,
  pageRows: 7,
};
/** Until the others know that a node was killed, a coordinator may wait for its response. */
class PatientReads extends cassandra.policies.retry.RetryPolicy {
  override onReadTimeout(
    info: cassandra.policies.retry.OperationInfo,
    consistency: cassandra.types.consistencies,
  ): cassandra.policies.retry.DecisionInfo {
    return info.nbRetry < mostRetries ? this.retryResult(consistency, false) : this.rethrowResult();
  }
}

const mostRetries = 10;
const partitions = 8;
const rowsAPartition = 5;

export class CassandraTable implements LiveTable {
  readonly name: string;
  readonly client: CassandraSource;
  readonly secret: CassandraSecret;
  readonly writer: cassandra.Client;
  readonly #keyspace: string;

  private constructor(writer: cassandra.Client, secret: CassandraSecret, keyspace: string) {
    this.name = keyspace;
    this.writer = writer;
    this.secret = secret;
    this.client = new CassandraSource("events", secret);
    this.#keyspace = keyspace;
  }

  /** @param addresses `host:port` of one or more nodes */
  static async make(
    addresses: readonly string[],
    keyspace: string,
    replicas = 1,
  ): Promise<CassandraTable> {
    const contactPoints = addresses.map((address) => address.split(":")[0] ?? "");
    const port = Number(addresses[0]?.split(":")[1]);
    const writer = new cassandra.Client({
      contactPoints,
      localDataCenter: CASSANDRA_DATA_CENTER,
      protocolOptions: { port },
      queryOptions: { consistency: cassandra.types.consistencies.localQuorum },
      socketOptions: patientSockets,
      policies: { retry: new PatientReads() },
    });
    await writer.execute(
      `CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': ${replicas}}`,
    );
    await writer.execute(
      `CREATE TABLE ${keyspace}.rows (pk int, ck int, name text, n bigint, tags set<text>, attributes map<text, text>, ` +
        "note text static, PRIMARY KEY (pk, ck))",
    );
    const secret = { contactPoints, port, localDataCenter: CASSANDRA_DATA_CENTER };
    return new CassandraTable(writer, secret, keyspace);
  }

  definition(budget: Partial<LoadBudgetDefinition>): TableDefinition {
    const definition = tableDefinition({
      name: this.name,
      system: "cassandra",
      key: ["pk", "ck"],
      columns: [
        column("pk", "int"),
        column("ck", "int"),
        column("name"),
        column("n", "long"),
        column("tags", { list: "string" }),
        column("attributes", { map: "string" }),
        column("note"),
      ],
      from: { keyspace: this.#keyspace, table: "rows", splits: 3 },
      cursor: null,
      budget: { pageRows: 7, ...budget },
    });
    return {
      ...definition,
      deletes: { strategy: "full-scan", maxShare: 1 },
      source: { ...definition.source, name: "events" },
    };
  }

  entry(): Table {
    const { columns, source } = this.definition({});
    return {
      name: this.name,
      ...described,
      key: ["pk", "ck"],
      columns: columns.map(({ name, type }) => ({ name, type, description: "d" })),
      source: { ...described, name: source.name, system: "cassandra", budget: freely },
      from: { keyspace: this.#keyspace, table: "rows" },
      splits: 3,
      deletes: { strategy: "full-scan", maxShare: 1 },
    };
  }

  /** Runs statements in order; `t` in them is the table. */
  async execute(...statements: string[]): Promise<void> {
    for (const statement of statements)
      await this.writer.execute(statement.replaceAll("{t}", `${this.#keyspace}.rows`));
  }

  async reset(): Promise<void> {
    const present = await this.writer.execute(`SELECT DISTINCT pk FROM ${this.#keyspace}.rows`);
    for (const row of present.rows)
      await this.execute(`DELETE FROM {t} WHERE pk = ${String(row.pk)}`);
    for (let pk = 0; pk < partitions; pk += 1) {
      const inserts = Array.from({ length: rowsAPartition }, (_, ck) =>
        insert(pk, ck, `row ${ck}`),
      );
      await this.execute(
        `BEGIN UNLOGGED BATCH ${inserts.join("; ")}; ` +
          `UPDATE {t} SET note = 'first' WHERE pk = ${pk}; APPLY BATCH`,
      );
    }
  }

  async change(stage: number): Promise<void> {
    await this.execute(
      insert(1, 1, `changed in ${stage}`),
      insert(20 + stage, 0, "new"),
      `UPDATE {t} SET name = null, n = null WHERE pk = 2 AND ck = 2`,
      `UPDATE {t} SET tags = tags - {'x'}, attributes['a'] = '${stage}' WHERE pk = 3 AND ck = ${stage}`,
      `UPDATE {t} SET note = 'note ${stage}' WHERE pk = 4`,
      `DELETE FROM {t} WHERE pk = 5 AND ck = ${stage}`,
      `DELETE FROM {t} WHERE pk = ${6 + (stage % 2)}`,
      // Gone at one stage and there again at the next.
      stage % 2 === 1 ? `DELETE FROM {t} WHERE pk = 0` : insert(0, 0, `back in ${stage}`),
    );
  }

  async rows(): Promise<Rows> {
    const { rows } = await this.writer.execute(`SELECT * FROM ${this.#keyspace}.rows`, [], {
      consistency: cassandra.types.consistencies.localQuorum,
      fetchSize: 50_000,
    });
    return new Map(
      rows.map((row) => {
        const doc = docOf(row);
        return [canonical([doc.pk ?? null, doc.ck ?? null]), canonical(doc)];
      }),
    );
  }

  async close(): Promise<void> {
    await this.writer.execute(`DROP KEYSPACE ${this.#keyspace}`);
    await this.disconnect();
  }

  async disconnect(): Promise<void> {
    await this.client.close();
    await this.writer.shutdown();
  }
}

function insert(pk: number, ck: number, name: string): string {
  return (
    `INSERT INTO {t} (pk, ck, name, n, tags, attributes) ` +
    `VALUES (${pk}, ${ck}, '${name}', ${pk * 1000 + ck}, {'x', 't${ck}'}, {'a': '${pk}'})`
  );
}

function docOf(row: cassandra.types.Row): Doc {
  const doc: Doc = {};
  for (const name of row.keys()) doc[name] = jsonOf(row.get(name));
  return doc;
}

function jsonOf(value: unknown): Json {
  if (value === null || value === undefined) return null;
  if (Array.isArray(value)) return value.map(jsonOf);
  if (value instanceof cassandra.types.Long) return value.toNumber();
  if (typeof value === "object")
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, jsonOf(one)]));
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean")
    return value;
  throw new Error(`a ${typeof value} is not expected here`);
}
