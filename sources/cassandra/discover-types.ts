// The one total map from each CQL type to what to declare it as in the catalog, and to what is said of it as drift.
import cassandra from "cassandra-driver";
import type { ColumnType, StructField } from "../../contract/column-types.ts";
import { fieldName, unrepeated } from "../discover/names.ts";
import type { Observation } from "../discover/observe.ts";
import type { SourceType } from "../../contract/source-fields.ts";
import type { CqlType } from "./to-json.ts";

const { dataTypes } = cassandra.types;
export type CqlName = keyof typeof dataTypes;
const CODES: Readonly<Record<CqlName, number>> = dataTypes;
const NAMES: ReadonlyMap<number, CqlName> = new Map(
  // `varchar` is read from the server and called `text` in every schema.
  (Object.keys(CODES) as CqlName[]).map((name) => [
    CODES[name],
    name === "varchar" ? "text" : name,
  ]),
);

/** `parts`: what it is made of decides. */
export type ProposedType = ColumnType | "parts";

/** What each type arrives as is in to-json.ts. */
export const PROPOSED_TYPES: Readonly<Record<CqlName, ProposedType>> = {
  ascii: "string",
  bigint: "long",
  blob: "binary",
  boolean: "boolean",
  counter: "long",
  // What the driver does not know comes as bytes; vectors are distinguished below.
  custom: "json",
  date: "date",
  decimal: { decimal: [38, 10] },
  double: "double",
  duration: "string",
  float: "float",
  inet: "string",
  int: "int",
  list: "parts",
  map: "parts",
  set: "parts",
  smallint: "int",
  text: "string",
  time: "string",
  timestamp: "timestamp",
  timeuuid: "string",
  tinyint: "int",
  // Parts of different types.
  tuple: "json",
  udt: "parts",
  uuid: "string",
  varchar: "string",
  varint: { decimal: [38, 0] },
};

/** The type's name in CQL; `custom` with its class where the driver has no name for it. */
export function cqlName({ code, info }: CqlType): string {
  const name = NAMES.get(code);
  if (name !== "custom") return name ?? `type ${code}`;
  if (Array.isArray(info)) return "vector";
  return typeof info === "string" && info.includes("VectorType") ? "vector" : "custom";
}

/** The type as a schema writes it. */
export function cqlText(type: CqlType): string {
  const name = cqlName(type);
  const text = textInside(type, name);
  return isFrozen(type) ? `frozen<${text}>` : text;
}

function textInside(type: CqlType, name: string): string {
  switch (name) {
    case "list":
    case "set":
      return `${name}<${cqlText(typeIn(type.info))}>`;
    case "map":
    case "tuple":
      return `${name}<${partsOf(type.info).map(cqlText).join(", ")}>`;
    case "vector": {
      const [element, dimensions] = vectorOf(type.info);
      return `vector<${element === null ? "?" : cqlText(element)}, ${dimensions}>`;
    }
    case "udt":
      return nameOfUdt(type.info);
    default:
      return name;
  }
}

/** The type as drift compares it; how parts are nested is kept, `frozen` makes no difference to a reader. */
export function shapeOfType(type: CqlType): SourceType {
  const name = cqlName(type);
  switch (name) {
    case "list":
    case "set":
      return { types: [name], element: shapeOfType(typeIn(type.info)) };
    case "map": {
      const [, value] = partsOf(type.info);
      return { types: [name], ...(value === undefined ? {} : { element: shapeOfType(value) }) };
    }
    case "udt":
      return {
        types: [name],
        fields: Object.fromEntries(
          fieldsOf(type.info).map((field) => [field.name, shapeOfType(field.type)]),
        ),
      };
    default:
      return { types: [name] };
  }
}

export interface CqlReading {
  readonly type: ColumnType;
  readonly remarks: readonly string[];
}

/** What to declare a column as; json inside another type makes the whole column json. */
export function readCqlType(type: CqlType, seen: Observation | null): CqlReading {
  const name = cqlName(type);
  if (name === "vector") {
    const [element] = vectorOf(type.info);
    return element === null
      ? json("a vector whose elements are not known here: kept as JSON")
      : listOf(readCqlType(element, null));
  }
  if (!isCqlName(name)) return json(`${name} is not known: kept as JSON`);
  const read = READERS[name];
  if (read !== undefined) return read(type, seen);
  const proposed = PROPOSED_TYPES[name];
  return { type: proposed === "parts" ? "json" : proposed, remarks: [] };
}

const json = (remark: string): CqlReading => ({ type: "json", remarks: [remark] });

const READERS: Readonly<
  Partial<Record<CqlName, (type: CqlType, seen: Observation | null) => CqlReading>>
> = {
  decimal: (_, seen) => decimalReading(seen),
  varint: (_, seen) => varintReading(seen),
  tuple: () => json("a tuple's parts have types of their own: kept as JSON"),
  custom: () => json("a custom type comes as its bytes: kept as JSON"),
  list: ({ info }, seen) => listOf(readCqlType(typeIn(info), seen)),
  set: ({ info }, seen) => listOf(readCqlType(typeIn(info), seen)),
  map: (type) => mapReading(type),
  udt: structReading,
};

function decimalReading(seen: Observation | null): CqlReading {
  const scale = Math.min(38, Math.max(seen?.scale ?? 0, seen === null ? 10 : 2));
  const isSeen = seen !== null && seen.kinds.size > 0;
  return {
    type: { decimal: [38, isSeen ? scale : 10] },
    remarks: [
      isSeen
        ? `sampled values have at most ${seen.scale} decimals and ${seen.wholeDigits} digits before them; others that do not fit are quarantined`
        : "its decimals are a guess; values that do not fit are quarantined",
    ],
  };
}

function varintReading(seen: Observation | null): CqlReading {
  if ((seen?.wholeDigits ?? 0) > 38)
    return { type: "string", remarks: ["sampled values have more than 38 digits: kept as text"] };
  return {
    type: { decimal: [38, 0] },
    remarks: ["a varint has any number of digits; one with more than 38 is quarantined"],
  };
}

function listOf({ type, remarks }: CqlReading): CqlReading {
  return type === "json" ? { type, remarks } : { type: { list: type }, remarks };
}

function mapReading(type: CqlType): CqlReading {
  const [key, value] = partsOf(type.info);
  if (key === undefined || value === undefined) return { type: "json", remarks: [] };
  const inner = readCqlType(value, null);
  if (inner.type === "json") return inner;
  const keyName = cqlName(key);
  const isText = PROPOSED_TYPES[isCqlName(keyName) ? keyName : "custom"] === "string";
  return {
    type: { map: inner.type },
    remarks: [...inner.remarks, ...(isText ? [] : [`its keys (${cqlText(key)}) become text`])],
  };
}

function structReading(type: CqlType, seen: Observation | null): CqlReading {
  const struct: StructField[] = [];
  const remarks: string[] = [];
  for (const field of fieldsOf(type.info)) {
    const inner = readCqlType(field.type, seen?.children.get(field.name) ?? null);
    if (inner.type === "json")
      return { type: "json", remarks: inner.remarks.map((remark) => `${field.name}: ${remark}`) };
    const name = unrepeated(
      fieldName(field.name),
      struct.map((other) => other.name),
    );
    struct.push({
      ...{ name, type: inner.type },
      ...(name === field.name ? {} : { from: field.name }),
    });
    remarks.push(...inner.remarks.map((remark) => `${field.name}: ${remark}`));
  }
  return struct.length === 0 ? { type: "json", remarks } : { type: { struct }, remarks };
}

function isCqlName(name: string): name is CqlName {
  return Object.hasOwn(CODES, name);
}

function isFrozen(type: CqlType): boolean {
  const { options } = recordOf(type);
  return recordOf(options).frozen === true;
}

function nameOfUdt(info: unknown): string {
  const { name } = recordOf(info);
  return typeof name === "string" ? name : "udt";
}

function fieldsOf(info: unknown): { name: string; type: CqlType }[] {
  const { fields } = recordOf(info);
  return (Array.isArray(fields) ? (fields as unknown[]) : []).map((field) => {
    const { name, type } = recordOf(field);
    return { name: String(name), type: typeIn(type) };
  });
}

function partsOf(info: unknown): CqlType[] {
  return Array.isArray(info) ? info.map(typeIn) : [];
}

function vectorOf(info: unknown): [element: CqlType | null, dimensions: number] {
  if (!Array.isArray(info)) return [null, 0];
  const [element, dimensions] = info as unknown[];
  return [typeIn(element), Number(dimensions)];
}

function typeIn(value: unknown): CqlType {
  const { code, info, options } = recordOf(value);
  return { code: typeof code === "number" ? code : CODES.custom, info, ...{ options } };
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
