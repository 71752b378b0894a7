// Queries the warehouse through the Redshift Data API, and reads its answers without losing a digit.
import {
  DescribeStatementCommand,
  ExecuteStatementCommand,
  GetStatementResultCommand,
  type RedshiftDataClient,
} from "@aws-sdk/client-redshift-data";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { ExactNumber, parseExact } from "../sources/discover/exact-json.ts";
import type { DeploymentRecord } from "../contract/deployment-record.ts";

const POLL_MILLIS = 150;
const DEADLINE_MILLIS = 10 * 60 * 1000;

/** A whole number is a bigint where a double does not hold it; decimals, times and SUPER come as text. */
export type Value = string | number | bigint | boolean | null;

/** An answer: column names, their types as the warehouse calls them, and rows of exact values. */
export interface Answer {
  readonly columns: readonly string[];
  readonly types: readonly string[];
  readonly rows: readonly (readonly Value[])[];
}

/** A value as text: what a person sees, and what answers are compared by. */
const valueText = (value: Exclude<Value, null>): string =>
  Object.is(value, -0) ? "-0" : String(value);

/** An answer's rows with each value as text, null where it is null. */
export const answerTexts = (answer: Answer): (string | null)[][] =>
  answer.rows.map((row) => row.map((value) => (value === null ? null : valueText(value))));

/**
 * An answer in values that JSON has. What a reader of JSON numbers would round or could not read is text: whole
 * numbers beyond ±(2^53 − 1), NaN, Infinity and -Infinity; `types` distinguishes it from text.
 */
export const answerJson = (
  answer: Answer,
): Omit<Answer, "rows"> & { readonly rows: readonly (readonly Exclude<Value, bigint>[])[] } => ({
  ...answer,
  rows: answer.rows.map((row) =>
    row.map((value) =>
      typeof value === "bigint" || (typeof value === "number" && !Number.isFinite(value))
        ? String(value)
        : value,
    ),
  ),
});

const exactSchema = z.instanceof(ExactNumber);

/**
 * One value of an answer. Smithy's JSON protocol writes doubles that JSON does not have as text:
 * https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html (shape serialization).
 */
const fieldSchema = z.union([
  z.looseObject({ isNull: z.literal(true) }).transform(() => null),
  z.looseObject({ stringValue: z.string() }).transform(({ stringValue }) => stringValue),
  z.looseObject({ longValue: exactSchema }).transform(({ longValue: { text } }) => {
    const value = BigInt(text);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }),
  z
    .looseObject({ doubleValue: z.union([exactSchema, z.enum(["NaN", "Infinity", "-Infinity"])]) })
    .transform(({ doubleValue }) =>
      Number(typeof doubleValue === "string" ? doubleValue : doubleValue.text),
    ),
  z.looseObject({ booleanValue: z.boolean() }).transform(({ booleanValue }) => booleanValue),
  z
    .looseObject({ blobValue: z.base64() })
    .transform(({ blobValue }) => Buffer.from(blobValue, "base64").toString("hex")),
]) satisfies z.ZodType<Value>;

const pageSchema = z.looseObject({
  ColumnMetadata: z
    .array(z.looseObject({ name: z.string().nullish(), typeName: z.string().nullish() }))
    .nullish(),
  Records: z.array(z.array(fieldSchema)),
  NextToken: z.string().nullish(),
});

/**
 * Runs one statement and reads its whole result.
 * @throws Error with the warehouse's own message, or if the deployment has no warehouse
 */
export async function queryWarehouse(
  connection: {
    readonly redshift: RedshiftDataClient;
    readonly deployment: Pick<DeploymentRecord, "warehouse">;
  },
  sql: string,
): Promise<Answer> {
  const { warehouse } = connection.deployment;
  if (warehouse === null) {
    throw new Error(
      "This deployment has no warehouse (warehouse=none): query the lake with Athena",
    );
  }
  const started = await connection.redshift.send(
    new ExecuteStatementCommand({
      WorkgroupName: warehouse.workgroup,
      Database: warehouse.database,
      SecretArn: warehouse.secretArn,
      Sql: sql,
    }),
  );
  const deadline = Date.now() + DEADLINE_MILLIS;
  let hasResult: boolean;
  for (;;) {
    const state = await connection.redshift.send(new DescribeStatementCommand({ Id: started.Id }));
    if (state.Status === "FINISHED") {
      hasResult = state.HasResultSet ?? false;
      break;
    }
    if (state.Status === "FAILED" || state.Status === "ABORTED") {
      throw new Error(`The warehouse rejected the statement: ${state.Error ?? state.Status}`);
    }
    if (Date.now() > deadline) throw new Error("The statement did not end within ten minutes");
    await delay(POLL_MILLIS);
  }
  if (!hasResult) return { columns: [], types: [], rows: [] };
  const columns: string[] = [];
  const types: string[] = [];
  const rows: Value[][] = [];
  let nextToken: string | undefined;
  do {
    const page = await readPage(connection.redshift, started.Id, nextToken);
    if (columns.length === 0) {
      columns.push(...(page.ColumnMetadata ?? []).map(({ name }) => name ?? ""));
      types.push(...(page.ColumnMetadata ?? []).map(({ typeName }) => typeName ?? ""));
    }
    rows.push(...page.Records);
    nextToken = page.NextToken ?? undefined;
  } while (nextToken !== undefined && nextToken !== "");
  return { columns, types, rows };
}

const responseSchema = z.looseObject({
  body: z.union([z.instanceof(Readable), z.instanceof(Uint8Array)]),
});

/**
 * A page of a statement's result, read from the response's own text: what the SDK makes of it has passed through a
 * double. The other format, CSV, does not distinguish null from an empty text.
 */
async function readPage(
  client: RedshiftDataClient,
  id: string | undefined,
  nextToken: string | undefined,
): Promise<z.output<typeof pageSchema>> {
  const command = new GetStatementResultCommand({ Id: id, NextToken: nextToken });
  let text = "";
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const response = responseSchema.parse(result.response);
      const { body } = response;
      const bytes = body instanceof Readable ? await buffer(body) : body;
      text = Buffer.from(bytes).toString("utf8");
      // The SDK reads it as well, to find out whether it is an error.
      Object.assign(result.response as object, { body: bytes });
      return result;
    },
    { step: "deserialize", priority: "low", name: "keepText" },
  );
  await client.send(command);
  const page = pageSchema.safeParse(parseExact(text));
  if (page.success) return page.data;
  throw new Error(
    `The warehouse's answer has a form that this version does not know: ${z.prettifyError(page.error)}`,
  );
}
