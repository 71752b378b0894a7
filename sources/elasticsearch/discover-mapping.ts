// Reads the mappings of an index, alias or pattern, and merges those of its indices into one tree of fields.
import { z } from "zod";
import type { ElasticsearchConnection } from "./connection.ts";

/** A field over all indices that have it. */
export interface MappedField {
  readonly name: string;
  readonly path: readonly string[];
  /** In how many indices it has which type. */
  readonly types: Map<string, number>;
  readonly formats: Set<string>;
  /** True if an index maps it without "index" or "doc_values", so that it can't be a cursor. */
  isUnsearchable: boolean;
  /** True if an object's fields are not mapped, or may be new ones at any time. */
  isOpen: boolean;
  readonly scalingFactors: Set<number>;
  /** Names of its multi-fields, which are for searching only. */
  readonly subFields: Set<string>;
  readonly children: Map<string, MappedField>;
}

export interface MergedMapping {
  readonly indices: readonly string[];
  readonly fields: ReadonlyMap<string, MappedField>;
  readonly remarks: readonly string[];
}

const propertySchema = z.looseObject({
  type: z.string().optional(),
  format: z.string().optional(),
  index: z.boolean().optional(),
  doc_values: z.boolean().optional(),
  enabled: z.boolean().optional(),
  dynamic: z.union([z.boolean(), z.string()]).optional(),
  scaling_factor: z.number().optional(),
  fields: z.record(z.string(), z.unknown()).optional(),
  copy_to: z.union([z.string(), z.array(z.string())]).optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
});

const mappingsSchema = z.record(
  z.string(),
  z.looseObject({
    mappings: z.looseObject({
      _source: z
        .looseObject({
          enabled: z.boolean().optional(),
          mode: z.string().optional(),
          includes: z.array(z.string()).optional(),
          excludes: z.array(z.string()).optional(),
        })
        .optional(),
      runtime: z.record(z.string(), z.unknown()).optional(),
      properties: z.record(z.string(), z.unknown()).optional(),
    }),
  }),
);
export type Mappings = z.infer<typeof mappingsSchema>;

/** @throws SourceConfigurationError if there is no such index */
export function readMappings(
  connection: ElasticsearchConnection,
  index: string,
): Promise<Mappings> {
  return connection.json(
    {
      method: "GET",
      path: `/${encodeURIComponent(index)}/_mapping`,
      query: { ignore_unavailable: "false", allow_no_indices: "false" },
    },
    mappingsSchema,
  );
}

/** One tree of all fields of all indices; how the indices differ is in it. */
export function mergeMappings(mappings: Mappings): MergedMapping {
  const fields = new Map<string, MappedField>();
  const copies = new Set<string>();
  const remarks = new Set<string>();
  // The cluster gives its indices in any order.
  const inOrder = Object.entries(mappings).sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [index, { mappings: mapping }] of inOrder) {
    mergeInto(fields, mapping.properties ?? {}, [], copies);
    const runtime = Object.keys(mapping.runtime ?? {});
    if (runtime.length > 0)
      remarks.add(
        `Runtime fields are computed by searches and not in the documents, so they are left out: ${runtime.join(", ")}.`,
      );
    const { enabled, mode, includes, excludes } = mapping._source ?? {};
    if (enabled === false || mode === "disabled")
      remarks.add(
        `The index ${index} keeps no _source, so its documents cannot be read. Reindex it with _source.`,
      );
    else if (includes !== undefined || excludes !== undefined)
      remarks.add(`The index ${index} keeps a part of _source only: left-out fields come as null.`);
    if (mode === "synthetic")
      remarks.add(
        `The index ${index} makes _source anew from its fields: lists come sorted and without repetitions.`,
      );
  }
  if (copies.size > 0)
    remarks.add(
      `Filled by copy_to and not in the documents, unless somebody writes them too: ${[...copies].join(", ")}.`,
    );
  return { indices: Object.keys(mappings), fields, remarks: [...remarks] };
}

function mergeInto(
  fields: Map<string, MappedField>,
  properties: Readonly<Record<string, unknown>>,
  parent: readonly string[],
  copies: Set<string>,
): void {
  for (const [dotted, given] of Object.entries(properties)) {
    const property = propertySchema.parse(given);
    // With `subobjects: false` a property's name has dots in it.
    const names = dotted.split(".");
    let level = fields;
    let path = parent;
    for (const name of names.slice(0, -1)) {
      path = [...path, name];
      const field = fieldOf(level, name, path);
      if (!field.types.has("object")) field.types.set("object", 1);
      level = field.children;
    }
    const name = names.at(-1) ?? dotted;
    const field = fieldOf(level, name, [...path, name]);
    const type = property.type ?? "object";
    field.types.set(type, (field.types.get(type) ?? 0) + 1);
    if (property.format !== undefined) field.formats.add(property.format);
    if (property.index === false || property.doc_values === false) field.isUnsearchable = true;
    if (property.scaling_factor !== undefined) field.scalingFactors.add(property.scaling_factor);
    for (const sub of Object.keys(property.fields ?? {})) field.subFields.add(sub);
    for (const target of [property.copy_to ?? []].flat()) copies.add(target);
    const { dynamic } = property;
    if (
      property.enabled === false ||
      dynamic === true ||
      dynamic === "true" ||
      dynamic === "runtime"
    )
      field.isOpen = true;
    mergeInto(field.children, property.properties ?? {}, field.path, copies);
  }
}

function fieldOf(
  level: Map<string, MappedField>,
  name: string,
  path: readonly string[],
): MappedField {
  const known = level.get(name);
  if (known !== undefined) return known;
  const field: MappedField = {
    ...{ name, path, types: new Map(), formats: new Set(), scalingFactors: new Set() },
    ...{ subFields: new Set(), children: new Map(), isUnsearchable: false, isOpen: false },
  };
  level.set(name, field);
  return field;
}
