// What differs between a table as the catalog declares it and as its source has it now: pure decisions.
import type { TableDefinition } from "../../catalog/definition.ts";
import { sourceTypes } from "../../catalog/type-map.ts";
import { declarationOf } from "../declarations.ts";
import type { ColumnType } from "../../contract/column-types.ts";
import type { Difference } from "../../contract/drift.ts";
import type { SourceFields, SourceType } from "../../contract/source-fields.ts";
import { describeType, type SourceShape } from "./shape.ts";

type Column = TableDefinition["columns"][number];
type Definition = Pick<TableDefinition, "name" | "columns"> & {
  readonly source: Pick<TableDefinition["source"], "system">;
};

/** All that differs now, also what people left out on purpose. */
export function differencesNow(table: Definition, shape: SourceShape): Difference[] {
  return [...faultsNow(table, shape), ...undeclared(table, shape.fields).map(newField)];
}

/** Columns that their fields cannot fill: what holds until somebody fixes it. */
export function faultsNow(table: Definition, shape: SourceShape): Difference[] {
  const { system } = table.source;
  return table.columns.flatMap((column) => {
    if (isId(column, system)) return [];
    const field = find(shape.fields, column.path);
    if (field === null) {
      // A field that the mapping does not show is read all the same.
      return shape.hidesFields ? [] : [lost(column, column.path, system)];
    }
    return faultsIn(column, column.type, field, column.path, system, shape.hidesFields);
  });
}

/** What is new since an earlier look: fields that appeared, and fields of columns whose type changed or that are gone. */
export function differencesSince(
  table: Definition,
  before: SourceFields,
  shape: SourceShape,
): Difference[] {
  const { system } = table.source;
  const known = new Set(flatten(before).map(({ path }) => keyOf(path)));
  const appeared = undeclared(table, shape.fields).filter(({ path }) => !known.has(keyOf(path)));
  const changes = table.columns.flatMap((column): Difference[] => {
    if (isId(column, system)) return [];
    const was = find(before, column.path);
    const is = find(shape.fields, column.path);
    if (was === null) return [];
    if (is === null) return shape.hidesFields ? [lost(column, column.path, system)] : [];
    const [wasText, isText] = [describeType(was), describeType(is)];
    if (wasText === isText) return [];
    if (faultsIn(column, column.type, is, column.path, system, true).length > 0) return [];
    return [
      {
        ...{ kind: "changed", field: column.path.join("."), column: column.name },
        message: `${column.path.join(".")} was ${wasText} and is ${isText} now; the column's type ${words(column.type)} takes both, so nothing has to be done`,
      },
    ];
  });
  return [...changes, ...appeared.map(newField)];
}

interface Field {
  readonly path: readonly string[];
  readonly type: SourceType;
}

/** Fields that no column reads; of an object that no column touches only the object. */
function undeclared(table: Definition, fields: SourceFields): Field[] {
  const covered = new Set<string>();
  const touched = new Set<string>();
  for (const { path, type } of table.columns) cover(type, path, covered, touched);
  const found: Field[] = [];
  const visit = (level: SourceFields, parent: readonly string[]): void => {
    for (const [name, type] of Object.entries(level)) {
      const path = [...parent, name];
      const key = keyOf(path);
      if (covered.has(key)) continue;
      if (touched.has(key)) visit(innerFields(type), path);
      else found.push({ path, type });
    }
  };
  visit(fields, []);
  return found;
}

function cover(
  type: ColumnType,
  path: readonly string[],
  covered: Set<string>,
  touched: Set<string>,
): void {
  for (let length = 1; length < path.length; length += 1) touched.add(keyOf(path.slice(0, length)));
  const struct = structOf(type);
  if (struct === null) {
    covered.add(keyOf(path));
    return;
  }
  touched.add(keyOf(path));
  for (const { name, from, type: inner } of struct)
    cover(inner, [...path, from ?? name], covered, touched);
}

/** The fields of a struct, also one in lists. A map takes any names, so it has none. */
function structOf(type: ColumnType): Extract<ColumnType, { struct: unknown }>["struct"] | null {
  if (typeof type === "string") return null;
  if ("list" in type) return structOf(type.list);
  return "struct" in type ? type.struct : null;
}

function faultsIn(
  column: Column,
  type: ColumnType,
  source: SourceType,
  path: readonly string[],
  system: string,
  hidesFields: boolean,
): Difference[] {
  if (type === "json") return [];
  if (typeof type !== "string" && "list" in type) {
    const { listTypes, listsOf = {} } = declarationOf(system);
    // A mapping does not distinguish lists from single values, and the build takes both.
    const isList = source.types.every((name) => listTypes.includes(name));
    if (isList && source.element === undefined) return [];
    const inner = isList && source.element !== undefined ? source.element : source;
    const element = { ...inner, types: inner.types.map((name) => listsOf[name] ?? name) };
    return faultsIn(column, type.list, element, path, system, hidesFields);
  }
  const allowed = sourceTypes(system, type);
  if (!source.types.every((name) => allowed.includes(name)))
    return [unfit(column, type, source, path)];
  if (typeof type === "string") return [];
  if ("map" in type) {
    const inner = source.element ?? null;
    return inner === null ? [] : faultsIn(column, type.map, inner, path, system, hidesFields);
  }
  if (!("struct" in type) || source.fields === undefined) return [];
  const fields = source.fields;
  return type.struct.flatMap(({ name, from, type: inner }) => {
    const field = fields[from ?? name];
    const innerPath = [...path, from ?? name];
    if (field !== undefined) return faultsIn(column, inner, field, innerPath, system, hidesFields);
    return hidesFields ? [] : [lost(column, innerPath, system)];
  });
}

function newField({ path, type }: Field): Difference {
  const field = path.join(".");
  return {
    ...{ kind: "new", field, column: null },
    message: `the source has a field ${field} (${describeType(type)}) that no column reads; add one to the table's file if it is wanted`,
  };
}

function lost(column: Column, path: readonly string[], system: string): Difference {
  const field = path.join(".");
  const isWhole = path.length === column.path.length;
  const effect = declarationOf(system).readsWithoutField
    ? column.nullable || !isWhole
      ? "new rows have null there"
      : "new rows are quarantined, for it may not be null"
    : isWhole
      ? "the table is not read until that is fixed"
      : "new rows have null there";
  return {
    ...{ kind: "lost", field, column: column.name },
    message: `the source has no field ${field} any more, which column ${column.name} reads: ${effect}. Correct the column's ${isWhole ? "path" : "type"} in the table's file, or take ${isWhole ? "the column" : "the struct's field"} out`,
  };
}

function unfit(
  column: Column,
  type: ColumnType,
  source: SourceType,
  path: readonly string[],
): Difference {
  const field = path.join(".");
  return {
    ...{ kind: "unfit", field, column: column.name },
    message: `${field} is ${describeType(source)} at the source, but column ${column.name} declares ${words(type)} for it: values that do not fit send their rows to quarantine. Declare a type that takes them, under a new column name if the old values stay`,
  };
}

/** A document's own key may have dots, and a path may join several names. */
function find(fields: SourceFields, path: readonly string[]): SourceType | null {
  let level = fields;
  let found: SourceType | null = null;
  for (const name of path.flatMap((segment) =>
    Object.hasOwn(fields, segment) ? [segment] : segment.split("."),
  )) {
    const next = Object.hasOwn(level, name) ? level[name] : undefined;
    if (next === undefined) return null;
    found = next;
    level = innerFields(next);
  }
  return found;
}

function innerFields(type: SourceType): SourceFields {
  return type.fields ?? (type.element === undefined ? {} : innerFields(type.element));
}

function flatten(fields: SourceFields, parent: readonly string[] = []): Field[] {
  return Object.entries(fields).flatMap(([name, type]) => {
    const path = [...parent, name];
    return [{ path, type }, ...flatten(innerFields(type), path)];
  });
}

function isId({ path }: Column, system: string): boolean {
  return path.length === 1 && path[0] === declarationOf(system).idColumn?.path;
}

function keyOf(path: readonly string[]): string {
  return JSON.stringify(path);
}

function words(type: ColumnType): string {
  return typeof type === "string" ? `"${type}"` : JSON.stringify(type);
}
