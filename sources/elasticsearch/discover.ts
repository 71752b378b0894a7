// Discovers an index, alias or pattern: its mapping, how soon rows become searchable, and a gentle sample of documents.
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { Discovery } from "../discover/discovery.ts";
import { ExactNumber, parseExact } from "../discover/exact-json.ts";
import { observe } from "../discover/observe.ts";
import { SourceConfigurationError, SourceUnavailableError } from "../../contract/errors.ts";
import { ResponseTooLargeError, type ElasticsearchConnection } from "./connection.ts";
import { withCursorEvidence } from "./discover-cursor.ts";
import { readFields } from "./discover-fields.ts";
import { mergeMappings, readMappings, type MappedField } from "./discover-mapping.ts";
import { durationMillis } from "./inspection.ts";

export interface SampleOptions {
  readonly documents: number;
  /** The fraction of the time that the source may be asked, as in its budget. */
  readonly dutyCycle: number;
}

/** @throws SourceConfigurationError if there is no such index, or it has no fields */
export async function discoverIndex(
  connection: ElasticsearchConnection,
  index: string,
  options: SampleOptions,
): Promise<Discovery> {
  const mapping = mergeMappings(await readMappings(connection, index));
  if (mapping.fields.size === 0)
    throw new SourceConfigurationError(
      `The index "${index}" has no mapped fields, so there is nothing to propose. Write documents first, or write the ` +
        "table's file by hand: unmapped fields can be read too, but not used as a cursor.",
    );
  const refresh = await readRefresh(connection, index);
  const sample = await sampleDocuments(connection, index, newestField(mapping.fields), options);
  const observed = observe(sample.documents);
  const read = readFields(mapping.fields, observed, mapping.indices.length);
  const fields = await withCursorEvidence(connection, index, read.fields, options);
  const { remarks } = read;
  const many =
    mapping.indices.length > 1
      ? [
          `"${index}" stands for ${mapping.indices.length} indices, whose mappings are merged here. An _id is unique in one index only.`,
        ]
      : [];
  return {
    ...{ system: "elasticsearch", place: { index }, description: null, fields },
    sampledDocuments: sample.documents.length,
    sampledIds: sample.ids,
    refreshSeconds: refresh.seconds,
    remarks: [...many, ...mapping.remarks, ...refresh.remarks, ...sample.remarks, ...remarks],
  };
}

const settingsSchema = z.record(
  z.string(),
  z.looseObject({ settings: z.record(z.string(), z.string()) }),
);
const REFRESH_SETTING = "index.refresh_interval";
const DEFAULT_REFRESH = "1s";

async function readRefresh(
  connection: ElasticsearchConnection,
  index: string,
): Promise<{ seconds: number; remarks: string[] }> {
  const settings = await connection.json(
    {
      method: "GET",
      path: `/${encodeURIComponent(index)}/_settings/${REFRESH_SETTING}`,
      query: { flat_settings: "true", ignore_unavailable: "false", allow_no_indices: "false" },
    },
    settingsSchema,
  );
  let seconds = 0;
  const never: string[] = [];
  for (const [name, entry] of Object.entries(settings)) {
    const millis = durationMillis(entry.settings[REFRESH_SETTING] ?? DEFAULT_REFRESH);
    if (millis === null) never.push(name);
    else seconds = Math.max(seconds, millis / 1000);
  }
  const remarks =
    never.length === 0
      ? []
      : [
          `${REFRESH_SETTING} of ${never.join(", ")} says never, so rows may never be found, and planning rejects the table until that is changed.`,
        ];
  return { seconds: seconds === 0 ? 1 : seconds, remarks };
}

/** A date by which the newest documents can be asked for, for half of the sample; the oldest ones are the other half. */
function newestField(fields: ReadonlyMap<string, MappedField>): string | null {
  const dates = [...fields.values()].filter(
    ({ types, isUnsearchable }) =>
      !isUnsearchable &&
      [...types.keys()].every((type) => type === "date" || type === "date_nanos"),
  );
  const named = dates.find(({ name }) => /updat|modif|chang|timestamp/i.test(name));
  return (named ?? dates[0])?.name ?? null;
}

interface Sample {
  readonly ids: string[];
  readonly documents: unknown[];
  readonly remarks: string[];
}

const FIRST_PAGE = 5;
const LARGEST_PAGE = 50;
/** About how large a response is to be. */
const PAGE_BYTES = 1_000_000;
const MOST_PAGE_BYTES = 32_000_000;
const MOST_SAMPLE_BYTES = 40_000_000;

/** Asks for a few documents at a time and pauses between, as extraction does. */
async function sampleDocuments(
  connection: ElasticsearchConnection,
  index: string,
  newest: string | null,
  { documents: wanted, dutyCycle }: SampleOptions,
): Promise<Sample> {
  const sample: Sample = { ids: [], documents: [], remarks: [] };
  const known = new Set<string>();
  let bytes = 0;
  let size = FIRST_PAGE;
  const orders = newest === null ? [null] : [null, newest];
  for (const [turn, order] of orders.entries()) {
    const until = Math.ceil((wanted * (turn + 1)) / orders.length);
    for (let from = 0; sample.documents.length < until;) {
      const pageSize = Math.min(size, until - sample.documents.length);
      const started = performance.now();
      let page;
      try {
        page = await readPage(connection, index, order, from, pageSize);
      } catch (error) {
        if (!(error instanceof ResponseTooLargeError)) throw error;
        sample.remarks.push(
          `Documents are very large (${error.message}), so only ${sample.documents.length} were sampled.`,
        );
        return sample;
      }
      const millis = performance.now() - started;
      bytes += page.bytes;
      from += page.hits.length;
      for (const { id, place, document } of page.hits) {
        if (known.has(place)) continue;
        known.add(place);
        sample.ids.push(id);
        sample.documents.push(document);
      }
      if (page.hits.length < pageSize || bytes > MOST_SAMPLE_BYTES) break;
      const each = Math.max(1, page.bytes / page.hits.length);
      size = Math.max(1, Math.min(LARGEST_PAGE, Math.floor(PAGE_BYTES / each)));
      await sleep((millis * (1 - dutyCycle)) / dutyCycle);
    }
  }
  return sample;
}

const isNone = (value: unknown): boolean => value instanceof ExactNumber && value.text === "0";

const responseSchema = z.looseObject({
  timed_out: z.literal(false),
  _shards: z.looseObject({ failed: z.custom<ExactNumber>(isNone, "some shards failed") }),
  hits: z.looseObject({
    hits: z.array(
      z.looseObject({ _index: z.string(), _id: z.string(), _source: z.unknown().optional() }),
    ),
  }),
});

async function readPage(
  connection: ElasticsearchConnection,
  index: string,
  order: string | null,
  from: number,
  size: number,
): Promise<{ hits: { id: string; place: string; document: unknown }[]; bytes: number }> {
  const sort =
    order === null
      ? ["_doc"]
      : [{ [order]: { order: "desc", missing: "_last", unmapped_type: "date" } }];
  const request = {
    method: "POST",
    path: `/${encodeURIComponent(index)}/_search`,
    query: {
      ...{ allow_partial_search_results: "false", max_concurrent_shard_requests: "1" },
      ...{ ignore_unavailable: "false", allow_no_indices: "false" },
    },
    body: JSON.stringify({ from, size, track_total_hits: false, _source: true, sort }),
    mostBytes: MOST_PAGE_BYTES,
  } as const;
  const body = await connection.request(request);
  const response = responseSchema.safeParse(parseExact(body.toString("utf8")));
  if (!response.success)
    throw new SourceUnavailableError(
      `${connection.where(request)} gave a response that is not whole: ${z.prettifyError(response.error)}`,
    );
  const hits = response.data.hits.hits.map(({ _index, _id, _source }) => ({
    id: _id,
    // An id is unique in its index only.
    place: `${_index}/${_id}`,
    document: _source ?? null,
  }));
  return { hits, bytes: body.length };
}
