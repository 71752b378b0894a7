// The driver's decoding, which has no types of its own.
declare module "cassandra-driver/lib/encoder.js" {
  export default class Encoder {
    constructor(protocolVersion: number, options: object);
    decode(bytes: Buffer | null, type: { readonly code: number; readonly info?: unknown }): unknown;
  }
}
