// What fields an index, alias or pattern has, merged over its indices by the cluster itself: two small responses.
import { z } from "zod";
import { SourceUnavailableError } from "../../contract/errors.ts";
import type { SourceFields, SourceType } from "../../contract/source-fields.ts";
import type { SourceShape } from "../discover/shape.ts";
import type { ElasticsearchConnection } from "./connection.ts";

const existing = { ignore_unavailable: "false", allow_no_indices: "false" };

const capabilitiesSchema = z.looseObject({
  failed_indices: z.number().optional(),
  fields: z.record(z.string(), z.record(z.string(), z.unknown())),
});

/** @throws SourceConfigurationError if there is no such index; SourceUnavailableError if a part did not respond */
export async function readShape(
  connection: ElasticsearchConnection,
  index: string,
): Promise<SourceShape> {
  const request = {
    method: "GET",
    path: `/${encodeURIComponent(index)}/_field_caps`,
    query: { fields: "*", filters: "-metadata,-multifield", ...existing },
  } as const;
  const response = await connection.json(request, capabilitiesSchema);
  if ((response.failed_indices ?? 0) > 0)
    throw new SourceUnavailableError(
      `${connection.where(request)} could not look into ${response.failed_indices ?? 0} indices.`,
    );
  // Objects with `enabled: false` are missing from responses about fields, and are often declared as json.
  const { disabled, hidesFields } = await readClosedPlaces(connection, index);
  const object = { object: {} };
  const closed = Object.fromEntries(disabled.map((path) => [path, object]));
  return { fields: treeOf({ ...closed, ...response.fields }), hidesFields };
}

const placeSchema = z.looseObject({
  enabled: z.unknown().optional(),
  dynamic: z.unknown().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
});

async function readClosedPlaces(
  connection: ElasticsearchConnection,
  index: string,
): Promise<{ disabled: string[]; hidesFields: boolean }> {
  const mappings = await connection.json(
    {
      method: "GET",
      path: `/${encodeURIComponent(index)}/_mapping`,
      query: { filter_path: "**.enabled,**.dynamic", ...existing },
    },
    z.record(z.string(), z.looseObject({ mappings: z.unknown().optional() })),
  );
  const disabled = new Set<string>();
  let hidesFields = false;
  const look = (given: unknown, path: readonly string[]): void => {
    const place = placeSchema.safeParse(given);
    if (!place.success) return;
    const { enabled, dynamic, properties } = place.data;
    // A field that is itself called so has an object there.
    if (enabled === false || enabled === "false") disabled.add(path.join("."));
    if (dynamic === false || dynamic === "false") hidesFields = true;
    for (const [name, property] of Object.entries(properties ?? {}))
      look(property, [...path, name]);
  };
  for (const { mappings: mapping } of Object.values(mappings)) look(mapping, []);
  return { disabled: [...disabled].filter((path) => path !== ""), hidesFields };
}

interface Node {
  types: string[];
  readonly children: Map<string, Node>;
}

/** @param fields their types by their dotted paths; `unmapped` is not a type */
function treeOf(fields: Readonly<Record<string, Readonly<Record<string, unknown>>>>): SourceFields {
  const root = new Map<string, Node>();
  for (const [dotted, byType] of Object.entries(fields)) {
    const names = dotted.split(".");
    let level = root;
    for (const [at, name] of names.entries()) {
      const node = level.get(name) ?? { types: [], children: new Map<string, Node>() };
      level.set(name, node);
      if (at === names.length - 1)
        node.types = Object.keys(byType)
          .filter((type) => type !== "unmapped")
          .sort();
      level = node.children;
    }
  }
  return fieldsOf(root);
}

function fieldsOf(level: ReadonlyMap<string, Node>): SourceFields {
  return Object.fromEntries(
    [...level].map(([name, { types, children }]): [string, SourceType] => [
      name,
      {
        types: types.length > 0 ? types : ["object"],
        ...(children.size === 0 ? {} : { fields: fieldsOf(children) }),
      },
    ]),
  );
}
