// A definition as a Glue table and back: the only place that knows how the Data Catalog holds it.
import { z } from "zod";
import {
  columnDefinitionSchema,
  cursorDefinitionSchema,
  modelDefinitionSchema,
  publishDefinitionSchema,
  sourceSchema,
  tableDefinitionSchema,
  type ColumnDefinition,
  type Definition,
} from "./definition.ts";
import { CatalogError } from "./errors.ts";
import type { Mistake } from "../contract/mistake.ts";
import { resolveEntry, type EntryContext } from "./resolve.ts";
import {
  amendedType,
  amendmentsOf,
  storedWordSchema,
  typeAmendmentsSchema,
  type TypeAmendments,
} from "./stored-type.ts";
import { checkSchema, type Model, partitionSchema, type Table } from "./table.ts";
import { deletesSchema } from "../sources/table-fields.ts";
import { glueType } from "./type-map.ts";
import type { ColumnType } from "../contract/column-types.ts";

/** The format of the parameters; a reader rejects one that it does not know. */
export const DEFINITION_FORMAT = "2";

/**
 * What Glue takes of a table at most, in bytes of UTF-8 (Glue developer guide, "Table API": TableInput, Column).
 */
const GLUE_LIMITS = {
  name: 255,
  description: 2048,
  comment: 255,
  type: 131_072,
  parameter: 512_000,
} as const;

/** Ends a comment that goes on in the parameter. */
const GOES_ON = "…";

/** A Glue table as plain data: CloudFormation's and the Glue API's `TableInput`. */
export interface GlueTableInput {
  readonly Name: string;
  readonly Description: string;
  readonly TableType: "EXTERNAL_TABLE";
  readonly Parameters: Record<string, string>;
  readonly StorageDescriptor: {
    readonly Columns: { readonly Name: string; readonly Type: string; readonly Comment: string }[];
    readonly InputFormat: string;
    readonly OutputFormat: string;
    readonly SerdeInfo: { readonly SerializationLibrary: string };
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
          | readonly {
              readonly Name: string | undefined;
              readonly Type?: string | undefined;
              readonly Comment?: string | undefined;
            }[]
          | undefined;
      }
    | undefined;
}

/**
 * An entry as the table that the Data Catalog holds for it, every default filled in.
 *
 * @throws CatalogError if a model comes without its script's address and hash
 */
export function encodeEntry(entry: Table | Model, context: EntryContext): GlueTableInput {
  const definition = resolveEntry(entry, context);
  return {
    Name: definition.name,
    Description: definition.description,
    TableType: "EXTERNAL_TABLE",
    Parameters: encodeParameters(definition),
    StorageDescriptor: {
      Columns: definition.columns.map(({ name, type, description }) => ({
        Name: name,
        Type: glueType(type),
        Comment: splitDescription(description).comment,
      })),
      // A definition is not data and has no location: the rows that people read are in the lake. The formats are here
      // so that tools which list tables through Glue take it for one.
      InputFormat: "org.apache.hadoop.mapred.TextInputFormat",
      OutputFormat: "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
      SerdeInfo: { SerializationLibrary: "org.openx.data.jsonserde.JsonSerDe" },
    },
  };
}

function encodeParameters(definition: Definition): Record<string, string> {
  const shared = {
    EXTERNAL: "TRUE",
    classification: "json",
    "sluice.format": DEFINITION_FORMAT,
    "sluice.kind": definition.kind,
    "sluice.owner": definition.owner,
    "sluice.key": JSON.stringify(definition.key),
    "sluice.partitioning": JSON.stringify(definition.partitioning),
    "sluice.checks": JSON.stringify(definition.checks),
    "sluice.publish": JSON.stringify(definition.publish),
    "sluice.fingerprint": definition.fingerprint,
    ...encodeColumns(definition.columns),
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

/** What the columns in Glue, with their names, types and comments, do not say. Most columns are in none of these. */
function encodeColumns(columns: readonly ColumnDefinition[]): Record<string, string> {
  const named = (pick: (column: ColumnDefinition) => unknown): string =>
    JSON.stringify(Object.fromEntries(columns.map((column) => [column.name, pick(column)])));
  const listed = (pick: (column: ColumnDefinition) => boolean): string =>
    columns
      .filter(pick)
      .map(({ name }) => name)
      .join();
  return {
    "sluice.required": listed(({ nullable }) => !nullable),
    "sluice.personal": listed(({ personal }) => personal),
    "sluice.paths": named(({ name, path }) => {
      const [first, ...inner] = path;
      if (inner.length > 0) return path;
      return first === name ? undefined : first;
    }),
    "sluice.types": named(({ type }) => {
      const { type: types = [], from = [] } = amendmentsOf(type);
      if (from.length > 0) return types.length > 0 ? { type: types, from } : { from };
      return types.length > 1 ? { type: types } : types[0];
    }),
    "sluice.descriptions": named(({ description }) => splitDescription(description).rest),
  };
}

/** A description as a comment that Glue takes, cut between characters, and what comes after the cut. */
function splitDescription(description: string): { comment: string; rest?: string } {
  if (Buffer.byteLength(description) <= GLUE_LIMITS.comment) return { comment: description };
  let cut = "";
  let bytes = Buffer.byteLength(GOES_ON);
  for (const character of description) {
    bytes += Buffer.byteLength(character);
    if (bytes > GLUE_LIMITS.comment) break;
    cut += character;
  }
  return { comment: cut + GOES_ON, rest: description.slice(cut.length) };
}

/** What Glue would reject of a table when it is deployed; every text that is too long, with its limit. */
export function mistakesForGlue(table: GlueTableInput): Mistake[] {
  const mistakes: Mistake[] = [];
  const check = (place: string, text: string, limit: number, fix: string): void => {
    const bytes = Buffer.byteLength(text);
    if (bytes > limit) {
      mistakes.push({
        place: `${table.Name}: ${place}`,
        problem: `it has ${bytes} bytes, and Glue takes ${limit}`,
        fix,
      });
    }
  };
  check("name", table.Name, GLUE_LIMITS.name, "choose a shorter name");
  check("description", table.Description, GLUE_LIMITS.description, "write a shorter description");
  for (const { Name: name, Type: type } of table.StorageDescriptor.Columns) {
    check(`column ${name}`, name, GLUE_LIMITS.name, "choose a shorter name");
    check(`type of column ${name}`, type, GLUE_LIMITS.type, 'declare it as "json"');
  }
  for (const [name, value] of Object.entries(table.Parameters)) {
    check(`parameter ${name}`, value, GLUE_LIMITS.parameter, "declare less in one entry");
  }
  return mistakes;
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
    publish: reader.json("publish", publishDefinitionSchema),
    fingerprint: reader.text("fingerprint", z.string().regex(/^[0-9a-f]{64}$/)),
  };
  return kind === "table"
    ? reader.checked(tableDefinitionSchema, {
        kind,
        ...shared,
        source: reader.json("source", sourceSchema),
        from: reader.json("from", tableDefinitionSchema.shape.from),
        cursor: reader.json("cursor", cursorDefinitionSchema.nullable()),
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

const storedPathsSchema = z.record(
  z.string(),
  z.union([z.string(), columnDefinitionSchema.shape.path]),
);
const storedTypesSchema = z.record(
  z.string(),
  z.union([
    storedWordSchema.transform((word): TypeAmendments => ({ type: [word] })),
    typeAmendmentsSchema,
  ]),
);
const descriptionsSchema = z.record(z.string(), z.string());

function decodeColumns(table: GlueTable, reader: ParameterReader): ColumnDefinition[] {
  const columns = table.StorageDescriptor?.Columns ?? [];
  const known = new Set(columns.map(({ Name: name = "" }) => name));
  const checked = (parameter: string, names: readonly string[]): readonly string[] => {
    const unknown = names.filter((name) => !known.has(name));
    if (unknown.length === 0) return names;
    return reader.fail(parameter, `the table has no columns ${JSON.stringify(unknown)}`);
  };
  const named = <Value>(parameter: string, schema: z.ZodType<Record<string, Value>>) => {
    const values = reader.json(parameter, schema);
    checked(parameter, Object.keys(values));
    return (name: string): Value | undefined => values[name];
  };
  const listed = (parameter: string) => {
    const text = reader.text(parameter, z.string());
    const names = new Set(checked(parameter, text === "" ? [] : text.split(",")));
    return (name: string): boolean => names.has(name);
  };
  const isRequired = listed("required");
  const isPersonal = listed("personal");
  const pathOf = named("paths", storedPathsSchema);
  const amendmentsFor = named("types", storedTypesSchema);
  const restOf = named("descriptions", descriptionsSchema);
  return columns.map(({ Name: name = "", Type: typeInGlue = "", Comment: comment = "" }) => {
    const rest = restOf(name);
    if (rest !== undefined && !comment.endsWith(GOES_ON)) {
      reader.fail("descriptions", `the description of ${name} goes on, but its comment is whole`);
    }
    const path = pathOf(name) ?? name;
    return {
      name,
      type: reader.type(name, typeInGlue, amendmentsFor(name) ?? {}),
      path: typeof path === "string" ? [path] : path,
      description: rest === undefined ? comment : comment.slice(0, -GOES_ON.length) + rest,
      nullable: !isRequired(name),
      personal: isPersonal(name),
    };
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
    if (found !== DEFINITION_FORMAT) {
      this.fail(
        "format",
        `this version reads ${DEFINITION_FORMAT} and found ${JSON.stringify(found)}`,
      );
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
      this.fail(parameter, `it is not JSON: ${excerpt(text)}`);
    }
    return this.#parsed(parameter, schema, value);
  }

  type(column: string, glue: string, amendments: TypeAmendments): ColumnType {
    try {
      return amendedType(glue, amendments);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return this.fail("types", `the type of ${column} can't be read: ${error.message}`);
    }
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
