// What has been written to an index by now, by the numbers that its shards give to writes.
import { z } from "zod";
import { ExactNumber, parseExact } from "../discover/exact-json.ts";
import { ProtocolError } from "../../contract/errors.ts";
import type { ElasticsearchConnection } from "./connection.ts";
import { rangeQuery } from "./cursor.ts";
import { countMatching, type CursorField, identifyIndices } from "./inspection.ts";
import { preferenceQuery, type SearchLoad, shardsQuery } from "./load.ts";

const markSchema = z.strictObject({
  format: z.literal(1),
  /** The indices whose numbers these are. */
  indices: z.string(),
  /** The greatest number of all shards; -1 before the first write. */
  number: z.string().regex(/^-?\d+$/),
});

const isNone = (value: unknown): boolean => value instanceof ExactNumber && value.text === "0";

const responseSchema = z.looseObject({
  timed_out: z.literal(false),
  _shards: z.looseObject({ failed: z.custom<ExactNumber>(isNone, "some shards failed") }),
  hits: z.looseObject({
    hits: z.array(z.looseObject({ sort: z.tuple([z.instanceof(ExactNumber)]) })),
  }),
});

/** What has a greater number later, in whichever shard, was written after this was asked. */
export async function markWrites(
  connection: ElasticsearchConnection,
  index: string,
  load: SearchLoad,
): Promise<string> {
  const indices = await identifyIndices(connection, index);
  const request = {
    method: "POST",
    path: `/${encodeURIComponent(index)}/_search`,
    query: {
      ...{ ignore_unavailable: "false", allow_no_indices: "false" },
      ...{ allow_partial_search_results: "false", ...preferenceQuery(load), ...shardsQuery(load) },
    },
    body: '{"size":1,"track_total_hits":false,"_source":false,"sort":[{"_seq_no":"desc"}]}',
  } as const;
  const body = await connection.request(request);
  const response = responseSchema.safeParse(parseExact(body.toString("utf8")));
  if (!response.success)
    throw new ProtocolError(
      `${connection.where(request)} gave a response of another form: ${z.prettifyError(response.error)}`,
    );
  const number = response.data.hits.hits[0]?.sort[0].text ?? "-1";
  return JSON.stringify({ format: 1, indices, number } satisfies z.infer<typeof markSchema>);
}

/**
 * How many documents were certainly written after the mark and have no cursor value from `from` on, but one before it.
 * Those in shards with smaller numbers than the mark's are not counted, and none once the indices are others.
 */
export async function countBehind(
  connection: ElasticsearchConnection,
  cursor: CursorField,
  mark: string,
  from: bigint,
): Promise<number> {
  const parsed = markSchema.safeParse(JSON.parse(mark));
  if (!parsed.success) return 0;
  const { indices, number } = parsed.data;
  if (indices !== (await identifyIndices(connection, cursor.index))) return 0;
  const { field, unit } = cursor;
  return countMatching(
    connection,
    cursor,
    `{"bool":{"filter":[{"range":{"_seq_no":{"gt":${number}}}},${rangeQuery(field, unit, null, from)}],` +
      `"must_not":${rangeQuery(field, unit, from, null)}}}`,
  );
}
