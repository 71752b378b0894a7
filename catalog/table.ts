// What an engineer writes for a source, a table and a model: inert, typed data with an owner.
import type { ColumnType } from "../contract/column-types.ts";

/** When a source may be read: from one local time of day to another, over midnight where `to` is not after `from`. */
export interface ExtractionHours {
  /** An IANA name, such as `Europe/Berlin`; `UTC` for none. */
  readonly timeZone: string;
  /** `HH:MM`, local time. */
  readonly from: string;
  /** `HH:MM`, local time; reading has stopped by then. */
  readonly to: string;
}

/** What all readers of one source together may cost it. */
export interface LoadBudget {
  /** Chains that may read at the same time. Default 1. */
  readonly lanes?: number;
  /** The fraction of one source thread that a lane may use, in (0, 1]. Default 0.05; for Cassandra 0.02. */
  readonly dutyCycle?: number;
  /** Rows a second over all lanes. Default 5000. */
  readonly maxRowsPerSecond?: number;
  /** Bytes of answers a second over all lanes. Default 10000000. */
  readonly maxBytesPerSecond?: number;
  /** Rows asked for in one batch. Default 100; fewer where documents are large. */
  readonly pageRows?: number;
  /** Seconds of extraction in one run; what was read by then is committed. Default 1800. */
  readonly maxSecondsPerRun?: number;
  /** The hours in which the source may be read. Default: all. */
  readonly hours?: ExtractionHours;
  /** Shards of one node that a batch may search at the same time. Elasticsearch. Default 1. */
  readonly shardsAtOnce?: number;
  /** Which copies answer, as Elasticsearch's search `preference` names them, such as `_only_nodes:rack:reports`. */
  readonly preference?: string;
  /** The data center whose replicas answer, for one that serves analytics. Cassandra. Default: the secret's. */
  readonly dataCenter?: string;
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
  /** How rows are found that came later than the overlap. Timestamps only. Default: each week, eight days back. */
  readonly reconcile?: Reconcile | false;
}

/** Rows that were read are read again to find what came too late; it is loaded, counted and reported. */
export interface Reconcile {
  /** Hours between two such readings (0: in each run). */
  readonly everyHours: number;
  /** How far before the window it looks, hours. */
  readonly reachHours: number;
}

/** How changed rows of a Cassandra table are found. */
export type Changes =
  /** Each pass reads the whole ring: no cheap question finds what changed. */
  | { readonly strategy: "sweep" }
  /** By an SAI index on a column that grows with each change. */
  | ({ readonly strategy: "index" } & Cursor)
  | Buckets;

/** The partition key holds a time; each reading asks for the newest partitions by their exact keys. */
export interface Buckets {
  readonly strategy: "buckets";
  /** The column of the partition key that holds the bucket. */
  readonly column: string;
  /** How long a bucket lasts; UTC. */
  readonly unit: BucketUnit;
  /** How many buckets before the newest one that was read are read again, for rows that come late. At least 1. */
  readonly lateBuckets: number;
  /** All values of each other column of the partition key, such as the numbers of shards. */
  readonly values?: Readonly<Record<string, readonly (string | number)[]>>;
}

export type BucketUnit = "hour" | "day" | "month";

/** How rows deleted at the source are seen. */
export type Deletes =
  | { readonly strategy: "none" }
  /** A boolean column that is true, or a timestamp column that is not null, marks a deleted row. */
  | { readonly strategy: "soft-delete"; readonly column: string }
  /** All keys are read again every so many hours (0: in each run); what is missing is gone. Not where all rows are. */
  | { readonly strategy: "key-sweep"; readonly everyHours: number; readonly maxShare?: number }
  /** A row that a completed reading of all rows did not see is gone. Cassandra, and Elasticsearch without a cursor. */
  | { readonly strategy: "absence"; readonly maxShare?: number };

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
  readonly deletes: Exclude<Deletes, { strategy: "absence" }>;
}

/** A table without a cursor: the whole index, alias or pattern is read again and again, which suits a small one. */
export interface WholeElasticsearchTable extends Entry {
  readonly source: Source & { readonly system: "elasticsearch" };
  readonly from: { readonly index: string };
  readonly deletes: Exclude<Deletes, { strategy: "key-sweep" }>;
}

/** A table read from a Cassandra table: by sweeps of its token ring, by an index or by time buckets. */
export interface CassandraTable extends Entry {
  readonly source: Source & { readonly system: "cassandra" };
  readonly from: { readonly keyspace: string; readonly table: string };
  /** Token ranges that one sweep is cut into at least; more where the table is large. Default 16. */
  readonly splits?: number;
  /** Default: by sweeps. */
  readonly changes?: Changes;
  /** `absence` where changes are found by sweeps, `key-sweep` where they are not. */
  readonly deletes: Deletes;
}

export type Table = ElasticsearchTable | WholeElasticsearchTable | CassandraTable;

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
