// Tests what the reader makes of rejected requests and partial responses, by a server that responds as Elasticsearch does.
import { createServer, type Server } from "node:http";
import { afterEach, expect, test } from "vitest";
import { ElasticsearchSource } from "../../../sources/elasticsearch/elasticsearch.ts";
import { SourceOverloadedError, type SplitReader } from "../../../sources/source.ts";
import {
  SourceAuthenticationError,
  SourceConfigurationError,
  SourceUnavailableError,
} from "../../../contract/errors.ts";
import { column, Held, tableDefinition } from "../../functions/extract/fixtures.ts";

const secret = "s3cret";
let server: Server | undefined;
let client: ElasticsearchSource | undefined;

afterEach(async () => {
  await client?.close();
  server?.closeAllConnections();
  server?.close();
});

interface Response {
  readonly status: number;
  readonly body: string;
  /** Breaks the connection in the middle of the body. */
  readonly isCut?: boolean;
}

const capabilities = JSON.stringify({
  indices: ["i"],
  fields: { at: { long: { type: "long", searchable: true, aggregatable: true } } },
});
const error = (type: string): string =>
  JSON.stringify({ error: { root_cause: [{ type, reason: "r" }], type: "outer", reason: "o" } });
const rejected = "es_rejected_execution_exception";
/** A cluster's response to a search whose second phase it rejects. */
const caused = (type: string): string =>
  JSON.stringify({
    error: {
      ...{
        root_cause: [],
        type: "search_phase_execution_exception",
        reason: "",
        failed_shards: [],
      },
      caused_by: { type: "outer", reason: "o", caused_by: { type, reason: "r" } },
    },
  });
const page = (failed: number, timedOut: boolean): string =>
  JSON.stringify({
    ...{ timed_out: timedOut, _shards: { total: 4, failed }, hits: { hits: [] } },
  });

/** A reader of a server that responds to searches in turn; it notes points in time. */
async function readerOf(searches: Response[]): Promise<{ reader: SplitReader; held: Held }> {
  let opened = 0;
  const responseTo = (method: string, path: string): Response => {
    if (path.includes("_field_caps")) return { status: 200, body: capabilities };
    if (path.includes("/_pit")) {
      if (method === "DELETE") return { status: 200, body: '{"succeeded":true}' };
      opened += 1;
      return { status: 200, body: `{"id":"pit-${opened}"}` };
    }
    return searches.shift() ?? { status: 200, body: page(0, false) };
  };
  const started = createServer((request, response) => {
    request.resume();
    const { status, body, isCut } = responseTo(request.method ?? "", request.url ?? "");
    response.writeHead(status, {
      ...{ "content-type": "application/json", "x-elastic-product": "Elasticsearch" },
      "content-length": Buffer.byteLength(body),
    });
    if (isCut !== true) response.end(body);
    else response.write(body.slice(0, 10), () => response.destroy());
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, "127.0.0.1", resolve));
  const address = started.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  client = new ElasticsearchSource("shop", {
    ...{ nodes: [`http://127.0.0.1:${port}`], username: "reader", password: secret },
  });
  const held = new Held();
  const reader = await client.open({
    table: tableDefinition({
      ...{ name: "t", system: "elasticsearch", from: { index: "i" }, columns: [column("at")] },
      cursor: { column: "at", field: "at", lagSeconds: 0, overlapSeconds: 0, lateRows: null },
    }),
    ...{ kind: "rows", passNumber: 1, position: null, held, warn: () => undefined },
    bounds: { by: "cursor", from: null, to: "9" },
  });
  return { reader, held };
}

test.each([
  ["429", { status: 429, body: error("es_rejected_execution_exception") }, SourceOverloadedError],
  [
    "503 of a full queue",
    { status: 503, body: error("es_rejected_execution_exception") },
    SourceOverloadedError,
  ],
  ["429 of the fetch", { status: 429, body: caused(rejected) }, SourceOverloadedError],
  ["503 of the fetch", { status: 503, body: caused(rejected) }, SourceOverloadedError],
  [
    "503",
    { status: 503, body: error("no_shard_available_action_exception") },
    SourceUnavailableError,
  ],
  ["502 of a proxy", { status: 502, body: "<html>bad gateway</html>" }, SourceUnavailableError],
  ["a failed shard", { status: 200, body: page(1, false) }, SourceUnavailableError],
  ["a time-out", { status: 200, body: page(0, true) }, SourceUnavailableError],
  ["a broken body", { status: 200, body: page(0, false), isCut: true }, SourceUnavailableError],
  ["401", { status: 401, body: error("security_exception") }, SourceAuthenticationError],
  ["403", { status: 403, body: error("security_exception") }, SourceAuthenticationError],
  ["400", { status: 400, body: error("illegal_argument_exception") }, SourceConfigurationError],
] as const)(
  "%s is the error it should be, and the next request goes on",
  async (_, response, expected) => {
    const { reader, held } = await readerOf([response]);
    const attempt = reader.next(10);
    await expect(attempt).rejects.toThrow(expected);
    await expect(attempt).rejects.toThrow(/Source "shop" \(http:\/\/127/);
    await expect(attempt).rejects.not.toThrow(secret);
    expect(await reader.next(10)).toMatchObject({ rows: 0, done: true });
    await reader.close();
    expect([...held.open]).toEqual([]);
  },
);

const lost: Response = { status: 404, body: error("search_context_missing_exception") };

test("a lost point in time is opened anew, but not without end", async () => {
  const { reader, held } = await readerOf([lost, lost]);
  expect(await reader.next(10)).toMatchObject({ done: true });
  expect(held.all).toEqual(["pit-1", "pit-2", "pit-3"]);
  expect([...held.open]).toEqual(["pit-3"]);
  await reader.close();
  expect([...held.open]).toEqual([]);
});

test("a point in time of which an index was removed is opened anew, on what is left", async () => {
  const { reader, held } = await readerOf([
    { status: 404, body: error("index_not_found_exception") },
  ]);
  expect(await reader.next(10)).toMatchObject({ done: true });
  expect(held.all).toEqual(["pit-1", "pit-2"]);
  await reader.close();
});

test("points in time that are lost again and again are an unavailable source", async () => {
  const { reader } = await readerOf([lost, lost, lost, lost]);
  await expect(reader.next(10)).rejects.toThrow(SourceUnavailableError);
});
