// A source client that plans from fixed responses, and fails where a test asks it to.
import type { TableDefinition } from "../../../catalog/definition.ts";
import type {
  PlannedWindow,
  SourceClient,
  SplitReader,
  UnreadRows,
} from "../../../sources/source.ts";
import type { SourceShape } from "../../../sources/discover/shape.ts";
import type { Bounds } from "../../../contract/records.ts";
import { cursorBounds } from "../store-fixtures.ts";

export class FakeSource implements SourceClient {
  /** Where the next window ends. */
  end = 1000;
  splits = 1;
  /** True for a source whose tables without a window are one split. */
  wholeIndex = false;
  readonly released: string[] = [];
  /** The fields that every table has. */
  shape: SourceShape = { fields: {}, hidesFields: true };
  /** Thrown when a table of this name is planned. */
  readonly failing = new Map<string, Error>();
  releaseError: Error | undefined;
  /** What each table's count of unread rows returns. */
  readonly unread = new Map<string, UnreadRows | Error>();
  unreadCounts = 0;
  /** How far a window reaches back before the watermark, by the cursor's overlap; not at all by default. */
  overlapUnits: (overlapSeconds: number) => number = () => 0;

  planWindow(table: TableDefinition, watermark: string | null): Promise<PlannedWindow | null> {
    const error = this.failing.get(table.name);
    if (error !== undefined) return Promise.reject(error);
    if (table.cursor === null) return Promise.resolve(null);
    const overlap = this.overlapUnits(table.cursor.overlapSeconds);
    const from = watermark === null ? null : String(Number(watermark) - overlap);
    return Promise.resolve({ from, to: String(this.end), unit: "ms" });
  }

  planRows(
    _table: TableDefinition,
    window: { from: string | null; to: string } | null,
  ): Promise<Bounds[]> {
    if (window === null && this.wholeIndex) return Promise.resolve([{ by: "whole" }]);
    if (window === null) {
      return Promise.resolve([
        { by: "token", after: "-9", upTo: "0" },
        { by: "token", after: "0", upTo: "9" },
      ]);
    }
    const from = Number(window.from ?? 0);
    const width = (Number(window.to) - from) / this.splits;
    return Promise.resolve(
      Array.from({ length: this.splits }, (_, index) =>
        cursorBounds(
          index === 0 ? window.from : String(from + width * index),
          String(from + width * (index + 1)),
        ),
      ),
    );
  }

  /** How many writes there were, and the marks that were asked about with their watermarks. */
  writes = 0;
  behind: UnreadRows | null = null;
  readonly asked: (readonly [mark: string, watermark: string])[] = [];

  markWrites(): Promise<string> {
    return Promise.resolve(`mark-${this.writes}`);
  }

  countBehind(
    _table: TableDefinition,
    mark: string,
    watermark: string,
  ): Promise<UnreadRows | null> {
    this.asked.push([mark, watermark]);
    return Promise.resolve(this.behind);
  }

  countUnread({ name }: TableDefinition): Promise<UnreadRows | null> {
    this.unreadCounts += 1;
    const response = this.unread.get(name) ?? null;
    return response instanceof Error ? Promise.reject(response) : Promise.resolve(response);
  }

  planKeys(): Promise<Bounds[]> {
    return Promise.resolve([cursorBounds(null, null)]);
  }

  open(): Promise<SplitReader> {
    return Promise.reject(new Error("planning reads no rows"));
  }

  describe(): Promise<SourceShape> {
    return Promise.resolve(this.shape);
  }

  discover(): Promise<never> {
    return Promise.reject(new Error("planning discovers nothing"));
  }

  release(resource: string): Promise<void> {
    if (this.releaseError !== undefined) return Promise.reject(this.releaseError);
    this.released.push(resource);
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
