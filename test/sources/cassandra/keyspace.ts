// A keyspace of its own on a real Cassandra, with a client that writes and the source under test that reads.
import { randomUUID } from "node:crypto";
import cassandra from "cassandra-driver";
import type { z } from "zod";
import type {
  ColumnDefinition,
  LoadBudgetDefinition,
  TableDefinition,
} from "../../../catalog/definition.ts";
import { CassandraSource } from "../../../sources/cassandra/cassandra.ts";
import type { bucketsSchema } from "../../../sources/cassandra/declaration.ts";
import type { Bounds } from "../../../contract/records.ts";
import { CASSANDRA_DATA_CENTER } from "../../../local/servers/cassandra.ts";
import { column, type Line, readSplit, tableDefinition } from "../../functions/extract/fixtures.ts";
import {
  patientSockets,
  runCassandra,
  type RunningServer,
} from "../../functions/extract/servers.ts";

export interface TableOptions {
  /** Names of columns, or whole columns; all are of type json otherwise. */
  readonly columns: readonly (string | ColumnDefinition)[];
  readonly key?: string[];
  readonly splits?: number;
  readonly changes?: Pick<TableDefinition, "cursor"> | { readonly buckets: Buckets };
  readonly deletes?: TableDefinition["deletes"];
  readonly budget?: Partial<LoadBudgetDefinition>;
}

type Buckets = z.output<typeof bucketsSchema>;

export interface ScanOptions {
  readonly pageRows?: number;
  /** Pages after which a reader is closed and another goes on from its position. */
  readonly pagesAReader?: number;
  readonly kind?: "rows" | "keys";
  readonly passNumber?: number;
  /** Changes a position between two readers. */
  readonly between?: (position: string) => Promise<string> | string;
  readonly warn?: (details: Record<string, unknown>) => unknown;
}

export class TestKeyspace {
  readonly name: string;
  readonly writer: cassandra.Client;
  readonly client: CassandraSource;
  readonly host: string;
  readonly port: number;
  readonly #server: RunningServer;

  private constructor(server: RunningServer) {
    this.#server = server;
    this.name = `extract_${randomUUID().replaceAll("-", "")}`;
    const [host = "", port] = server.address.split(":");
    this.host = host;
    this.port = Number(port);
    const contact = { contactPoints: [host], localDataCenter: CASSANDRA_DATA_CENTER };
    this.writer = new cassandra.Client({
      ...contact,
      protocolOptions: { port: this.port },
      socketOptions: patientSockets,
    });
    this.client = new CassandraSource("shop", { ...contact, port: this.port });
  }

  static async make(): Promise<TestKeyspace> {
    const keyspace = new TestKeyspace(await runCassandra());
    await keyspace.writer.execute(
      `CREATE KEYSPACE ${keyspace.name} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
    );
    return keyspace;
  }

  async close(): Promise<void> {
    await this.client.close();
    await this.writer.execute(`DROP KEYSPACE ${this.name}`);
    await this.writer.shutdown();
    await this.#server.stop();
  }

  /** Runs statements in order; `{ks}` in them is the keyspace. */
  async execute(...statements: string[]): Promise<void> {
    for (const statement of statements)
      await this.writer.execute(statement.replaceAll("{ks}", this.name));
  }

  definition(name: string, options: TableOptions): TableDefinition {
    const { columns, key = ["id"], splits = 4, changes, deletes, budget = {} } = options;
    const definition = tableDefinition({
      ...{ name, system: "cassandra", key, budget },
      cursor: changes !== undefined && "cursor" in changes ? changes.cursor : null,
      columns: columns.map((one) => (typeof one === "string" ? column(one, "json") : one)),
      from: {
        ...{ keyspace: this.name, table: name, splits },
        ...(changes !== undefined && "buckets" in changes ? { buckets: changes.buckets } : {}),
      },
    });
    return deletes === undefined ? definition : { ...definition, deletes };
  }

  /** Reads all splits, each by readers of one or more pages; by default those of a full scan. */
  async read(
    definition: TableDefinition,
    options: ScanOptions = {},
    splits?: readonly Bounds[],
  ): Promise<{ lines: Line[]; docs: Line["doc"][]; text: string; positions: string[] }> {
    const { pageRows = 1000, pagesAReader = Infinity, kind = "rows", passNumber = 4 } = options;
    const lines: Line[] = [];
    const positions: string[] = [];
    let text = "";
    for (const bounds of splits ?? (await this.client.planRows(definition, null))) {
      let position: string | null = null;
      for (let done = false; !done;) {
        const part = await readSplit(this.client, {
          ...{ table: definition, bounds, position, passNumber, pageRows, kind },
          ...(options.warn === undefined ? {} : { warn: options.warn }),
          afterBatch: (_, count) => Promise.resolve(count >= pagesAReader),
        });
        lines.push(...part.lines);
        text += part.text;
        done = part.done;
        position = await (options.between ?? String)(part.position);
        positions.push(position);
      }
    }
    return { lines, docs: lines.map(({ doc }) => doc), text, positions };
  }
}
