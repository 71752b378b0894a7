// Tests that answers of the Data API, in the form of AWS's JSON protocol, are read and shown without losing a digit.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text as readText } from "node:stream/consumers";
import { RedshiftDataClient } from "@aws-sdk/client-redshift-data";
import { afterEach, expect, test } from "vitest";
import { answerJson, answerTexts, queryWarehouse } from "../../cli/warehouse.ts";

const warehouse = { workgroup: "w", database: "d", secretArn: "arn:aws:secretsmanager:x" };
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A client of a service that gives these pages; `failures` of them are rejected at first. */
async function serving(pages: readonly string[], failures = 0): Promise<RedshiftDataClient> {
  let failed = 0;
  const server = createServer((request, response) => {
    void readText(request).then((body) => {
      const operation = String(request.headers["x-amz-target"]).split(".")[1];
      response.setHeader("content-type", "application/x-amz-json-1.1");
      if (operation === "ExecuteStatement") response.end('{"Id":"one"}');
      else if (operation === "DescribeStatement")
        response.end('{"Id":"one","Status":"FINISHED","HasResultSet":true}');
      else if (failed < failures) {
        failed += 1;
        response.statusCode = 500;
        response.end('{"__type":"InternalServerException","Message":"again"}');
      } else response.end(pages[Number(/"NextToken":"(\d+)"/.exec(body)?.[1] ?? 0)]);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return new RedshiftDataClient({
    ...{ endpoint: `http://127.0.0.1:${port}`, region: "us-east-1" },
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  });
}

const page = (records: string, more = ""): string =>
  `{"ColumnMetadata":[{"name":"n","typeName":"int8"}],"Records":[${records}],"TotalNumRows":1${more}}`;

test.each<[what: string, field: string, text: string | null, json: unknown]>([
  [
    "a BIGINT beyond 2^53",
    '{"longValue":9007199254740993}',
    "9007199254740993",
    "9007199254740993",
  ],
  [
    "the smallest BIGINT",
    `{"longValue":${-(2n ** 63n)}}`,
    String(-(2n ** 63n)),
    String(-(2n ** 63n)),
  ],
  ["the largest safe one", '{"longValue":9007199254740991}', "9007199254740991", 9007199254740991],
  ["zero", '{"longValue":0}', "0", 0],
  ["NaN", '{"doubleValue":"NaN"}', "NaN", "NaN"],
  ["Infinity", '{"doubleValue":"Infinity"}', "Infinity", "Infinity"],
  ["-Infinity", '{"doubleValue":"-Infinity"}', "-Infinity", "-Infinity"],
  ["a fraction", '{"doubleValue":0.1}', "0.1", 0.1],
  ["negative zero", '{"doubleValue":-0.0}', "-0", -0],
  [
    "a decimal",
    '{"stringValue":"12345678901234567890.10"}',
    "12345678901234567890.10",
    "12345678901234567890.10",
  ],
  ["empty text", '{"stringValue":""}', "", ""],
  ["null", '{"isNull":true}', null, null],
  ["true", '{"booleanValue":true}', "true", true],
  ["false", '{"booleanValue":false}', "false", false],
  ["binary", '{"blobValue":"AP8="}', "00ff", "00ff"],
])("%s is exact", async (_what, field, text, json) => {
  const redshift = await serving([page(`[${field}]`)]);
  const answer = await queryWarehouse({ redshift, deployment: { warehouse } }, "select n");
  expect(answerTexts(answer)).toEqual([[text]]);
  expect(answerJson(answer)).toEqual({ columns: ["n"], types: ["int8"], rows: [[json]] });
  // What is printed is JSON, and reads back as the same.
  expect(JSON.parse(JSON.stringify(answerJson(answer)))).toMatchObject({ columns: ["n"] });
});

test("all pages are read, also when one is rejected at first", async () => {
  const pages = [
    page('[{"longValue":1}],[{"longValue":9007199254740993}]', ',"NextToken":"1"'),
    page('[{"isNull":true}]'),
  ];
  const redshift = await serving(pages, 1);
  const answer = await queryWarehouse({ redshift, deployment: { warehouse } }, "select n");
  expect(answerTexts(answer)).toEqual([["1"], ["9007199254740993"], [null]]);
});

test("a value of a kind that is not known is an error, and never shown as null", async () => {
  const redshift = await serving([page('[{"arrayValue":[1]}]')]);
  const asked = queryWarehouse({ redshift, deployment: { warehouse } }, "select n");
  await expect(asked).rejects.toThrow("has a form that this version does not know");
});
