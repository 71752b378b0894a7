// What every source system offers to planning and extraction; the other parts of the extractor know no system.
import type { SourceDefinition, TableDefinition } from "../catalog/definition.ts";
import type { Discovery } from "./discover/discovery.ts";
import type { SourceShape } from "./discover/shape.ts";
import type { JsonObject } from "../contract/json.ts";
import { SourceUnavailableError } from "../contract/errors.ts";
import type { Bounds, CursorUnit } from "../contract/records.ts";

/** One page read from a source, as object lines. */
export interface Batch {
  /** NDJSON object lines, each ended by `\n`; good until the reader is asked for its next batch. */
  readonly lines: Uint8Array;
  readonly rows: number;
  /** Size of the source's response in bytes; the lines' where a source does not know it. */
  readonly responseBytes?: number;
  /** When it was asked for, milliseconds since 1970: the lines' `observed_at`. */
  readonly observedAt: number;
  /** What the source took to respond, milliseconds. */
  readonly sourceMillis: number;
  /** JSON text: where reading goes on after this batch. */
  readonly position: string;
  /** True if the split has nothing after this batch. */
  readonly done: boolean;
}

/** Reads one split from a position, batch by batch. */
export interface SplitReader {
  next(rowLimit: number): Promise<Batch>;
  /** The cursor of the row read last, for people; null before one. A reader in another order has none. */
  reached?(): { readonly cursor: string; readonly unit: CursorUnit } | null;
  /** Gives back what the source holds for this reader (a point in time). Never throws. */
  close(): Promise<void>;
}

export interface OpenRequest {
  readonly table: TableDefinition;
  readonly kind: "rows" | "keys";
  /** The pass's number: a Cassandra row's version. */
  readonly passNumber: number;
  readonly bounds: Bounds;
  /** A position of an earlier batch, or null at the split's beginning. */
  readonly position: string | null;
  /**
   * Notified of each resource that must be given back (a point in time's id) before it is used, also of one that an
   * earlier reader left for this one, and when it is closed.
   */
  readonly held: {
    opened(resource: string): Promise<void>;
    closed(resource: string): Promise<void>;
  };
  /** Notified of what costs more than it should, for the log. */
  readonly warn: (message: string, details: Readonly<Record<string, unknown>>) => void;
}

/** The next part of a table's cursor to read. */
export interface PlannedWindow {
  /** Inclusive, or null for all that is there. */
  readonly from: string | null;
  /** Exclusive. */
  readonly to: string;
  /** What both count. Nothing but what people are shown depends on it. */
  readonly unit: CursorUnit;
}

/** Rows that the source has and that no window of the table can hold. */
export interface UnreadRows {
  readonly rows: number;
  /** How many, why, and what to do. */
  readonly reason: string;
}

/** Nobody responded: the connection failed or timed out, so the source as a whole may be away. */
export class SourceUnreachableError extends SourceUnavailableError {}

/** The source as a whole has too much to do, whichever table is asked for. */
export class SourceOverloadedError extends SourceUnavailableError {}

/**
 * Makes the client of a source. It connects on first use, not here.
 * @param secret of the form that the system's declaration says
 */
export type ConnectSource = (source: SourceDefinition, secret: JsonObject) => SourceClient;

/** A connection to one source, one a process, reused over warm starts. */
export interface SourceClient {
  /**
   * The next window of a table with a cursor: from the watermark less the overlap to now less the lag.
   * Null for a table read by full scans, or as a whole.
   * @throws SourceConfigurationError if the lag does not exceed the index's refresh interval, or the field is missing
   */
  planWindow(
    table: TableDefinition,
    watermark: string | null,
    nowMillis: number,
  ): Promise<PlannedWindow | null>;
  /** Cuts a window (or the ring or the whole index, when null) into splits that tile it exactly. */
  planRows(
    table: TableDefinition,
    window: { from: string | null; to: string } | null,
  ): Promise<Bounds[]>;
  /** Counts what no window can hold, for the report; null if there is nothing. A source of which all is read has none. */
  countUnread?(table: TableDefinition): Promise<UnreadRows | null>;
  /**
   * Marks what has been written by now: a source's own text. A source that does not number its writes has none.
   * Asked after the window was planned, so that what is written later and lies before the window's end came too late.
   */
  markWrites?(table: TableDefinition): Promise<string>;
  /**
   * Counts what was written after a mark although it lies before where the next window begins; null if there is
   * nothing, or the mark says nothing any more.
   */
  countBehind?(table: TableDefinition, mark: string, watermark: string): Promise<UnreadRows | null>;
  /** Cuts a scan of all keys into splits. */
  planKeys(table: TableDefinition): Promise<Bounds[]>;
  open(request: OpenRequest): Promise<SplitReader>;
  /**
   * The fields that a table has now, from the mapping or the schema: a request or two, asked in each run's plan.
   * @param place what `from` of a table says, as it is written or as the Data Catalog holds it
   * @throws SourceConfigurationError if it is not a place of this system
   */
  describe(place: JsonObject): Promise<SourceShape>;
  /** All that is to be known for a catalog entry; reads some documents at the pace of the budget's duty cycle. */
  discover(
    place: JsonObject,
    options: { readonly documents: number; readonly dutyCycle: number },
  ): Promise<Discovery>;
  /** Gives back a resource that a crash left behind; one that is gone already is a success. */
  release(resource: string): Promise<void>;
  close(): Promise<void>;
}
