// The lines that each source's client writes are those of the example, byte by byte; test_contract.py reads the same.
import { readFileSync } from "node:fs";
import cassandra from "cassandra-driver";
import { expect, test } from "vitest";
import { lineHead, RowWriter } from "../../sources/cassandra/row-writer.ts";
import { cutPage, type PageRequest } from "../../sources/elasticsearch/search-page.ts";

const [withCursor, withoutCursor, keyById, cassandraRow, cassandraKey] = readFileSync(
  new URL("../../contract/examples/object-lines.ndjson", import.meta.url),
  "utf8",
).split(/(?<=\n)/);

/** The line that Elasticsearch's client makes of a search's response with one hit. */
function cut(hit: string, request: Partial<PageRequest>): string {
  const response = Buffer.from(
    `{"timed_out":false,"_shards":{"failed":0},"hits":{"hits":[${hit}]}}`,
  );
  const { lines } = cutPage(response, {
    ...{ op: "upsert", version: "cursor", observedAt: 1767323000000 },
    ...{ hasDocument: true, keep: null, ...request },
  });
  return lines.toString();
}

test("Elasticsearch: a row's version is its cursor, its sequence number and its primary term", () => {
  const source = `{"orderId":"o-1","customer":{"name":"Ünal \\"U\\""},"price":12345678901234567.89,"note":null}`;
  const hit = `{"_id":"o-1","_seq_no":9007199254740993,"_primary_term":2,"_source":${source},"sort":[1767322500123456789,7]}`;
  expect(cut(hit, {})).toBe(withCursor);
});

test("Elasticsearch: the version of a row without a cursor is when it was observed", () => {
  const source = '{"orderId":"o-2","customer.name":"Lee","price":1E2}';
  const hit = `{"_id":"o-2","_seq_no":3,"_primary_term":1,"_source":${source},"sort":[3]}`;
  expect(cut(hit, { version: "observation" })).toBe(withoutCursor);
});

test("Elasticsearch: a key's document has the key's fields alone", () => {
  const hit = '{"_id":"o-3","_source":{"orderId":"o-3","price":1},"sort":[7]}';
  expect(cut(hit, { op: "key", observedAt: 1767323050000, keep: new Set(["orderId"]) })).toBe(
    keyById,
  );
});

const { varchar, decimal, bigint } = cassandra.types.dataTypes;
/** What the driver makes of the bytes of a decimal. */
const PRICE = cassandra.types.BigDecimal.fromString("7.10");

/** A cell as Cassandra sends it: its length of four bytes, and its bytes. */
function cell(bytes: readonly number[] | string): Buffer {
  const value = Buffer.from(bytes);
  const length = Buffer.alloc(4);
  length.writeInt32BE(value.length);
  return Buffer.concat([length, value]);
}
const token = cell([0, 0, 0, 0, 0, 0, 0, 1]);

/** The line that Cassandra's client makes of a page with one row, whose last column is the token. */
function write(head: Buffer, columns: readonly { name: string; code: number }[], row: Buffer[]) {
  const writer = new RowWriter(
    columns.map(({ name }) => name),
    null,
  );
  const typed = [...columns, { name: "sluice_token", code: bigint }];
  const { lines } = writer.write(
    {
      ...{ bytes: Buffer.concat([...row, token]), at: 0, count: 1 },
      columns: typed.map(({ name, code }) => ({ name, type: { code } })),
      decode: () => PRICE,
    },
    head,
  );
  return lines.toString();
}
const orderId = { name: "orderId", code: varchar };

test("Cassandra: a row's version is the number of its pass", () => {
  const price = cell([...cassandra.types.BigDecimal.toBuffer(PRICE)]);
  expect(
    write(
      lineHead("upsert", 4, 1767323060000),
      [orderId, { name: "price", code: decimal }],
      [cell("o-4"), price],
    ),
  ).toBe(cassandraRow);
});

test("Cassandra: a key has no version", () => {
  expect(write(lineHead("key", 4, 1767323060000), [orderId], [cell("o-5")])).toBe(cassandraKey);
});
