// Tests that a cell written from its bytes is the text that its decoded value is written as, for every type and nesting.
import cassandra from "cassandra-driver";
import Encoder from "cassandra-driver/lib/encoder.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { cellWriter, isNull, writeCell } from "../../../sources/cassandra/cell-writer.ts";
import { type CqlType, toJson } from "../../../sources/cassandra/to-json.ts";
import { LineBuffer } from "../../../sources/line-buffer.ts";

const codes = cassandra.types.dataTypes;
const encoder = new Encoder(4, {
  encoding: { useBigIntAsLong: true, useBigIntAsVarint: true, map: Map },
});
const decode = (bytes: Buffer | null, type: CqlType): unknown => encoder.decode(bytes, type);

/** A type, and the bytes that cells of it may come in; null for no value. */
interface Sample {
  readonly type: CqlType;
  readonly cells: fc.Arbitrary<Buffer | null>;
}

const ofLength = (length: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => Buffer.from(bytes));
const text = fc.oneof(fc.string({ unit: "grapheme" }), fc.string({ unit: "binary-ascii" }));
const utf8 = text.map((value) => Buffer.from(value));
const ascii = fc.string({ unit: "binary-ascii" }).map((value) => Buffer.from(value));

function long(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

const longs = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.maxSafeInteger().map(BigInt),
  fc.constantFrom(2n ** 53n, -(2n ** 53n), 2n ** 53n + 1n, 0n, -1n),
);
// Years of four digits for the most part, and the moments around them.
const moments = fc.oneof(
  longs,
  fc
    .date({ noInvalidDate: true, min: new Date(-65e12), max: new Date(256e12) })
    .map((at) => BigInt(at.getTime())),
  fc.constantFrom(
    -62_167_219_200_000n,
    -62_167_219_200_001n,
    253_402_300_799_999n,
    253_402_300_800_000n,
  ),
);
const days = fc.oneof(
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  fc.integer({ min: -800_000, max: 3_000_000 }),
);

const scalars: readonly Sample[] = [
  { type: { code: codes.ascii }, cells: ascii },
  ...[codes.text, codes.varchar].map((code) => ({ type: { code }, cells: utf8 })),
  { type: { code: codes.int }, cells: ofLength(4) },
  { type: { code: codes.smallint }, cells: ofLength(2) },
  { type: { code: codes.tinyint }, cells: ofLength(1) },
  ...[codes.bigint, codes.counter].map((code) => ({ type: { code }, cells: longs.map(long) })),
  { type: { code: codes.boolean }, cells: fc.constantFrom(Buffer.of(0), Buffer.of(1)) },
  ...[codes.uuid, codes.timeuuid].map((code) => ({ type: { code }, cells: ofLength(16) })),
  { type: { code: codes.timestamp }, cells: moments.map(long) },
  { type: { code: codes.date }, cells: days.map((day) => int(day ^ (1 << 31))) },
  { type: { code: codes.double }, cells: ofLength(8) },
  { type: { code: codes.float }, cells: ofLength(4) },
  { type: { code: codes.blob }, cells: fc.uint8Array().map((bytes) => Buffer.from(bytes)) },
  { type: { code: codes.inet }, cells: fc.oneof(ofLength(4), ofLength(16)) },
  {
    type: { code: codes.varint },
    cells: fc.uint8Array({ minLength: 1, maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
  },
  {
    type: { code: codes.time },
    cells: fc.bigInt({ min: 0n, max: 86_399_999_999_999n }).map(long),
  },
].map(({ type, cells }) => ({
  type,
  // No bytes are null for most types.
  cells: fc.option(
    fc.oneof(
      { weight: 9, arbitrary: cells },
      { weight: 1, arbitrary: fc.constant(Buffer.alloc(0)) },
    ),
  ),
}));

/** A cell as it stands in a response: its length, then its bytes. */
function framed(cell: Buffer | null): Buffer {
  return cell === null ? int(-1) : Buffer.concat([int(cell.length), cell]);
}

const counted = (cells: readonly Buffer[], count = cells.length): Buffer =>
  Buffer.concat([int(count), ...cells]);

const orNull = (cells: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer | null> => fc.option(cells);

// Two keys that are one value would be one entry of a decoded map.
const keys = fc.constantFrom(
  { type: { code: codes.text }, cells: utf8 },
  { type: { code: codes.int }, cells: ofLength(4) },
  { type: { code: codes.uuid }, cells: ofLength(16) },
);

const { sample } = fc.letrec<{ sample: Sample }>((tie) => ({
  sample: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(...scalars),
    fc.tuple(fc.constantFrom(codes.list, codes.set), tie("sample")).map(([code, element]) => ({
      type: { code, info: element.type },
      // A collection has no null, and the driver cannot read one there.
      cells: orNull(
        fc
          .array(element.cells.filter((cell) => cell !== null).map(framed), { maxLength: 4 })
          .map((all) => counted(all)),
      ),
    })),
    fc.tuple(keys, tie("sample")).map(([key, value]) => ({
      type: { code: codes.map, info: [key.type, value.type] },
      cells: orNull(
        fc
          .uniqueArray(fc.tuple(key.cells, value.cells), {
            maxLength: 4,
            selector: ([bytes]) => bytes.toString("hex"),
          })
          .map((all) =>
            counted(
              all.flatMap(([name, entry]) => [framed(name), framed(entry)]),
              all.length,
            ),
          ),
      ),
    })),
    fc.array(tie("sample"), { minLength: 1, maxLength: 4 }).map((parts) => ({
      type: { code: codes.tuple, info: parts.map(({ type }) => type) },
      cells: orNull(partsOf(parts)),
    })),
    fc.array(fc.tuple(text, tie("sample")), { minLength: 1, maxLength: 4 }).map((fields) => ({
      type: {
        code: codes.udt,
        // A name stands once in a type.
        info: {
          fields: fields.map(([name, { type }], index) => ({ name: `${name}${index}`, type })),
        },
      },
      cells: orNull(partsOf(fields.map(([, part]) => part))),
    })),
  ),
}));

/** All parts, or the first ones only, as of a value that is older than its type's last field. */
function partsOf(parts: readonly Sample[]): fc.Arbitrary<Buffer> {
  return fc
    .tuple(fc.tuple(...parts.map(({ cells }) => cells.map(framed))), fc.nat({ max: parts.length }))
    .map(([all, missing]) => Buffer.concat(all.slice(0, all.length - missing)));
}

const sampleAndCell = sample.chain(({ type, cells }) => cells.map((cell) => ({ type, cell })));

test("a cell is written as its decoded value is, and the next one begins where it ends", () => {
  fc.assert(
    fc.property(sampleAndCell, fc.uint8Array({ maxLength: 3 }), ({ type, cell }, before) => {
      const bytes = Buffer.concat([before, framed(cell)]);
      const out = new LineBuffer(1);
      const end = writeCell(cellWriter(type, decode), bytes, before.length, out);
      expect(out.collected.toString()).toBe(toJson(type)(decode(cell, type)));
      expect(end).toBe(bytes.length);
    }),
    { numRuns: 3000 },
  );
});

test("no bytes are a value of text and blobs, and null for other types", () => {
  const nulls = scalars.filter(({ type }) => isNull(cellWriter(type, decode), 0));
  const values = scalars.filter((one) => !nulls.includes(one));
  expect(values.map(({ type }) => type.code)).toEqual([
    codes.ascii,
    codes.text,
    codes.varchar,
    codes.blob,
  ]);
});

test("bytes that end within a cell are rejected", () => {
  const cell = cellWriter({ code: codes.text }, decode);
  const bytes = framed(Buffer.from("text"));
  for (let length = 0; length < bytes.length; length += 1)
    expect(() => writeCell(cell, bytes.subarray(0, length), 0, new LineBuffer(1))).toThrow(
      RangeError,
    );
});

test("a duration is one also where a response calls its type custom", () => {
  const type = { code: codes.custom, info: "org.apache.cassandra.db.marshal.DurationType" };
  const bytes = framed(cassandra.types.Duration.fromString("14mo2d3h4ns").toBuffer());
  const out = new LineBuffer(1);
  writeCell(cellWriter(type, decode), bytes, 0, out);
  expect(out.collected.toString()).toBe('"P14M2DT10800.000000004S"');
});
