// Everything particular to Cassandra: full scans of the token ring, and where a table has them, an index or time buckets.
import type driver from "cassandra-driver";
import { z } from "zod";
import type { TableDefinition } from "../../catalog/definition.ts";
import type { Discovery } from "../discover/discovery.ts";
import type { SourceShape } from "../discover/shape.ts";
import type { JsonObject } from "../../contract/json.ts";
import { SourceConfigurationError } from "../../contract/errors.ts";
import type { Bounds } from "../../contract/records.ts";
import { BucketReader } from "./bucket-reader.ts";
import { checkSample, describeBuckets } from "./bucket-table.ts";
import { budgetFields, cassandra, addressSchema } from "./declaration.ts";
import { placeIn } from "../place.ts";
import { bucketStart, cutIntoBuckets } from "./buckets.ts";
import { cursorRange, cursorWindow, describeCursor } from "./cursor.ts";
import { checkIndex, type Described, describeTable, placeOf, typesOf } from "./describe.ts";
import { discoverTable, readShape } from "./discover.ts";
import { explainError, makeClient } from "./client.ts";
import type { RowSize } from "./page-size.ts";
import { type PagePlan, Pages } from "./pages.ts";
import { parseBucketPosition, parseRangePosition } from "./position.ts";
import type { Target } from "./query.ts";
import { RangeReader } from "./range-reader.ts";
import { type CassandraSecret, cassandraSecretSchema } from "./secret.ts";
import { readEstimates, splitsFor } from "./size-estimates.ts";
import { type TokenBounds, tileRing } from "./token-ranges.ts";
import type {
  ConnectSource,
  OpenRequest,
  PlannedWindow,
  SourceClient,
  SplitReader,
} from "../source.ts";

// Of a window that holds many buckets, so that lanes share them and the watermark moves while they are read.
const MOST_BUCKET_SPLITS = 16;

interface Window {
  readonly from: string | null;
  readonly to: string;
}

const ownBudgetSchema = z.strictObject(budgetFields);

export const connectCassandra: ConnectSource = ({ name, budget }, secret) =>
  new CassandraSource(
    name,
    cassandraSecretSchema.parse(secret),
    ownBudgetSchema.parse(budget.own).dataCenter,
  );

export class CassandraSource implements SourceClient {
  readonly #client: driver.Client;
  readonly #makeClient: () => driver.Client;
  readonly #where: string;
  readonly #dataCenter: string;
  /** What is known of rows' sizes, by table. */
  readonly #sizes = new Map<string, { value: RowSize | null }>();
  #isConnected = false;

  /** @param dataCenter whose replicas respond, in place of the secret's */
  constructor(sourceName: string, secret: CassandraSecret, dataCenter: string | null = null) {
    this.#where = `Source "${sourceName}" (${secret.contactPoints.join(", ")}, port ${secret.port})`;
    this.#dataCenter = dataCenter ?? secret.localDataCenter;
    this.#makeClient = () => makeClient(secret, this.#dataCenter);
    this.#client = this.#makeClient();
  }

  /**
   * Null for a table read by full scans. By an index the window ends the lag before now, by buckets it ends now; times are
   * milliseconds since 1970. The first window has no beginning: it is read by a full scan, which finds also what has no
   * cursor or lies in a bucket that nobody would ask for.
   * @throws SourceConfigurationError if the table has no SAI index on the cursor, or its partition key can't be listed
   */
  planWindow(
    table: TableDefinition,
    watermark: string | null,
    nowMillis: number,
  ): Promise<PlannedWindow | null> {
    return this.#asking(async () => {
      const described = await this.#describe(table);
      const { buckets } = placeOf(table);
      if (table.cursor !== null) {
        const { column } = describeCursor(described, table, table.cursor);
        await checkIndex(this.#client, described, table, column);
        return { ...cursorWindow(table.cursor, watermark, nowMillis), unit: "ms" };
      }
      if (buckets === undefined) return null;
      const shape = describeBuckets(described, table, buckets);
      await checkSample(this.#client, described, table, shape, nowMillis);
      const { unit, lateBuckets } = buckets;
      const from = watermark === null ? null : bucketStart(unit, Number(watermark), -lateBuckets);
      return { from: from === null ? null : String(from), to: String(nowMillis), unit: "ms" };
    });
  }

  /** @throws SourceConfigurationError if the table or a declared column does not exist */
  planRows(table: TableDefinition, window: Window | null): Promise<Bounds[]> {
    return this.#asking(async () => {
      const described = await this.#describe(table);
      typesOf(described, table, columnsOf(table, "rows"));
      const { splits, buckets } = placeOf(table);
      if (window?.from == null) return this.#cutRing(described, splits);
      const { from, to } = window;
      if (buckets === undefined)
        // What an index finds in a window is little, whatever the table's size.
        return tileRing(splits, this.#ringTokens()).map((range) => ({
          ...range,
          cursor: { from, to },
        }));
      const parts = cutIntoBuckets(buckets.unit, Number(from), Number(to), MOST_BUCKET_SPLITS);
      return parts.map((part) => ({ by: "cursor", from: String(part.from), to: String(part.to) }));
    });
  }

  planKeys(table: TableDefinition): Promise<Bounds[]> {
    const { splits, buckets } = placeOf(table);
    if (table.cursor === null && buckets === undefined)
      return Promise.reject(
        new SourceConfigurationError(
          `Table "${table.name}" declares deletes by "key-scan", but a full scan of Cassandra sees every key already. ` +
            'Declare deletes by "full-scan".',
        ),
      );
    return this.#asking(async () => {
      const described = await this.#describe(table);
      typesOf(described, table, columnsOf(table, "keys"));
      return this.#cutRing(described, splits);
    });
  }

  open(request: OpenRequest): Promise<SplitReader> {
    return this.#asking(async () => {
      const { table, kind, passNumber } = request;
      const described = await this.#describe(table);
      const columns = typesOf(described, table, columnsOf(table, kind));
      // Of a full scan of keys the cursor is looked at too, but not written.
      const looked = kind === "keys" && table.cursor !== null ? [table.cursor.field] : [];
      const target: Target = {
        ...{ keyspace: described.keyspace, table: described.table },
        columns: [...columns.map(({ name }) => name), ...looked],
        partitionKey: described.partitionKey,
        schema: JSON.stringify(columns),
      };
      const pages = new Pages(this.#client, {
        where: `${this.#where}, table ${described.keyspace}.${described.table},`,
        op: kind === "rows" ? "upsert" : "key",
        columns: columns.map(({ name }) => name),
        // No index finds rows without a cursor.
        countedColumn: looked.length === 0 ? null : columns.length,
        passNumber,
        pageRows: table.source.budget.pageRows,
        size: this.#sizeOf(`${kind} ${table.name}`),
        explain: (where, error) => this.#explain(where, error),
      });
      return request.bounds.by === "token"
        ? openRange(pages, target, described, request, request.bounds)
        : openBuckets(pages, target, described, request);
    });
  }

  describe(place: JsonObject): Promise<SourceShape> {
    return this.#asking(() =>
      readShape(this.#client, this.#where, placeIn(addressSchema, place, cassandra)),
    );
  }

  discover(place: JsonObject, options: { readonly documents: number }): Promise<Discovery> {
    return this.#asking(() =>
      discoverTable(this.#client, this.#where, placeIn(addressSchema, place, cassandra), options),
    );
  }

  /** A reader holds nothing at the cluster. */
  release(): Promise<void> {
    return Promise.resolve();
  }

  async close(): Promise<void> {
    await this.#client.shutdown();
  }

  #explain(where: string, error: unknown): Promise<Error> {
    return explainError(where, error, this.#makeClient);
  }

  #describe(table: TableDefinition): Promise<Described> {
    return describeTable(this.#client, this.#where, table);
  }

  async #cutRing(described: Described, leastSplits: number): Promise<TokenBounds[]> {
    const estimates = await readEstimates(this.#client, this.#hosts(), described);
    return tileRing(splitsFor(estimates, leastSplits), this.#ringTokens());
  }

  #hosts(): driver.Host[] {
    return this.#client.hosts.values().filter((host) => host.datacenter === this.#dataCenter);
  }

  #ringTokens(): bigint[] {
    return this.#hosts().flatMap(({ tokens }) => tokens.map(BigInt));
  }

  #sizeOf(key: string): PagePlan["size"] {
    const size = this.#sizes.get(key) ?? { value: null };
    this.#sizes.set(key, size);
    return size;
  }

  async #asking<T>(request: () => Promise<T>): Promise<T> {
    try {
      if (!this.#isConnected) await this.#client.connect();
      this.#isConnected = true;
      return await request();
    } catch (error) {
      throw await this.#explain(this.#where, error);
    }
  }
}

function openRange(
  pages: Pages,
  target: Target,
  described: Described,
  { table, position, warn }: OpenRequest,
  bounds: TokenBounds,
): SplitReader {
  const plan = {
    target,
    after: BigInt(bounds.after),
    upTo: BigInt(bounds.upTo),
    cursor:
      bounds.cursor === undefined
        ? null
        : cursorRange(
            describeCursor(described, table, orChanged(table, table.cursor)),
            bounds.cursor,
          ),
  };
  const at = position === null ? null : parseRangePosition(position);
  return new RangeReader(pages, plan, at, warn);
}

function openBuckets(
  pages: Pages,
  target: Target,
  described: Described,
  { table, position, bounds }: OpenRequest,
): SplitReader {
  const { from, to } = orChanged(table, bounds.by === "cursor" ? bounds : null);
  const buckets = orChanged(table, placeOf(table).buckets);
  const shape = describeBuckets(described, table, buckets);
  const plan = {
    // A page state and a position count partitions of one list of values.
    target: { ...target, schema: `${target.schema} ${JSON.stringify(buckets)}` },
    unit: buckets.unit,
    column: shape.column,
    write: shape.form.write,
    others: shape.others,
    from: bucketStart(buckets.unit, Number(orChanged(table, from))),
    to: Number(orChanged(table, to)),
  };
  return new BucketReader(pages, plan, position === null ? null : parseBucketPosition(position));
}

/** @throws SourceConfigurationError if a split of an open pass needs what the table's file does not declare any more */
function orChanged<T>(table: TableDefinition, value: T | null | undefined): T {
  if (value !== null && value !== undefined) return value;
  throw new SourceConfigurationError(
    `Table "${table.name}" is read from Cassandra, but its split was planned for another way to find changes. ` +
      'Its "changes" or its source was changed while a pass was open; undo that, or remove the pass from the ledger.',
  );
}

/** The exact names of the source's columns that a pass reads. */
function columnsOf(table: TableDefinition, kind: OpenRequest["kind"]): string[] {
  const columns =
    kind === "rows" ? table.columns : table.columns.filter(({ name }) => table.key.includes(name));
  return [...new Set(columns.map(({ path }) => path[0] ?? ""))];
}
