// What planning asks a cluster about an index: the cursor's type, its extremes, counts and the refresh interval.
import { createHash } from "node:crypto";
import { z } from "zod";
import type { TableDefinition } from "../../catalog/definition.ts";
import {
  ProtocolError,
  SourceConfigurationError,
  SourceUnavailableError,
} from "../../contract/errors.ts";
import type { ElasticsearchConnection } from "./connection.ts";
import {
  cursorSort,
  cursorUnit,
  type CursorUnit,
  rangeQuery,
  SMALLEST_LONG,
  tieBreakerType,
} from "./cursor.ts";
import { loadOf, preferenceQuery, type SearchLoad, shardsQuery } from "./load.ts";
import { cutPage } from "./search-page.ts";

export interface CursorField {
  readonly index: string;
  readonly field: string;
  readonly unit: CursorUnit;
  readonly load: SearchLoad;
}

const existing = { ignore_unavailable: "false", allow_no_indices: "false" };

const fieldCapabilitiesSchema = z.looseObject({
  indices: z.array(z.string()),
  failed_indices: z.number().optional(),
  fields: z.record(
    z.string(),
    z.record(
      z.string(),
      z.looseObject({ type: z.string(), searchable: z.boolean(), aggregatable: z.boolean() }),
    ),
  ),
});

/** @throws SourceConfigurationError if the field is missing or can't be a cursor */
export async function findCursorField(
  connection: ElasticsearchConnection,
  table: TableDefinition,
  index: string,
): Promise<CursorField> {
  const field = table.cursor?.field;
  if (field === undefined)
    throw new SourceConfigurationError(
      `Table "${table.name}" has no cursor any more, but its split is a range of one: the cursor was removed while a ` +
        "pass was open. Remove the pass from the ledger, or put the cursor back until it is read.",
    );
  const found = await describeField(connection, index, field);
  const where = `Table "${table.name}": the cursor field "${field}" of index "${index}"`;
  if (found.length === 0)
    throw new SourceConfigurationError(
      `${where} does not exist in the mapping. Correct the cursor's column or its path in the table's file.`,
    );
  const types = found.map(({ type }) => type);
  const unit = cursorUnit(types);
  if (unit === null)
    throw new SourceConfigurationError(
      `${where} has the type ${types.join(" and ")}. A cursor must be date, date_nanos, long, integer, short or byte, ` +
        "and the same in all indices of an alias. Choose another field.",
    );
  if (!found.every(({ searchable, aggregatable }) => searchable && aggregatable))
    throw new SourceConfigurationError(
      `${where} is mapped without "index" or "doc_values", so it cannot be searched and sorted by. ` +
        "Map it with both, or choose another field.",
    );
  return { index, field, unit, load: loadOf(table) };
}

/** A unique field that a sort can order the rows of one cursor value by. */
export interface TieBreaker {
  readonly field: string;
  readonly type: "keyword" | "long";
}

/** The element of a sort by it; documents without it come last. */
export function uniqueSort({ field, type }: TieBreaker): string {
  return `{${JSON.stringify(field)}:{"order":"asc","missing":"_last","unmapped_type":"${type}"}}`;
}

/** As JSON text, what no value sorts before. */
export function smallestValue({ type }: TieBreaker): string {
  return type === "keyword" ? '""' : String(SMALLEST_LONG);
}

/** Null if the field is not in the mapping or cannot be sorted by. */
export async function findTieBreaker(
  connection: ElasticsearchConnection,
  index: string,
  field: string,
): Promise<TieBreaker | null> {
  const found = await describeField(connection, index, field);
  const type = tieBreakerType(found.map((one) => one.type));
  return type !== null && found.every(({ aggregatable }) => aggregatable) ? { field, type } : null;
}

type FieldCapability = z.infer<typeof fieldCapabilitiesSchema>["fields"][string][string];

/** One entry per mapping type that the field has in the indices of an alias; none if no index has it. */
async function describeField(
  connection: ElasticsearchConnection,
  index: string,
  field: string,
): Promise<FieldCapability[]> {
  const request = {
    method: "GET",
    path: `/${encodeURIComponent(index)}/_field_caps`,
    query: { fields: field, ...existing },
  } as const;
  const response = await connection.json(request, fieldCapabilitiesSchema);
  if ((response.failed_indices ?? 0) > 0)
    throw new SourceUnavailableError(
      `${connection.where(request)} could not look into ${response.failed_indices ?? 0} indices.`,
    );
  return Object.values(response.fields[field] ?? {});
}

const countSchema = z.looseObject({
  count: z.int().nonnegative(),
  _shards: z.looseObject({ failed: z.number() }),
});

/** How many documents have a cursor in `[from, to)`. */
export function countRows(
  connection: ElasticsearchConnection,
  cursor: CursorField,
  from: bigint | null,
  to: bigint,
): Promise<number> {
  return countMatching(connection, cursor, rangeQuery(cursor.field, cursor.unit, from, to));
}

/** How many documents have no cursor at all, and so are in no window. */
export function countWithoutCursor(
  connection: ElasticsearchConnection,
  cursor: CursorField,
): Promise<number> {
  const exists = rangeQuery(cursor.field, cursor.unit, null, null);
  return countMatching(connection, cursor, `{"bool":{"must_not":${exists}}}`);
}

/** @param query as JSON text */
export async function countMatching(
  connection: ElasticsearchConnection,
  { index, load }: Pick<CursorField, "index" | "load">,
  query: string,
): Promise<number> {
  const request = {
    method: "POST",
    path: `/${encodeURIComponent(index)}/_count`,
    query: { ...existing, ...preferenceQuery(load) },
    body: `{"query":${query}}`,
  } as const;
  const response = await connection.json(request, countSchema);
  rejectFailedShards(connection.where(request), response._shards.failed, false);
  return response.count;
}

/** The smallest (`asc`) or greatest (`desc`) cursor value that occurs, or null if none does. */
export async function findExtreme(
  connection: ElasticsearchConnection,
  { index, field, unit, load }: CursorField,
  order: "asc" | "desc",
): Promise<bigint | null> {
  const request = {
    method: "POST",
    path: `/${encodeURIComponent(index)}/_search`,
    query: {
      ...existing,
      allow_partial_search_results: "false",
      ...preferenceQuery(load),
      ...shardsQuery(load),
    },
    body:
      `{"size":1,"track_total_hits":false,"_source":false,"query":${rangeQuery(field, unit, null, null)},` +
      `"sort":[${cursorSort(field, unit, order)}]}`,
  } as const;
  const response = await connection.request(request);
  const page = cutPage(response, {
    ...{ op: "key", version: "cursor", observedAt: 0, hasDocument: false, keep: null },
  });
  rejectFailedShards(connection.where(request), page.failedShards, page.timedOut);
  if (page.firstCursor === null) return null;
  if (/^-?\d+$/.test(page.firstCursor)) return BigInt(page.firstCursor);
  throw new ProtocolError(
    `${connection.where(request)} sorted by ${page.firstCursor}, which is not an integer.`,
  );
}

const identitySchema = z.record(
  z.string(),
  z.looseObject({ settings: z.looseObject({ "index.uuid": z.string() }) }),
);

/** The indices behind an alias or pattern, by their ids; another text as soon as one is added, removed or made again. */
export async function identifyIndices(
  connection: ElasticsearchConnection,
  index: string,
): Promise<string> {
  const found = await connection.json(
    {
      method: "GET",
      path: `/${encodeURIComponent(index)}/_settings/index.uuid`,
      query: { flat_settings: "true", ...existing },
    },
    identitySchema,
  );
  const ids = Object.values(found).map(({ settings }) => settings["index.uuid"]);
  return createHash("sha256").update(ids.sort().join()).digest("hex").slice(0, 16);
}

const settingsSchema = z.record(
  z.string(),
  z.looseObject({ settings: z.record(z.string(), z.string()) }),
);
const REFRESH_SETTING = "index.refresh_interval";
const DEFAULT_REFRESH_MILLIS = 1000;

/** @throws SourceConfigurationError if a row could become searchable only after the window that it belongs to */
export async function rejectShortLag(
  connection: ElasticsearchConnection,
  table: TableDefinition,
  index: string,
  lagSeconds: number,
): Promise<void> {
  const settings = await connection.json(
    {
      method: "GET",
      path: `/${encodeURIComponent(index)}/_settings/${REFRESH_SETTING}`,
      query: { flat_settings: "true", ...existing },
    },
    settingsSchema,
  );
  for (const [name, entry] of Object.entries(settings)) {
    const text = entry.settings[REFRESH_SETTING];
    const millis = text === undefined ? DEFAULT_REFRESH_MILLIS : durationMillis(text);
    if (millis === null)
      throw new SourceConfigurationError(
        `Table "${table.name}": the index "${name}" has ${REFRESH_SETTING} ${text ?? ""}, so new rows may never become ` +
          "searchable and no lag is long enough. Set a refresh interval on the index.",
      );
    if (lagSeconds * 1000 <= millis)
      throw new SourceConfigurationError(
        `Table "${table.name}": the cursor's lagSeconds is ${lagSeconds}, but the index "${name}" makes rows searchable ` +
          `only every ${millis / 1000} s (${REFRESH_SETTING}). Set lagSeconds above ${millis / 1000}, with room for the clocks' skew.`,
      );
  }
}

const unitMillis: Readonly<Record<string, number>> = {
  nanos: 1e-6,
  micros: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A duration of Elasticsearch ("30s") in milliseconds; null for one that never ends ("-1") or is not understood. */
export function durationMillis(text: string): number | null {
  const match = /^(\d+)(nanos|micros|ms|s|m|h|d)?$/.exec(text.trim().toLowerCase());
  if (match === null) return null;
  const unit = unitMillis[match[2] ?? "ms"];
  return unit === undefined ? null : Number(match[1]) * unit;
}

function rejectFailedShards(where: string, failed: number, timedOut: boolean): void {
  if (failed === 0 && !timedOut) return;
  throw new SourceUnavailableError(
    `${where} returned a part only (${failed} shards failed, timed out: ${timedOut}). A partial response is not used.`,
  );
}
