// An Elasticsearch index that tests change while it is extracted.
import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { LoadBudgetDefinition, TableDefinition } from "../../../catalog/definition.ts";
import type { Table } from "../../../catalog/table.ts";
import { ElasticsearchSource } from "../../../sources/elasticsearch/elasticsearch.ts";
import { column, tableDefinition } from "../extract/fixtures.ts";
import { Cluster } from "../../sources/elasticsearch/cluster.ts";
import { canonical, type Doc, type LiveTable, type Rows } from "./live-table.ts";

/** `full-scan` goes with a table that has no cursor, so that the whole index is read each time. */
export type DeleteStrategy = "soft-delete" | "key-scan" | "full-scan";

/** A write to the index; a document of null removes. */
export interface IndexWrite {
  readonly code: string;
  readonly doc: Doc | null;
}

const properties = {
  code: { type: "keyword" },
  n: { type: "long" },
  text: { type: "keyword" },
  tags: { type: "keyword" },
  nested: { type: "object", enabled: false },
  deleted: { type: "boolean" },
};

const responseSchema = z.looseObject({
  hits: z.looseObject({
    hits: z.array(z.looseObject({ _id: z.string(), _source: z.record(z.string(), z.json()) })),
  }),
});

const described = { owner: "team", description: "d" };
const freely = {
  lanes: 2,
  dutyCycle: 1,
  maxRowsPerSecond: 1e9,
  maxBytesPerSecond: 1e9,
  pageRows: 7,
};

/** Rows with this cursor value or less are before all others: a cursor of 0 is never looked for. */
const firstCursor = 100;
const firstRows = 40;
/** Rows that share one cursor value. */
const tie = 5;

export const overlap = 10;
/** With soft deletes past rows are read again in each run, and far further back. */
const lateRows = { everyHours: 0, reachHours: 1 };

export class ElasticsearchTable implements LiveTable {
  readonly name: string;
  readonly client: ElasticsearchSource;
  readonly secret: { nodes: string[] };
  readonly #cluster: Cluster;
  readonly #index: string;
  readonly #deletes: DeleteStrategy;

  private constructor(cluster: Cluster, index: string, name: string, deletes: DeleteStrategy) {
    this.name = name;
    this.#cluster = cluster;
    this.#index = index;
    this.#deletes = deletes;
    this.secret = { nodes: [cluster.address] };
    this.client = new ElasticsearchSource("search", this.secret);
  }

  static async make(
    address: string,
    name: string,
    deletes: DeleteStrategy,
  ): Promise<ElasticsearchTable> {
    const cluster = new Cluster(address);
    const index = await cluster.makeIndex(properties);
    return new ElasticsearchTable(cluster, index, name, deletes);
  }

  get index(): string {
    return this.#index;
  }

  definition(budget: Partial<LoadBudgetDefinition>): TableDefinition {
    const definition = tableDefinition({
      name: this.name,
      system: "elasticsearch",
      key: ["code"],
      columns: [
        column("code"),
        column("n", "long"),
        column("text"),
        column("tags", { list: "string" }),
        column("nested", "json"),
        column("deleted", "boolean"),
      ],
      from: { index: this.#index },
      cursor: this.#deletes === "full-scan" ? null : this.#cursor(),
      budget: { pageRows: 7, ...budget },
    });
    const deletes = {
      "soft-delete": { strategy: "soft-delete" as const, column: "deleted" },
      "key-scan": { strategy: "key-scan" as const, everyHours: 0, maxShare: 1 },
      "full-scan": { strategy: "full-scan" as const, maxShare: 1 },
    }[this.#deletes];
    return { ...definition, deletes, source: { ...definition.source, name: "search" } };
  }

  #cursor(): NonNullable<TableDefinition["cursor"]> {
    const cursor = { column: "n", field: "n", lagSeconds: 0, overlapSeconds: overlap };
    return { ...cursor, lateRows: this.#deletes === "soft-delete" ? lateRows : null };
  }

  entry(): Table {
    const { columns, source, deletes } = this.definition({});
    if (deletes.strategy === "full-scan")
      throw new Error("no handler is run for a table without a cursor");
    return {
      name: this.name,
      ...described,
      key: ["code"],
      columns: columns.map(({ name, type }) => ({ name, type, description: "d" })),
      source: { ...described, name: source.name, system: "elasticsearch", budget: freely },
      from: { index: this.#index },
      cursor: { column: "n", lagSeconds: 0.001, overlapSeconds: overlap },
      deletes,
    };
  }

  async write(writes: readonly IndexWrite[]): Promise<void> {
    if (writes.length === 0) return;
    const lines = writes.map(({ code, doc }) => {
      const action = JSON.stringify({ [doc === null ? "delete" : "index"]: { _id: code } });
      return doc === null ? `${action}\n` : `${action}\n${JSON.stringify({ code, ...doc })}\n`;
    });
    const path = `/${this.#index}/_bulk?refresh=true`;
    const response = await this.#cluster.send("POST", path, lines.join(""));
    if (response.includes('"errors":true') && !response.includes('"not_found"'))
      throw new Error(response.slice(0, 500));
  }

  async reset(): Promise<void> {
    const present = await this.documents();
    const codes = Array.from({ length: firstRows }, (_, row) => `c${row}`);
    await this.write([
      ...[...present.keys()]
        .filter((code) => !codes.includes(code))
        .map((code) => ({ code, doc: null })),
      ...codes.map((code, row) => ({ code, doc: firstDoc(row) })),
    ]);
  }

  async change(stage: number): Promise<void> {
    const n = firstCursor + firstRows + stage * 20;
    const old = (row: number): IndexWrite => ({
      code: `c${row}`,
      doc: { ...firstDoc(row), n: n + (row % 3), text: `changed in ${stage}` },
    });
    // What comes late has a cursor value that an earlier window has covered, by less than the overlap.
    const late = {
      code: `late-${stage}`,
      doc: { n: n - 15 - overlap, text: "late", tags: [stage] },
    };
    await this.write([
      ...[1, 2, 20 + stage, 34, 39].map(old),
      ...[3, 35].map((row) => ({ code: `c${row}`, doc: this.#removed(row, n) })),
      // Gone at one stage and there again at the next.
      ...[10, 30].map((row) =>
        stage % 2 === 1 ? { code: `c${row}`, doc: this.#removed(row, n) } : old(row),
      ),
      { code: `new-${stage}`, doc: { n: n + 1, text: null, tags: [], nested: { a: [null, 1.5] } } },
      ...(stage === 0 ? [] : [late]),
    ]);
  }

  #removed(row: number, n: number): Doc | null {
    return this.#deletes === "soft-delete" ? { ...firstDoc(row), n: n + 2, deleted: true } : null;
  }

  async rows(): Promise<Rows> {
    const live = [...(await this.documents())].filter(([, doc]) => doc.deleted !== true);
    return new Map(live.map(([code, doc]) => [canonical([code]), canonical(doc)]));
  }

  async documents(): Promise<Map<string, Doc>> {
    const response = await this.#cluster.send("GET", `/${this.#index}/_search?size=10000`);
    const { hits } = responseSchema.parse(JSON.parse(response)).hits;
    return new Map(hits.map(({ _id, _source }) => [_id, _source]));
  }

  async close(): Promise<void> {
    await this.client.close();
    await this.#cluster.send("DELETE", `/${this.#index}`);
  }
}

/** A name that no other test's table has. */
export function uniqueName(prefix: string): string {
  return `${prefix}_${randomUUID().replaceAll("-", "").slice(0, 12)}`;
}

function firstDoc(row: number): Doc {
  return {
    n: firstCursor + Math.floor(row / tie) * tie,
    text: `row ${row}`,
    tags: row % 4 === 0 ? [] : [`t${row % 4}`, "x"],
    nested: row % 7 === 0 ? null : { deep: { list: [row, { b: row * 0.5 }] } },
  };
}
