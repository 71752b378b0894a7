// All mistakes in the columns of one entry and in their types.
import { z } from "zod";
import type { Mistake } from "../contract/mistake.ts";
import { mistakesInFields, pathText } from "./issues.ts";
import { mistakesInFieldName, mistakesInName, repeatedNames } from "./names.ts";
import type { SourceDeclaration } from "../sources/declaration.ts";
import { allDeclarations } from "../sources/declarations.ts";
import type { Column } from "./table.ts";
import { TYPE_MAP, glueType } from "./type-map.ts";
import {
  SCALAR_TYPES,
  TYPE_FORMS,
  type ColumnType,
  type StructField,
} from "../contract/column-types.ts";

/**
 * Redshift's limit for a table is 1,600; the stage table of a load has one more than the entry, the mark of a deletion.
 * https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_TABLE_usage.html
 */
export const MAX_COLUMNS = 1600 - 1;
/** Glue's limit for the type of a column, in characters. */
const MAX_TYPE_LENGTH = 131_072;
/** Glue's limit for the value of a parameter, in characters. */
export const MAX_PARAMETER_LENGTH = 512_000;
const MAX_PRECISION = 38;

/** The fields of a struct's field; its values are checked below. */
const structField = z.strictObject({
  name: z.unknown(),
  type: z.unknown(),
  from: z.string().optional(),
} satisfies Record<keyof StructField, z.ZodType>);

/** @param system that the table's source has, or undefined for a model, whose columns come from no path */
export function* mistakesInColumns(
  columns: readonly Column[],
  place: string,
  system: SourceDeclaration | undefined,
): Generator<Mistake> {
  if (columns.length === 0 || columns.length > MAX_COLUMNS) {
    yield {
      place,
      problem: `it has ${columns.length} columns`,
      fix: `declare 1 to ${MAX_COLUMNS} columns`,
    };
  }
  for (const name of repeatedNames(columns.map((column) => column.name))) {
    yield {
      place: `${place}, column ${name}`,
      problem: `two columns are called ${JSON.stringify(name)} (upper and lower case are the same)`,
      fix: "rename or remove one of them",
    };
  }
  for (const column of columns) {
    yield* mistakesInColumn(column, `${place}, column ${column.name}`, system);
  }
}

function* mistakesInColumn(
  column: Column,
  place: string,
  system: SourceDeclaration | undefined,
): Generator<Mistake> {
  yield* mistakesInName(column.name, place);
  const typeMistakes = [...mistakesInType(column.type, place, [])];
  yield* typeMistakes;
  if (typeMistakes.length === 0) yield* mistakesInSize(column, place);
  if (column.description.trim() === "") {
    yield {
      place,
      problem: "the description is empty",
      fix: "say what a value means, with its unit",
    };
  }
  yield* mistakesInPath(column, place, system);
}

function* mistakesInPath(
  column: Column,
  place: string,
  system: SourceDeclaration | undefined,
): Generator<Mistake> {
  const { path } = column;
  if (path === undefined) return;
  const written = JSON.stringify(path);
  if (system === undefined) {
    yield {
      place,
      problem: `the column of a model has the path ${written}`,
      fix: "remove path: a model's columns are what its script returns",
    };
  } else if (path.length === 0 || path.includes("")) {
    yield {
      place,
      problem: `the path ${written} is empty or has an empty segment`,
      fix: `write the names that lead to the value, such as ["${column.name}"]`,
    };
  } else if (path[0] === system.idColumn?.path) {
    if (path.length > 1) {
      yield {
        place,
        problem: `the path ${written} leads into ${path[0]}, which is text`,
        fix: `write path: [${JSON.stringify(path[0])}], or name a field of the source`,
      };
    } else if (column.type !== "string") {
      yield {
        place,
        problem: `${path[0]} is text, but the type is ${JSON.stringify(column.type)}`,
        fix: 'write type: "string"',
      };
    }
  } else {
    const owner = allDeclarations().find(({ idColumn }) => idColumn?.path === path[0]);
    if (owner !== undefined) {
      yield {
        place,
        problem: `the path ${written} stands for the ${path[0]} of ${owner.title}, which this source does not have`,
        fix: "name a column of the source",
      };
    }
  }
}

function* mistakesInSize(column: Column, place: string): Generator<Mistake> {
  const typeLength = glueType(column.type).length;
  if (typeLength > MAX_TYPE_LENGTH) {
    yield {
      place,
      problem: `its type takes ${typeLength} characters in Glue, which allows ${MAX_TYPE_LENGTH}`,
      fix: 'use "json" for what is read rarely',
    };
  }
  const length = JSON.stringify(column).length;
  if (length > MAX_PARAMETER_LENGTH) {
    yield {
      place,
      problem: `it takes ${length} characters as a Glue parameter, which allows ${MAX_PARAMETER_LENGTH}`,
      fix: "shorten the description or the type",
    };
  }
}

/** @param inside the fields and words that lead from the column to this type */
function* mistakesInType(
  type: unknown,
  place: string,
  inside: readonly string[],
): Generator<Mistake> {
  const here = inside.length === 0 ? place : `${place}, in its ${inside.join(" ")}`;
  if (typeof type === "string") {
    yield* mistakesInScalar(type, here, inside.length > 0);
    return;
  }
  if (!isPlainObject(type) || Object.keys(type).length !== 1) {
    yield unknownType(type, here);
  } else if ("decimal" in type) {
    yield* mistakesInDecimal(type.decimal, here);
  } else if ("list" in type) {
    yield* mistakesInType(type.list, place, [...inside, "list"]);
  } else if ("map" in type) {
    yield* mistakesInType(type.map, place, [...inside, "map"]);
  } else if ("struct" in type) {
    yield* mistakesInStruct(type.struct, place, here, inside);
  } else if (type.timestamp !== "epoch_seconds") {
    yield unknownType(type, here);
  }
}

function* mistakesInScalar(name: string, place: string, nested: boolean): Generator<Mistake> {
  if (!Object.hasOwn(TYPE_MAP, name) || !SCALAR_TYPES.some((scalar) => scalar === name)) {
    yield unknownType(name, place);
  } else if (name === "json" && nested) {
    yield {
      place,
      problem: "json stands inside another type, where it could not be distinguished from text",
      fix: 'make the whole column "json", or declare what is inside',
    };
  }
}

function* mistakesInDecimal(parameters: unknown, place: string): Generator<Mistake> {
  const [precision, scale, ...rest] = Array.isArray(parameters) ? (parameters as unknown[]) : [];
  const sound =
    isIntegerWithin(precision, 1, MAX_PRECISION) &&
    isIntegerWithin(scale, 0, precision) &&
    rest.length === 0;
  if (!sound) {
    yield {
      place,
      problem: `${JSON.stringify({ decimal: parameters })} is not a decimal`,
      fix: `write {decimal: [precision, scale]} with a precision of 1 to ${MAX_PRECISION} and a scale of 0 to the precision`,
    };
  }
}

function* mistakesInStruct(
  fields: unknown,
  place: string,
  here: string,
  inside: readonly string[],
): Generator<Mistake> {
  if (!Array.isArray(fields) || fields.length === 0) {
    yield {
      place: here,
      problem: `${JSON.stringify({ struct: fields })} has no fields`,
      fix: 'write {struct: [{name: "…", type: "…"}, …]}, or {map: type} if the names are not known',
    };
    return;
  }
  const names: string[] = [];
  for (const field of fields as unknown[]) {
    if (!isPlainObject(field) || typeof field.name !== "string" || !("type" in field)) {
      yield {
        place: here,
        problem: `the field ${JSON.stringify(field)} has no name or no type`,
        fix: 'write {name: "…", type: "…"}',
      };
      continue;
    }
    const name = field.name;
    yield* mistakesInFields(
      structField,
      field,
      (path) => `${here}, field ${pathText(path)} of ${name}`,
    );
    names.push(name);
    yield* mistakesInFieldName(name, here);
    if (field.from === "") {
      yield {
        place: here,
        problem: `the field ${name} comes from ""`,
        fix: "write its exact name in the source, or leave from out",
      };
    }
    yield* mistakesInType(field.type, place, [...inside, "struct", "field", name]);
  }
  for (const name of repeatedNames(names)) {
    yield {
      place: here,
      problem: `two fields are called ${JSON.stringify(name)} (upper and lower case are the same)`,
      fix: "rename one, and keep the source's own name in from",
    };
  }
}

function unknownType(type: unknown, place: string): Mistake {
  return {
    place,
    problem: `${type === undefined ? "undefined" : JSON.stringify(type)} is not a type`,
    fix: `write ${TYPE_FORMS}`,
  };
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isIntegerWithin(value: unknown, from: number, to: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= from && value <= to;
}

/** A type whose values are single words, not lists, maps, structs or json. */
export function isPlain(type: ColumnType): boolean {
  return type !== "json" && (typeof type === "string" || "decimal" in type || "timestamp" in type);
}
