// Definitions, readings and parsed lines for the extractor's tests.
import { objectLineSchema, type ObjectLine } from "../../../contract/object-line.ts";
import type {
  ColumnDefinition,
  LoadBudgetDefinition,
  TableDefinition,
} from "../../../catalog/definition.ts";
import { defaultBudget } from "../../../catalog/resolve.ts";
import type { ColumnType } from "../../../contract/column-types.ts";
import type { Bounds } from "../../../contract/records.ts";
import type { Batch, SourceClient } from "../../../sources/source.ts";

export function column(
  name: string,
  type: ColumnType = "string",
  path: readonly string[] = [name],
): ColumnDefinition {
  return { name, type, path, description: "", nullable: true, personal: false };
}

/** A budget without any pause, for tests that are not about the pace. */
const freely: LoadBudgetDefinition = {
  ...defaultBudget("elasticsearch"),
  dutyCycle: 1,
  maxRowsPerSecond: 1e9,
  maxBytesPerSecond: 1e12,
  pageRows: 10_000,
};

export function tableDefinition(
  table: Pick<TableDefinition, "name" | "columns" | "from" | "cursor"> & {
    readonly system: "elasticsearch" | "cassandra";
    readonly budget?: Partial<LoadBudgetDefinition>;
    readonly key?: string[];
  },
): TableDefinition {
  const { system, budget, ...rest } = table;
  return {
    kind: "table",
    owner: "team",
    description: "",
    key: ["id"],
    partitioning: [],
    checks: [],
    publish: null,
    fingerprint: "f",
    deletes: { strategy: "none" },
    source: {
      ...{ name: "shop", system, owner: "team", description: "", secret: "sluice/source/shop" },
      budget: { ...freely, own: defaultBudget(system).own, ...budget },
    },
    ...rest,
  };
}

/** An object line, whichever it is. */
export interface Line extends Pick<ObjectLine, "op" | "id" | "observed_at"> {
  readonly doc: Readonly<Record<string, unknown>>;
  readonly version?: Extract<ObjectLine, { op: "upsert" }>["version"];
}

/** @throws if a line is not an object line, or the text does not end with one */
export function parseLines(text: string): Line[] {
  const lines = text.split("\n");
  if (lines.pop() !== "") throw new Error("the last line is not ended");
  return lines.map((line) => objectLineSchema.parse(JSON.parse(line)));
}

/** What a source holds open for readers. */
export class Held {
  readonly open = new Set<string>();
  /** All that were ever opened, in order. */
  readonly all: string[] = [];

  opened(resource: string): Promise<void> {
    this.open.add(resource);
    if (!this.all.includes(resource)) this.all.push(resource);
    return Promise.resolve();
  }

  closed(resource: string): Promise<void> {
    this.open.delete(resource);
    return Promise.resolve();
  }
}

export interface ReadOptions {
  readonly table: TableDefinition;
  readonly bounds: Bounds;
  readonly kind?: "rows" | "keys";
  readonly held?: Held;
  readonly position?: string | null;
  readonly passNumber?: number;
  readonly pageRows?: number;
  readonly warn?: (details: Record<string, unknown>) => unknown;
  /** Called after each batch; true ends the reading. */
  readonly afterBatch?: (batch: Batch, count: number) => Promise<boolean | undefined>;
}

/** Reads a split with one reader, to its end or as far as `afterBatch` lets it. */
export async function readSplit(
  client: SourceClient,
  options: ReadOptions,
): Promise<{ text: string; lines: Line[]; position: string; done: boolean; batches: Batch[] }> {
  const { table, bounds, kind = "rows", held = new Held(), position = null } = options;
  const { passNumber = 1, pageRows = 1000, afterBatch } = options;
  const warn = (_: string, details: Readonly<Record<string, unknown>>): void => {
    options.warn?.(details);
  };
  const reader = await client.open({ table, kind, passNumber, bounds, position, held, warn });
  const batches: Batch[] = [];
  try {
    for (;;) {
      const page = await reader.next(pageRows);
      // The next page is written over this one's lines.
      const batch = { ...page, lines: Buffer.from(page.lines) };
      batches.push(batch);
      const isEnough = (await afterBatch?.(batch, batches.length)) ?? false;
      if (!batch.done && !isEnough) continue;
      const text = Buffer.concat(batches.map(({ lines }) => lines)).toString("utf8");
      return { text, lines: parseLines(text), position: batch.position, done: batch.done, batches };
    }
  } finally {
    await reader.close();
  }
}
