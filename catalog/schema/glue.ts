// A definition as a Glue table and back: the only place that knows how the Data Catalog holds it.
import { z } from "zod";
import {
  checkSchema,
  columnSchema,
  cursorSchema,
  deletesSchema,
  modelDefinitionSchema,
  partitionSchema,
  publishSchema,
  sourceSchema,
  tableDefinitionSchema,
  type ColumnDefinition,
  type Definition,
} from "./definition.ts";
import { CatalogError } from "./errors.ts";
import { resolveEntry, type EntryContext } from "./resolve.ts";
import type { Model, Table } from "./table.ts";
import { glueType } from "./type-map.ts";

/** The format of the parameters; a reader refuses one it does not know. */
const FORMAT = "1";

/** Glue's limit for the comment of a column, in bytes of UTF-8. */
const MAX_COMMENT_BYTES = 255;

/** A Glue table as plain data: CloudFormation's and the Glue API's `TableInput`. */
export interface GlueTableInput {
  readonly Name: string;
  readonly Description: string;
  readonly TableType: "EXTERNAL_TABLE";
  readonly Parameters: Record<string, string>;
  readonly StorageDescriptor: {
    readonly Columns: { readonly Name: string; readonly Type: string; readonly Comment: string }[];
    readonly Location: string;
    readonly InputFormat: string;
    readonly OutputFormat: string;
    readonly Compressed: boolean;
    readonly SerdeInfo: {
      readonly SerializationLibrary: string;
      readonly Parameters: Record<string, string>;
    };
  };
}

/** The part of a Glue table, as the API returns it, that holds a definition. */
export interface GlueTable {
  readonly Name?: string | undefined;
  readonly Description?: string | undefined;
  readonly Parameters?: Readonly<Record<string, string>> | undefined;
  readonly StorageDescriptor?:
    | {
        readonly Columns?:
          | readonly { readonly Name: string | undefined; readonly Type?: string | undefined }[]
          | undefined;
      }
    | undefined;
}

/** The names of the databases of a deployment. */
export function databaseNames(deployment: string): { raw: string; models: string; lake: string } {
  return {
    raw: `${deployment}_raw`,
    models: `${deployment}_models`,
    lake: `${deployment}_lake`,
  };
}

/**
 * An entry as the table that the Data Catalog holds for it, every default filled in.
 *
 * @throws CatalogError if a model comes without its script's address and hash
 */
export function encodeEntry(entry: Table | Model, context: EntryContext): GlueTableInput {
  const definition = resolveEntry(entry, context);
  const folder = definition.kind === "table" ? "raw" : "models";
  return {
    Name: definition.name,
    Description: definition.description,
    TableType: "EXTERNAL_TABLE",
    Parameters: encodeParameters(definition),
    StorageDescriptor: {
      Columns: definition.columns.map(({ name, type, description }) => ({
        Name: name,
        Type: glueType(type),
        Comment: shortened(description),
      })),
      // A definition is no data: the rows that people read are in the lake. What Glue and Athena want is here so that
      // they can list it.
      Location: `s3://${context.bucket}/${folder}/${definition.name}/`,
      InputFormat: "org.apache.hadoop.mapred.TextInputFormat",
      OutputFormat: "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
      Compressed: true,
      SerdeInfo: {
        SerializationLibrary: "org.openx.data.jsonserde.JsonSerDe",
        Parameters: { "ignore.malformed.json": "true" },
      },
    },
  };
}

function encodeParameters(definition: Definition): Record<string, string> {
  const shared = {
    EXTERNAL: "TRUE",
    classification: "json",
    "sluice.format": FORMAT,
    "sluice.kind": definition.kind,
    "sluice.owner": definition.owner,
    "sluice.key": JSON.stringify(definition.key),
    "sluice.partitioning": JSON.stringify(definition.partitioning),
    "sluice.checks": JSON.stringify(definition.checks),
    "sluice.publish": JSON.stringify(definition.publish),
    "sluice.fingerprint": definition.fingerprint,
    ...Object.fromEntries(
      definition.columns.map((column) => [
        `sluice.column.${column.name}`,
        encodeColumn(column, definition.kind),
      ]),
    ),
  };
  return definition.kind === "table"
    ? {
        ...shared,
        "sluice.source": JSON.stringify(definition.source),
        "sluice.from": JSON.stringify(definition.from),
        "sluice.cursor": JSON.stringify(definition.cursor),
        "sluice.deletes": JSON.stringify(definition.deletes),
      }
    : {
        ...shared,
        "sluice.language": definition.language,
        "sluice.script": definition.script,
        "sluice.inputs": JSON.stringify(definition.inputs),
      };
}

function encodeColumn(column: ColumnDefinition, kind: Definition["kind"]): string {
  const { type, path, nullable, personal, description } = column;
  return JSON.stringify(
    kind === "table"
      ? { type, path, nullable, personal, description }
      : { type, nullable, personal, description },
  );
}

/** A description that fits Glue's comment: one line, cut with `…` between characters. The parameter has all of it. */
function shortened(description: string): string {
  const line = description.replaceAll(/\s+/g, " ");
  if (Buffer.byteLength(line) <= MAX_COMMENT_BYTES) return line;
  const end = "…";
  let cut = "";
  let bytes = Buffer.byteLength(end);
  for (const character of line) {
    bytes += Buffer.byteLength(character);
    if (bytes > MAX_COMMENT_BYTES) break;
    cut += character;
  }
  return cut + end;
}

const textList = z.array(z.string());

/**
 * The definition that a Glue table holds.
 *
 * @throws CatalogError naming the table and the parameter, if one is missing, of another format or not as it was written
 */
export function decodeEntry(table: GlueTable): Definition {
  const reader = new ParameterReader(table);
  reader.expectFormat();
  const kind = reader.text("kind", z.enum(["table", "model"]));
  const shared = {
    name: reader.name,
    description: table.Description ?? "",
    owner: reader.text("owner", z.string()),
    key: reader.json("key", textList),
    columns: decodeColumns(table, reader),
    partitioning: reader.json("partitioning", z.array(partitionSchema)),
    checks: reader.json("checks", z.array(checkSchema)),
    publish: reader.json("publish", publishSchema),
    fingerprint: reader.text("fingerprint", z.string().regex(/^[0-9a-f]{64}$/)),
  };
  return kind === "table"
    ? reader.checked(tableDefinitionSchema, {
        kind,
        ...shared,
        source: reader.json("source", sourceSchema),
        from: reader.json("from", tableDefinitionSchema.shape.from),
        cursor: reader.json("cursor", cursorSchema.nullable()),
        deletes: reader.json("deletes", deletesSchema),
      })
    : reader.checked(modelDefinitionSchema, {
        kind,
        ...shared,
        language: reader.text("language", modelDefinitionSchema.shape.language),
        script: reader.text("script", z.string()),
        inputs: reader.json("inputs", textList),
      });
}

const storedColumnSchema = columnSchema
  .omit({ name: true, path: true })
  .extend({ path: columnSchema.shape.path.optional() });

function decodeColumns(table: GlueTable, reader: ParameterReader): ColumnDefinition[] {
  const columns = table.StorageDescriptor?.Columns ?? [];
  return columns.map(({ Name: name = "", Type: typeInGlue }) => {
    const parameter = `column.${name}`;
    const { path = [name], ...stored } = reader.json(parameter, storedColumnSchema);
    if (typeInGlue !== glueType(stored.type)) {
      reader.fail(
        parameter,
        `it says ${glueType(stored.type)}, but the column's type in Glue is ${typeInGlue ?? "missing"}`,
      );
    }
    return { name, path, ...stored };
  });
}

/** Reads one table's parameters, and names both when something is wrong. */
class ParameterReader {
  readonly name: string;
  readonly #parameters: Readonly<Record<string, string>>;

  constructor(table: GlueTable) {
    this.name = table.Name ?? "";
    this.#parameters = table.Parameters ?? {};
  }

  expectFormat(): void {
    const found = this.#required("format");
    if (found !== FORMAT) {
      this.fail("format", `this version reads ${FORMAT} and found ${JSON.stringify(found)}`);
    }
  }

  text<Value>(parameter: string, schema: z.ZodType<Value>): Value {
    return this.#parsed(parameter, schema, this.#required(parameter));
  }

  json<Value>(parameter: string, schema: z.ZodType<Value>): Value {
    const text = this.#required(parameter);
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      this.fail(parameter, `it is no JSON: ${excerpt(text)}`);
    }
    return this.#parsed(parameter, schema, value);
  }

  /** The last look at the whole, for what concerns more than one parameter. */
  checked<Value>(schema: z.ZodType<Value>, value: unknown): Value {
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    return this.fail("format", z.prettifyError(result.error));
  }

  fail(parameter: string, problem: string): never {
    throw new CatalogError([
      {
        place: `Glue table ${this.name}, parameter sluice.${parameter}`,
        problem,
        fix: "deploy the catalog again with `cdk deploy`, and change definitions nowhere else",
      },
    ]);
  }

  #required(parameter: string): string {
    return this.#parameters[`sluice.${parameter}`] ?? this.fail(parameter, "it is missing");
  }

  #parsed<Value>(parameter: string, schema: z.ZodType<Value>, value: unknown): Value {
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    return this.fail(
      parameter,
      `${z.prettifyError(result.error)} in ${excerpt(JSON.stringify(value))}`,
    );
  }
}

function excerpt(text: string): string {
  return text.length <= 200 ? text : `${text.slice(0, 200)}…`;
}
