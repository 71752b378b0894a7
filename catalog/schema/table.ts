// What an engineer writes for a source, a table and a model: inert, typed data with an owner.
import type { ColumnType } from "./types.ts";

/** What all readers of one source together may cost it. */
export interface LoadBudget {
  /** Chains that may read at the same time. Default 1. */
  readonly lanes?: number;
  /** The fraction of one source thread that a lane may use, in (0, 1]. Default 0.1. */
  readonly dutyCycle?: number;
  /** Rows a second over all lanes. Default 5000. */
  readonly maxRowsPerSecond?: number;
  /** Rows asked for in one batch. Default 1000. */
  readonly pageRows?: number;
  /** Seconds of extraction in one run; what was read by then is committed. Default 3600. */
  readonly maxSecondsPerRun?: number;
}

export type SourceSystem = "elasticsearch" | "cassandra";

/** A live database cluster that serves customers. Its address and password are in the secret `<deployment>/source/<name>`. */
export interface Source {
  readonly name: string;
  readonly system: SourceSystem;
  readonly owner: string;
  readonly description: string;
  readonly budget?: LoadBudget;
}

/** One column. `path` is where the value stands in the source's document; by default `[name]`. `["_id"]` is Elasticsearch's id. */
export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly description: string;
  readonly path?: readonly string[];
  /** Default true; a null in a column that is not nullable sends the row to quarantine. */
  readonly nullable?: boolean;
  /** Personal data. Default false. */
  readonly personal?: boolean;
}

/** How changed rows are found: the field that grows with each change. */
export interface Cursor {
  /** A declared column of type timestamp or long. */
  readonly column: string;
  /** The window ends this long before now; more than the index's refresh interval and the clocks' skew. Seconds. */
  readonly lagSeconds: number;
  /** How far a window reaches back before the watermark for rows that became searchable late. Seconds (or cursor units, for a long). */
  readonly overlapSeconds: number;
}

/** How rows deleted at the source are seen. */
export type Deletes =
  | { readonly way: "none" }
  /** A boolean column that is true, or a timestamp column that is not null, marks a deleted row. */
  | { readonly way: "soft-delete"; readonly column: string }
  /** All keys are read again every so many hours (0: in each run); what is missing is gone. Elasticsearch. */
  | { readonly way: "key-sweep"; readonly everyHours: number; readonly maxShare?: number }
  /** A row that a completed sweep did not see is gone. Cassandra. */
  | { readonly way: "absence"; readonly maxShare?: number };

export type PartitionTransform = "identity" | "day" | "month" | { readonly bucket: number };

export interface Partition {
  readonly column: string;
  readonly transform: PartitionTransform;
}

/** A declared test: the SQL predicate that is true for bad rows. `error` keeps readers on the last good version. */
export interface Check {
  readonly name: string;
  readonly badRows: string;
  readonly severity: "error" | "warn";
}

/** How the warehouse table is laid out in Redshift. */
export interface Publish {
  readonly distribution?:
    { readonly style: "even" | "all" } | { readonly style: "key"; readonly column: string };
  readonly sortKeys?: readonly string[];
}

interface Entry {
  readonly name: string;
  readonly owner: string;
  readonly description: string;
  readonly key: readonly string[];
  readonly columns: readonly Column[];
  readonly partitioning?: readonly Partition[];
  readonly checks?: readonly Check[];
  /** False keeps it in the lake only. Default: published, even distribution, no sort key. */
  readonly publish?: Publish | false;
}

/** A table read by cursor windows from an Elasticsearch index, alias or pattern. */
export interface ElasticsearchTable extends Entry {
  readonly source: Source & { readonly system: "elasticsearch" };
  readonly from: { readonly index: string };
  readonly cursor: Cursor;
  readonly deletes: Exclude<Deletes, { way: "absence" }>;
}

/** A table read by sweeps of the token ring of a Cassandra table. */
export interface CassandraTable extends Entry {
  readonly source: Source & { readonly system: "cassandra" };
  readonly from: { readonly keyspace: string; readonly table: string };
  /** Token ranges that one sweep is cut into. Default 16. */
  readonly splits?: number;
  readonly deletes: Exclude<Deletes, { way: "key-sweep" }>;
}

export type Table = ElasticsearchTable | CassandraTable;

/** A table derived from others by the SQL or Python file beside it. */
export interface Model extends Entry {
  readonly inputs: readonly (Table | Model)[];
  /** The file: `.sql` with one SELECT over the inputs by name, or `.py` with `def model(<input>: DataFrame, …) -> DataFrame`. */
  readonly script: URL;
}

export interface Catalog {
  readonly sources: readonly Source[];
  readonly tables: readonly Table[];
  readonly models: readonly Model[];
}
