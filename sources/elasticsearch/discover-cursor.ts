// Asks an index about the fields that may be its cursor: their range, their gaps, and how they follow the order of writing.
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { canBeAsked, cursorCandidate } from "../discover/cursor-choice.ts";
import {
  CLOCKS_DIFFER_MILLIS,
  type CursorEvidence,
  millisOf,
} from "../discover/cursor-evidence.ts";
import type { FoundField } from "../discover/discovery.ts";
import { ExactNumber, parseExact } from "../discover/exact-json.ts";
import { SourceUnavailableError } from "../../contract/errors.ts";
import type { ElasticsearchConnection } from "./connection.ts";
import { cursorUnit, type CursorUnit, rangeQuery, timeInUnit } from "./cursor.ts";
import { countMatching, type CursorField, findExtreme } from "./inspection.ts";
import type { SearchLoad } from "./load.ts";

/** Each costs a cluster four small requests. */
const MOST_CANDIDATES = 5;
const MOST_ON_EACH_SIDE = 100;
/** A small index may have its documents in any of its shards. */
const MOST_SHARDS = 5;
const ENOUGH_DOCUMENTS = 20;

const GENTLE: SearchLoad = { shardsAtOnce: 1, preference: null };
const existing = { ignore_unavailable: "false", allow_no_indices: "false" };

interface Candidate {
  readonly field: FoundField;
  readonly name: string;
  readonly unit: CursorUnit;
}

export interface EvidenceOptions {
  readonly documents: number;
  readonly dutyCycle: number;
}

/** The fields, with what was found about those that may be the cursor. Without documents to sample nothing is asked. */
export async function withCursorEvidence(
  connection: ElasticsearchConnection,
  index: string,
  fields: readonly FoundField[],
  { documents, dutyCycle }: EvidenceOptions,
): Promise<FoundField[]> {
  const candidates = fields
    .flatMap((field) => {
      const rank = cursorCandidate(field)?.rank;
      const unit = cursorUnit(field.sourceType.split(" and "));
      if (rank === undefined || unit === null || !canBeAsked(field)) return [];
      return [{ field, name: field.path.join("."), unit, rank }];
    })
    .sort((a, b) => b.rank - a.rank)
    .slice(0, MOST_CANDIDATES);
  if (documents === 0 || candidates.length === 0) return [...fields];
  const asker = new Asker(connection, index, dutyCycle);
  const found = await asker.ask(candidates, Math.ceil(documents / 2));
  return fields.map((field) => ({ ...field, cursorEvidence: found.get(field) ?? null }));
}

class Asker {
  readonly #connection: ElasticsearchConnection;
  readonly #index: string;
  readonly #dutyCycle: number;

  constructor(connection: ElasticsearchConnection, index: string, dutyCycle: number) {
    this.#connection = connection;
    this.#index = index;
    this.#dutyCycle = dutyCycle;
  }

  async ask(
    candidates: readonly Candidate[],
    onEachSide: number,
  ): Promise<Map<FoundField, CursorEvidence>> {
    const nowMillis = Date.now();
    const place = { index: this.#index, load: GENTLE };
    const documents = await this.#gently(() =>
      countMatching(this.#connection, place, '{"match_all":{}}'),
    );
    const written = await this.#readWritten(candidates, onEachSide, documents);
    const found = new Map<FoundField, CursorEvidence>();
    for (const { field, name, unit } of candidates) {
      const cursor: CursorField = { ...place, field: name, unit };
      const exists = rangeQuery(name, unit, null, null);
      const missing = await this.#gently(() =>
        countMatching(this.#connection, place, `{"bool":{"must_not":${exists}}}`),
      );
      const least = await this.#gently(() => findExtreme(this.#connection, cursor, "asc"));
      const greatest = await this.#gently(() => findExtreme(this.#connection, cursor, "desc"));
      const future = await this.#countFuture(cursor, greatest, nowMillis);
      const series = written.map((hits) => hits.map((values) => values.get(name) ?? []));
      found.set(field, {
        ...{ unit, documents, missing, least, greatest, future, nowMillis },
        written: series,
      });
    }
    return found;
  }

  /** How many documents lie after now: all of their values may, or one that a clock made. */
  async #countFuture(
    cursor: CursorField,
    greatest: bigint | null,
    nowMillis: number,
  ): Promise<number> {
    const { field, unit } = cursor;
    const latest = nowMillis + CLOCKS_DIFFER_MILLIS;
    const millis = greatest === null ? null : millisOf(greatest, unit);
    if (greatest === null || millis === null || millis <= latest) return 0;
    const inSeconds = unit === "value" && greatest < 100_000_000_000n;
    const from =
      unit === "value"
        ? BigInt(Math.floor(inSeconds ? latest / 1000 : latest))
        : timeInUnit(latest, unit);
    return this.#gently(() =>
      countMatching(this.#connection, cursor, rangeQuery(field, unit, from, null)),
    );
  }

  /** The candidates' values in the documents that were written first and last, in the order of writing. */
  async #readWritten(
    candidates: readonly Candidate[],
    onEachSide: number,
    documents: number,
  ): Promise<Map<string, bigint[]>[][]> {
    const size = Math.min(MOST_ON_EACH_SIDE, onEachSide);
    const shards = await this.#gently(() => this.#countShards());
    const series: Map<string, bigint[]>[][] = [];
    let sampled = 0;
    for (let shard = 0; shard < Math.min(shards, MOST_SHARDS); shard += 1) {
      const hits = new Map<string, Map<bigint, Map<string, bigint[]>>>();
      for (const order of ["asc", "desc"] as const) {
        const page = await this.#gently(() => this.#readPage(candidates, shard, order, size));
        for (const { index, number, values } of page) {
          const ofIndex = hits.get(index) ?? new Map<bigint, Map<string, bigint[]>>();
          hits.set(index, ofIndex.set(number, values));
        }
      }
      for (const ofIndex of hits.values()) {
        const inOrder = [...ofIndex].sort(([a], [b]) => (a < b ? -1 : 1));
        series.push(inOrder.map(([, values]) => values));
        sampled += inOrder.length;
      }
      if (sampled >= Math.min(ENOUGH_DOCUMENTS, documents)) break;
    }
    return series;
  }

  async #countShards(): Promise<number> {
    const settings = await this.#connection.json(
      {
        method: "GET",
        path: `/${encodeURIComponent(this.#index)}/_settings/index.number_of_shards`,
        query: { flat_settings: "true", ...existing },
      },
      shardsSchema,
    );
    const counts = Object.values(settings).map(({ settings: own }) =>
      Number(own["index.number_of_shards"]),
    );
    return Math.max(1, ...counts);
  }

  async #readPage(
    candidates: readonly Candidate[],
    shard: number,
    order: "asc" | "desc",
    size: number,
  ): Promise<{ index: string; number: bigint; values: Map<string, bigint[]> }[]> {
    const request = {
      method: "POST",
      path: `/${encodeURIComponent(this.#index)}/_search`,
      query: {
        ...{ allow_partial_search_results: "false", max_concurrent_shard_requests: "1" },
        // The numbers of writes are each shard's own.
        ...{ preference: `_shards:${shard}`, ...existing },
      },
      body: JSON.stringify({
        ...{ size, track_total_hits: false, _source: false, seq_no_primary_term: true },
        docvalue_fields: candidates.map(({ name, unit }) =>
          unit === "value" ? { field: name } : { field: name, format: "epoch_millis" },
        ),
        sort: [{ _seq_no: order }],
      }),
    } as const;
    const body = await this.#connection.request(request);
    const response = responseSchema.safeParse(parseExact(body.toString("utf8")));
    if (!response.success)
      throw new SourceUnavailableError(
        `${this.#connection.where(request)} gave a response that is not whole: ${z.prettifyError(response.error)}`,
      );
    return response.data.hits.hits.map(({ _index, _seq_no, fields }) => ({
      index: _index,
      number: BigInt(_seq_no.text),
      values: new Map(
        candidates.map(({ name, unit }) => [
          name,
          (fields?.[name] ?? []).flatMap((value) => inUnit(value, unit) ?? []),
        ]),
      ),
    }));
  }

  async #gently<T>(request: () => Promise<T>): Promise<T> {
    const started = performance.now();
    const response = await request();
    const millis = performance.now() - started;
    await sleep((millis * (1 - this.#dutyCycle)) / this.#dutyCycle);
    return response;
  }
}

/** A value of `docvalue_fields`: a number, or milliseconds as text with the remainder behind a point. */
function inUnit(value: unknown, unit: CursorUnit): bigint | null {
  const text = value instanceof ExactNumber ? value.text : value;
  const match = typeof text === "string" ? /^(-?\d+)(?:\.(\d+))?$/.exec(text) : null;
  const [, whole = "", fraction = ""] = match ?? [];
  if (match === null) return null;
  return unit === "ns" ? BigInt(whole + fraction.padEnd(6, "0").slice(0, 6)) : BigInt(whole);
}

const isNone = (value: unknown): boolean => value instanceof ExactNumber && value.text === "0";

const shardsSchema = z.record(
  z.string(),
  z.looseObject({ settings: z.looseObject({ "index.number_of_shards": z.string() }) }),
);

const responseSchema = z.looseObject({
  timed_out: z.literal(false),
  _shards: z.looseObject({ failed: z.custom<ExactNumber>(isNone, "some shards failed") }),
  hits: z.looseObject({
    hits: z.array(
      z.looseObject({
        _index: z.string(),
        _seq_no: z.instanceof(ExactNumber),
        fields: z.record(z.string(), z.array(z.unknown())).optional(),
      }),
    ),
  }),
});
