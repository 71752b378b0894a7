// What the cluster says of a table: its columns' types, its partition key and its indexes; and what it must have.
import type driver from "cassandra-driver";
import type { z } from "zod";
import type { TableDefinition } from "../../catalog/definition.ts";
import { SourceConfigurationError } from "../../contract/errors.ts";
import { placeIn } from "../place.ts";
import { cassandra, placeSchema } from "./declaration.ts";
import type { CqlType } from "./to-json.ts";

export interface Described {
  readonly keyspace: string;
  readonly table: string;
  /** The types of all columns, by their exact names. */
  readonly types: ReadonlyMap<string, CqlType>;
  /** The partition key's columns, in its order. */
  readonly partitionKey: readonly string[];
  readonly staticColumns: ReadonlySet<string>;
}

export type CassandraPlace = z.output<typeof placeSchema>;

/** @throws SourceConfigurationError if the table does not name a keyspace and a table */
export function placeOf(table: TableDefinition): CassandraPlace {
  return placeIn(placeSchema, table.from, cassandra);
}

/**
 * @param where names the source and its address
 * @throws SourceConfigurationError if there is no such table
 */
export async function describeTable(
  client: driver.Client,
  where: string,
  table: TableDefinition,
): Promise<Described> {
  const { keyspace, table: name } = placeOf(table);
  // Typed as always present, but null where there is no such table.
  const found = nullable(await client.metadata.getTable(keyspace, name));
  if (found === null)
    throw new SourceConfigurationError(
      `${where} has no table ${keyspace}.${name}, which table "${table.name}" is read from. ` +
        'Correct "from" in its file; names are case-sensitive.',
    );
  return {
    keyspace,
    table: name,
    types: new Map(found.columns.map((column) => [column.name, column.type])),
    partitionKey: found.partitionKeys.map((column) => column.name),
    staticColumns: new Set(found.columns.filter(isStatic).map((column) => column.name)),
  };
}

/** The driver's types do not have what its objects have. */
function isStatic(column: object): boolean {
  return "isStatic" in column && column.isStatic === true;
}

/** @throws SourceConfigurationError if a declared column does not exist */
export function typesOf(
  described: Described,
  table: TableDefinition,
  columns: readonly string[],
): { name: string; type: CqlType }[] {
  return columns.map((name) => {
    const type = described.types.get(name);
    if (type !== undefined) return { name, type };
    throw new SourceConfigurationError(
      `Table "${table.name}": ${described.keyspace}.${described.table} of source "${table.source.name}" has no column ` +
        `"${name}". It has ${[...described.types.keys()].join(", ")}. Correct the column's path in the table's file.`,
    );
  });
}

const INDEXES =
  "SELECT index_name, kind, options FROM system_schema.indexes WHERE keyspace_name = ? AND table_name = ?";

/** @throws SourceConfigurationError if the column has no SAI index, saying how to make one */
export async function checkIndex(
  client: driver.Client,
  described: Described,
  table: TableDefinition,
  column: string,
): Promise<void> {
  const { keyspace, table: name } = described;
  const { rows } = await client.execute(INDEXES, [keyspace, name], { prepare: true });
  const indexes = rows.map(indexOf).filter(({ target }) => target === column);
  if (indexes.some(({ isSai }) => isSai)) return;
  const found = indexes.map((index) => `"${index.name}" is not SAI`).join(", ");
  throw new SourceConfigurationError(
    `Table "${table.name}" finds changes by an index on the column "${column}", but ${keyspace}.${name} has no SAI index ` +
      `on it${found === "" ? "" : ` (${found})`}; without one each reading would go through the whole table. Ask the ` +
      `owner of the cluster for CREATE INDEX ON "${keyspace}"."${name}" ("${column}") USING 'sai', ` +
      'or write changes: {strategy: "full-scan"} in the table\'s file.',
  );
}

function indexOf(row: driver.types.Row): { name: string; target: string; isSai: boolean } {
  const options: unknown = row.get("options");
  const option = (key: string): string => String(options instanceof Map ? options.get(key) : "");
  // The target of a name in capitals comes in quotes.
  const target = option("target").replace(/^"(.*)"$/s, (_, inner: string) =>
    inner.replaceAll('""', '"'),
  );
  const isSai = /(^|\.)(sai|StorageAttachedIndex)$/i.test(option("class_name"));
  return { name: String(row.get("index_name")), target, isSai };
}

function nullable<T>(value: T): T | null {
  return value;
}
