// A source client that plans from fixed answers, and fails where a test wants it to.
import type { TableDefinition } from "../../../catalog/schema/definition.ts";
import type { SourceClient, SplitReader } from "../../../functions/extract/sources/source.ts";
import type { Bounds } from "../../../functions/protocol/records.ts";
import { cursorBounds } from "../store-fixtures.ts";

export class FakeSource implements SourceClient {
  /** Where the next window ends. */
  end = 1000;
  splits = 1;
  readonly released: string[] = [];
  /** Thrown when a table of this name is planned. */
  readonly failing = new Map<string, Error>();
  releaseError: Error | undefined;

  planWindow(
    table: TableDefinition,
    watermark: string | null,
  ): Promise<{ from: string | null; to: string } | null> {
    const error = this.failing.get(table.name);
    if (error !== undefined) return Promise.reject(error);
    return Promise.resolve(
      table.cursor === null ? null : { from: watermark, to: String(this.end) },
    );
  }

  planRows(
    _table: TableDefinition,
    window: { from: string | null; to: string } | null,
  ): Promise<Bounds[]> {
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

  planKeys(): Promise<Bounds[]> {
    return Promise.resolve([cursorBounds(null, null)]);
  }

  open(): Promise<SplitReader> {
    return Promise.reject(new Error("planning reads no rows"));
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
