// Tests that what the emulated warehouse holds is printed as it is.
import { RedshiftDataClient } from "@aws-sdk/client-redshift-data";
import { expect, test } from "vitest";
import { z } from "zod";
import { answerJson, answerTexts, queryWarehouse } from "../../cli/warehouse.ts";

const { SLUICE_TEST_AWS: endpoint } = z.object({ SLUICE_TEST_AWS: z.url() }).parse(process.env);
const redshift = new RedshiftDataClient({
  ...{ endpoint, region: "us-east-1" },
  credentials: { accessKeyId: "local", secretAccessKey: "local" },
});
const warehouse = { workgroup: "sluice", database: "warehouse", secretArn: "arn:aws:x" };

test("each type is printed as the warehouse holds it", async () => {
  const sql = `SELECT 9007199254740993::bigint AS a, (-9223372036854775807 - 1)::bigint AS b,
    'NaN'::float8 AS c, 'Infinity'::float8 AS d, '-Infinity'::float8 AS e, 0.1::float8 AS f,
    12345678901234567890.10::decimal(38,2) AS g, '' AS h, NULL::varchar AS i,
    '2026-01-02 03:04:05.678901'::timestamp AS j, '2026-01-02'::date AS k, false AS l,
    JSON_PARSE('{"a":[9007199254740993]}') AS m, 1::smallint AS n`;
  const answer = await queryWarehouse({ redshift, deployment: { warehouse } }, sql);
  const texts = answerTexts(answer)[0];
  expect(texts).toEqual([
    ...["9007199254740993", "-9223372036854775808", "NaN", "Infinity", "-Infinity", "0.1"],
    ...["12345678901234567890.10", "", null, "2026-01-02 03:04:05.678901", "2026-01-02"],
    ...["false", '{"a": [9007199254740993]}', "1"],
  ]);
  const json = answerJson(answer);
  expect(json.rows[0]?.slice(0, 6)).toEqual([
    ...["9007199254740993", "-9223372036854775808", "NaN", "Infinity", "-Infinity", 0.1],
  ]);
  expect(json.types.slice(0, 4)).toEqual(["int8", "int8", "float8", "float8"]);
});
