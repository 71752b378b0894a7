// Has the driver hand over the rows of our own queries as the bytes that came, in place of an object for each value.
import type cassandra from "cassandra-driver";
import streams from "cassandra-driver/lib/streams.js";
import { ProtocolError } from "../../contract/errors.ts";
import type { Decode } from "./cell-writer.ts";
import type { CqlType } from "./to-json.ts";

/**
 * The name that a query gives its last column, each row's token, to get its rows as bytes. All other queries, the
 * driver's own among them, are not touched.
 */
export const RAW_TOKEN = "sluice_token";

/** Rows as they came: for each, its cells one after the other, each with its length of four bytes before it. */
export interface RawRows {
  readonly bytes: Buffer;
  /** Where the first row begins. */
  readonly at: number;
  readonly count: number;
  readonly columns: readonly { readonly name: string; readonly type: CqlType }[];
  readonly decode: Decode;
}

/** Stands among the driver's results in place of its rows. */
class Handover {
  readonly raw: RawRows;

  constructor(raw: RawRows) {
    this.raw = raw;
  }
}

/**
 * The rows of a query whose last column is named `RAW_TOKEN`.
 * @throws ProtocolError if the driver has decoded them after all: its inner parts are others than they were
 */
export function rawRowsOf({ rows }: cassandra.types.ResultSet): RawRows {
  // Typed as the driver's own rows, one of which each stands for.
  const [first]: readonly unknown[] = rows;
  if (first instanceof Handover) return first.raw;
  throw new ProtocolError(
    "The Cassandra driver did not hand over its rows as bytes: raw-rows.ts is for another version of it.",
  );
}

// Before it collections had lengths of two bytes. Cassandra has spoken version 3 since 2.1.
const OLDEST_VERSION = 3;
const { parseRows } = streams.Parser.prototype;

// The driver has no setting for this. It decodes every value of a page into objects and hands each row through three
// streams, which costs more than all else that an extractor does.
streams.Parser.prototype.parseRows = function (frame, reader) {
  const { columns } = frame.meta;
  if (columns.at(-1)?.name !== RAW_TOKEN || frame.byRow === true) {
    parseRows.call(this, frame, reader);
    return;
  }
  const { header } = frame;
  if (header.version < OLDEST_VERSION) {
    const what = `The cluster speaks version ${header.version} of the protocol; Cassandra 2.1 or later is needed.`;
    this.push({ header, error: new ProtocolError(what) });
    return;
  }
  const count = reader.readInt();
  const rows = new Handover({
    ...{ bytes: reader.buf, at: reader.offset, count, columns },
    decode: (bytes, type) => this.encoder.decode(bytes, type),
  });
  this.push({ header, result: { rows: [rows], meta: frame.meta, flags: frame.flagsInfo } });
};
