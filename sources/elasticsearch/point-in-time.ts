// Opens and closes points in time: an index as it was at one moment, which a reading pages through.
import { z } from "zod";
import { SourceUnavailableError } from "../../contract/errors.ts";
import { type ElasticsearchConnection, PointInTimeLostError } from "./connection.ts";
import { preferenceQuery, type SearchLoad, shardsQuery } from "./load.ts";

/** How long a point in time lives without a request. */
export const KEEP_ALIVE = "5m";

const openedSchema = z.looseObject({
  id: z.string(),
  _shards: z.looseObject({ failed: z.number() }).optional(),
});

/** The copies that respond are chosen here: a search in a point in time does not take a `preference`. */
export async function openPointInTime(
  connection: ElasticsearchConnection,
  index: string,
  load: SearchLoad,
): Promise<string> {
  const request = {
    method: "POST",
    path: `/${encodeURIComponent(index)}/_pit`,
    query: {
      keep_alive: KEEP_ALIVE,
      allow_partial_search_results: "false",
      ...preferenceQuery(load),
      ...shardsQuery(load),
    },
  } as const;
  const opened = await connection.json(request, openedSchema);
  if ((opened._shards?.failed ?? 0) === 0) return opened.id;
  await closePointInTime(connection, opened.id);
  throw new SourceUnavailableError(
    `${connection.where(request)} could not reach all shards (${opened._shards?.failed ?? 0} failed). ` +
      "A partial point in time is not read.",
  );
}

/** Closes it; one that is gone already is a success. */
export async function closePointInTime(
  connection: ElasticsearchConnection,
  id: string,
): Promise<void> {
  try {
    await connection.request({ method: "DELETE", path: "/_pit", body: JSON.stringify({ id }) });
  } catch (error) {
    if (!(error instanceof PointInTimeLostError)) throw error;
  }
}
