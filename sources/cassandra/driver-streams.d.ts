// What raw-rows.ts uses of the driver's inner parts, which have no types of their own.
declare module "cassandra-driver/lib/streams.js" {
  interface CqlType {
    readonly code: number;
    readonly info?: unknown;
  }

  /** A response of which the metadata was read. */
  interface Frame {
    readonly header: { readonly version: number };
    readonly meta: {
      readonly columns: readonly { readonly name: string; readonly type: CqlType }[];
    };
    readonly flagsInfo: unknown;
    /** Its rows are handed on while it still arrives. */
    readonly byRow?: boolean;
  }

  /** The response's bytes, read up to `offset`. */
  interface Reader {
    readonly buf: Buffer;
    readonly offset: number;
    readInt(): number;
  }

  interface Parser {
    readonly encoder: { decode(bytes: Buffer, type: CqlType): unknown };
    parseRows: (this: Parser, frame: Frame, reader: Reader) => void;
    push(item: object): boolean;
  }

  const streams: { readonly Parser: { readonly prototype: Parser } };
  export default streams;
}
