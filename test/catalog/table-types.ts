// The kinds of tables that tests are about.
import type { TableOf } from "../../catalog/table.ts";

/** Read by cursor windows. */
export type ElasticsearchTable = Extract<TableOf<"elasticsearch">, { cursor: object }>;
/** Without a cursor: the whole index is read each time. */
export type WholeElasticsearchTable = Exclude<TableOf<"elasticsearch">, ElasticsearchTable>;
export type CassandraTable = TableOf<"cassandra">;
