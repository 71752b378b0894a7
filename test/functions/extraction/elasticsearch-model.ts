// What an Elasticsearch index must hold after random writes that keep to the table's contract.
import fc from "fast-check";
import { type DeleteStrategy, type ElasticsearchTable, overlap } from "./elasticsearch-table.ts";
import { canonical, type Doc, type Json, type Rows } from "./live-table.ts";

export interface RandomWrite {
  readonly row: number;
  /** `late` and `tie` take a cursor value that a window may have covered already, by less than the overlap. */
  readonly as: "new" | "tie" | "late" | "same" | "remove";
  /** How far before the greatest cursor value a late row is. */
  readonly late: number;
  /** By how much a new value exceeds the greatest. */
  readonly step: number;
  readonly content: Doc;
}

/** How late a row may be where past rows are read again, in values of the cursor. */
const lateRowsReach = 60;

const content = fc.record<Doc>(
  {
    text: fc.option(fc.string({ maxLength: 6, unit: "grapheme" })),
    tags: fc.oneof(fc.constant(null), fc.array(fc.constantFrom("a", "b", ""), { maxLength: 3 })),
    nested: fc.oneof(
      fc.constant(null),
      fc.jsonValue({ maxDepth: 3 }).map((value): Json => ({ value: safe(value) })),
    ),
  },
  { requiredKeys: [] },
);

export const elasticsearchWrite: fc.Arbitrary<RandomWrite> = fc.record({
  row: fc.nat(24),
  as: fc.constantFrom("new", "new", "new", "tie", "tie", "late", "same", "remove"),
  late: fc.nat(lateRowsReach - 1),
  step: fc.constantFrom(1, 1, 2, 20),
  content,
});

/** The model keeps to numbers that every reader of JSON writes alike. */
function safe(value: unknown): Json {
  if (typeof value === "number") return Math.round(value) % 1e6 || 0;
  if (Array.isArray(value)) return value.map(safe);
  if (value !== null && typeof value === "object")
    return Object.fromEntries(
      Object.entries(value).flatMap(([name, one]) =>
        name === "__proto__" ? [] : [[`m${name}`, safe(one)]],
      ),
    );
  return typeof value === "string" || typeof value === "boolean" ? value : null;
}

export class ElasticsearchModel {
  readonly table: ElasticsearchTable;
  readonly #strategy: DeleteStrategy;
  readonly #docs = new Map<string, Doc>();
  /** The greatest cursor value that a row ever had: a row never goes back behind its own. */
  readonly #reached = new Map<string, number>();
  #greatest = 100;

  constructor(table: ElasticsearchTable, strategy: DeleteStrategy) {
    this.table = table;
    this.#strategy = strategy;
  }

  async clear(): Promise<void> {
    const codes = [...(await this.table.documents()).keys()];
    await this.table.write(codes.map((code) => ({ code, doc: null })));
    this.#docs.clear();
    this.#reached.clear();
    this.#greatest = 100;
  }

  async write(writes: readonly RandomWrite[]): Promise<void> {
    const sent = writes.map((write) => {
      const code = `c${write.row}`;
      const doc = this.#next(code, write);
      if (doc === null) this.#docs.delete(code);
      else this.#docs.set(code, { code, ...doc });
      return { code, doc };
    });
    await this.table.write(sent);
  }

  settle(): Promise<void> {
    return Promise.resolve();
  }

  rows(): Rows {
    const live = [...this.#docs].filter(([, doc]) => doc.deleted !== true);
    return new Map(live.map(([code, doc]) => [canonical([code]), canonical(doc)]));
  }

  #next(code: string, { as, late, step, content: more }: RandomWrite): Doc | null {
    const own = this.#reached.get(code) ?? 0;
    if (as === "remove" && this.#strategy !== "soft-delete") return null;
    const reach = this.#strategy === "soft-delete" ? lateRowsReach : overlap;
    const lowest = Math.max(own, this.#greatest + 1 - reach);
    const n = {
      new: this.#greatest + step,
      tie: this.#greatest,
      late: Math.max(lowest, this.#greatest - late),
      same: lowest,
      remove: this.#greatest + step,
    }[as];
    this.#greatest = Math.max(this.#greatest, n);
    this.#reached.set(code, n);
    return as === "remove" ? { ...more, n, deleted: true } : { ...more, n };
  }
}
