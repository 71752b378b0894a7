// From mapped fields and what sampled documents show of them to fields that can be columns: pure decisions.
import type { ColumnType, StructField } from "../../contract/column-types.ts";
import type { FoundField } from "../discover/discovery.ts";
import { fieldName, unrepeated } from "../discover/names.ts";
import type { Observation } from "../discover/observe.ts";
import type { MappedField } from "./discover-mapping.ts";
import { commonType, isFieldType, readingOfDates } from "./discover-types.ts";

/** An object with more fields than this is kept as JSON. */
const MOST_STRUCT_FIELDS = 60;
/** From so many fields on an object is looked at for names that are data. */
const MANY_FIELDS = 8;

/** What one field is declared as; `json` inside another type makes the whole column json. */
interface Reading {
  readonly type: ColumnType;
  readonly remarks: readonly string[];
}

export interface FieldReadings {
  readonly fields: readonly FoundField[];
  readonly remarks: readonly string[];
}

/** @param observed the sampled documents' root */
export function readFields(
  mapped: ReadonlyMap<string, MappedField>,
  observed: Observation,
  indexCount: number,
): FieldReadings {
  const fields: FoundField[] = [];
  const nothing: string[] = [];
  const searchOnly: string[] = [];
  const visit = (field: MappedField, seen: Observation | null): void => {
    const proposed = commonType([...field.types.keys()]);
    if (proposed === "nothing") {
      nothing.push(field.path.join("."));
      return;
    }
    for (const sub of field.subFields) searchOnly.push(`${field.path.join(".")}.${sub}`);
    // Where a document's own keys have dots there is no object to read: each field is found by its whole path.
    if (proposed === "fields" && seen?.hasDottedKeys === true && field.children.size > 0) {
      for (const child of field.children.values())
        visit(child, seen.children.get(child.name) ?? null);
      return;
    }
    fields.push(foundField(field, seen, observed, indexCount));
  };
  for (const field of mapped.values()) visit(field, observed.children.get(field.name) ?? null);
  const remarks = [
    ...(nothing.length === 0
      ? []
      : [`Documents hold no value of these, so they are left out: ${nothing.join(", ")}.`]),
    ...(searchOnly.length === 0
      ? []
      : [`Multi-fields serve searches only, so they are not columns: ${searchOnly.join(", ")}.`]),
    ...unmapped(mapped, observed),
  ];
  return { fields, remarks };
}

function unmapped(
  mapped: ReadonlyMap<string, MappedField>,
  observed: Observation,
): readonly string[] {
  const names = [...observed.children.keys()].filter((name) => !mapped.has(name));
  return names.length === 0
    ? []
    : [
        `Documents have fields that the mapping does not show; declare by hand what you need of them: ${names.join(", ")}.`,
      ];
}

function foundField(
  field: MappedField,
  seen: Observation | null,
  root: Observation,
  indexCount: number,
): FoundField {
  const { type, remarks } = withList(field, seen, valueReading(field, seen));
  const types = [...field.types.keys()];
  const missing = indexCount - Math.max(...field.types.values());
  return {
    path: field.path,
    type,
    sourceType: types.join(" and "),
    isSortable:
      !field.isUnsearchable &&
      types.every((name) => ["date", "date_nanos", "long"].includes(name)) &&
      (seen === null || seen.lists === 0),
    isKey: false,
    description: null,
    observed: seen,
    cursorEvidence: null,
    remarks: [
      ...(types.length > 1
        ? [
            `the indices disagree: ${[...field.types].map(([name, count]) => `${name} in ${count}`).join(", ")}`,
          ]
        : []),
      ...(types.length === 1 && missing > 0 && indexCount > 1
        ? [`${missing} of ${indexCount} indices do not have it`]
        : []),
      ...(root.present > 0 && (seen === null || seen.present === 0)
        ? ["no sampled document has it, so whether it holds lists is not known"]
        : []),
      ...remarks,
    ],
  };
}

function valueReading(field: MappedField, seen: Observation | null): Reading {
  const types = [...field.types.keys()];
  const unknown = types.filter((type) => !isFieldType(type));
  if (unknown.length > 0)
    return json(`the field type ${unknown.join(", ")} is not known here: kept as JSON`);
  const proposed = commonType(types);
  if (proposed === "fields" || proposed === "nothing") return objectReading(field, seen);
  if (proposed === "timestamp") return dateReading(field, seen);
  if (types.includes("geo_point")) return pointReading(seen);
  if (types.includes("dense_vector") || types.includes("counted_keyword"))
    return plain(typeof proposed === "object" && "list" in proposed ? proposed.list : proposed);
  const fitting = widened(proposed, seen);
  const remarks =
    fitting === proposed
      ? []
      : [
          `its mapping says ${types.join(" and ")}, but sampled documents hold ${kindsOf(seen)}: declared as ${describe(fitting)}`,
        ];
  if (types.includes("scaled_float") && fitting === proposed)
    remarks.push(scaledRemark(field, seen));
  return { type: fitting, remarks };
}

function objectReading(field: MappedField, seen: Observation | null): Reading {
  if (field.isOpen) return json("an object whose fields may be new at any time: kept as JSON");
  if (field.children.size === 0) return json("an object without mapped fields: kept as JSON");
  if (field.children.size > MOST_STRUCT_FIELDS)
    return json(`an object with ${field.children.size} fields: kept as JSON`);
  if (hasNamesThatAreData(field, seen))
    return json("an object whose documents have few of its many fields each: kept as JSON");
  if (seen !== null && seen.present > 0 && !seen.isOnly("object"))
    return json(`an object in the mapping, but documents hold ${kindsOf(seen)}: kept as JSON`);
  if (seen?.hasDottedKeys === true)
    return json("an object whose documents have names with dots: kept as JSON");
  const remarks: string[] = [];
  const struct: StructField[] = [];
  for (const child of field.children.values()) {
    if (commonType([...child.types.keys()]) === "nothing") continue;
    const inner = seen?.children.get(child.name) ?? null;
    const reading = withList(child, inner, valueReading(child, inner));
    const name = child.path.slice(1).join(".");
    if (isJson(reading.type))
      return json(
        `an object kept as JSON, for so is ${name}${reading.remarks[0] === undefined ? "" : ` (${reading.remarks[0]})`}`,
      );
    for (const remark of reading.remarks) remarks.push(`${name}: ${remark}`);
    const given = unrepeated(
      fieldName(child.name),
      struct.map((other) => other.name),
    );
    struct.push({
      name: given,
      type: reading.type,
      ...(given === child.name ? {} : { from: child.name }),
    });
  }
  return struct.length === 0
    ? json("an object without values: kept as JSON")
    : { type: { struct }, remarks };
}

/** Ids or dates as names give an object ever more fields, of which each document has a few. */
function hasNamesThatAreData(field: MappedField, seen: Observation | null): boolean {
  if (seen === null || seen.count("object") < 5 || field.children.size < MANY_FIELDS) return false;
  const values = [...seen.children.values()].reduce((sum, child) => sum + child.present, 0);
  return values / seen.count("object") < field.children.size / 4;
}

function dateReading(field: MappedField, seen: Observation | null): Reading {
  const formats = field.formats.size === 0 ? [null] : [...field.formats];
  const readings = formats.map(readingOfDates);
  const [first = readingOfDates(null)] = readings;
  const remarks = readings.flatMap(({ remark }) => remark ?? []);
  const isSame = readings.every(({ type }) => describe(type) === describe(first.type));
  if (!isSame)
    return {
      type: "string",
      remarks: [`the indices write its dates in different formats: ${formats.join(", ")}`],
    };
  const { count = 0, dates = 0, moments = 0 } = seen?.texts ?? {};
  if (first.type === "timestamp" && count > 0 && count > dates + moments)
    return {
      type: "string",
      remarks: [
        "some sampled values are no ISO-8601 times: kept as text; a model can make times of it",
      ],
    };
  if (first.type === "timestamp" && dates > 0 && dates === count && seen?.isOnly("text") === true)
    return {
      type: "date",
      remarks: ['all sampled values are days; declare "timestamp" if there are times of day'],
    };
  return { type: first.type, remarks };
}

function pointReading(seen: Observation | null): Reading {
  const isObject =
    seen !== null &&
    seen.isOnly("object") &&
    seen.lists === 0 &&
    [...seen.children].every(
      ([name, child]) => ["lat", "lon"].includes(name) && child.isOnly("whole", "fraction"),
    );
  if (!isObject) return json("a point may be an object, a text or a list: kept as JSON");
  const struct = [
    { name: "lat", type: "double" },
    { name: "lon", type: "double" },
  ] as const;
  return {
    type: { struct },
    remarks: ["all sampled points are {lat, lon}; another form would be quarantined"],
  };
}

function scaledRemark(field: MappedField, seen: Observation | null): string {
  const factor = Math.max(1, ...field.scalingFactors);
  const scale = Math.max(Math.ceil(Math.log10(factor)), seen?.scale ?? 0);
  return `if it must be exact (money), declare {decimal: [${Math.min(38, 16 + scale)}, ${scale}]}; values with more decimals would be quarantined`;
}

/** A single value's type with what arrays are to be seen; an array in an array is kept as JSON. */
function withList(field: MappedField, seen: Observation | null, reading: Reading): Reading {
  const types = [...field.types.keys()];
  const isList =
    ["nested", "dense_vector", "counted_keyword"].some((type) => types.includes(type)) ||
    (seen?.lists ?? 0) > 0;
  if (!isList || isJson(reading.type)) return reading;
  if (seen?.hasListsInLists === true) return json("it holds lists in lists: kept as JSON");
  const remarks = [...reading.remarks];
  if (seen !== null && seen.lists > 0 && seen.lists < seen.present && !types.includes("nested"))
    remarks.push(`a list in ${seen.lists} of the ${seen.present} sampled documents that have it`);
  else if (seen !== null && seen.lists > 0 && seen.longestList < 2)
    remarks.push("its sampled lists have one value at most; a single type would take those too");
  return { type: { list: reading.type }, remarks };
}

const WIDER: Readonly<Partial<Record<string, ColumnType>>> = {
  int: "long",
  long: "double",
  float: "double",
  double: "string",
  boolean: "string",
  binary: "json",
  string: "json",
};

/** The first type from this one on that takes all that was seen. */
function widened(type: ColumnType, seen: Observation | null): ColumnType {
  if (seen === null || seen.kinds.size === 0 || isJson(type)) return type;
  if (takes(type, seen)) return type;
  const wider = typeof type === "string" ? WIDER[type] : "string";
  return wider === undefined ? "json" : widened(wider, seen);
}

const MOST_INT = 2n ** 31n - 1n;
const MOST_LONG = 2n ** 63n - 1n;

function takes(type: ColumnType, seen: Observation): boolean {
  const isWithin = (most: bigint): boolean =>
    (seen.greatest ?? 0n) <= most && (seen.least ?? 0n) >= -most - 1n;
  if (typeof type !== "string") return !("decimal" in type) || seen.isOnly("whole", "text");
  switch (type) {
    case "int":
      return seen.isOnly("whole", "text") && isWithin(MOST_INT);
    case "long":
      return seen.isOnly("whole", "text") && isWithin(MOST_LONG);
    case "float":
    case "double":
      return seen.isOnly("whole", "fraction", "text");
    case "boolean":
      return seen.isOnly("boolean", "text");
    case "binary":
      return seen.isOnly("text");
    case "string":
      return !seen.kinds.has("object");
    case "date":
    case "timestamp":
    case "json":
      return true;
  }
}

function kindsOf(seen: Observation | null): string {
  const kinds = [...(seen?.kinds.keys() ?? [])];
  const words = { text: "texts", whole: "whole numbers", fraction: "fractions" } as const;
  return kinds
    .map((kind) => (kind === "boolean" || kind === "object" ? `${kind}s` : words[kind]))
    .join(" and ");
}

function json(remark: string): Reading {
  return { type: "json", remarks: [remark] };
}

function plain(type: ColumnType): Reading {
  return { type, remarks: [] };
}

function isJson(type: ColumnType): boolean {
  return type === "json";
}

function describe(type: ColumnType): string {
  return typeof type === "string" ? `"${type}"` : JSON.stringify(type);
}
