// A source whose responses and rejected requests a test decides, row by row.
import type { Bounds } from "../../../contract/records.ts";
import type { Batch, OpenRequest, SourceClient, SplitReader } from "../../../sources/source.ts";

export class ScriptedSource implements SourceClient {
  readonly #rows: number;
  readonly #pageRows: number;
  /** Called, and waited for, before each batch with its first row; it may throw. */
  readonly #beforeBatch: (firstRow: number) => unknown;
  readonly #sourceMillis: number | ((firstRow: number) => number);
  readonly #responseBytesPerRow: number | undefined;
  /** Batches that end before this row come without rows. */
  readonly #emptyBefore: number;
  /** What each reader holds open. */
  readonly #holds: string | undefined;
  isClosed = false;
  openReaders = 0;
  /** How many rows each batch was asked for. */
  readonly rowLimits: number[] = [];
  #inFlight = 0;
  /** The most requests that were open at the same time. */
  mostInFlight = 0;

  constructor(options: {
    readonly rows: number;
    readonly pageRows: number;
    /** What a batch takes, by its first row. */
    readonly sourceMillis?: number | ((firstRow: number) => number);
    readonly responseBytesPerRow?: number;
    readonly beforeBatch?: (firstRow: number) => unknown;
    readonly emptyBefore?: number;
    readonly holds?: string;
  }) {
    this.#rows = options.rows;
    this.#pageRows = options.pageRows;
    this.#sourceMillis = options.sourceMillis ?? 0;
    this.#responseBytesPerRow = options.responseBytesPerRow;
    this.#emptyBefore = options.emptyBefore ?? 0;
    this.#holds = options.holds;
    this.#beforeBatch = options.beforeBatch ?? (() => undefined);
  }

  planWindow(): Promise<null> {
    return Promise.resolve(null);
  }

  planRows(): Promise<Bounds[]> {
    return Promise.resolve([]);
  }

  planKeys(): Promise<Bounds[]> {
    return Promise.resolve([]);
  }

  async open({ position, held }: OpenRequest): Promise<SplitReader> {
    let next = position === null ? 0 : Number(position);
    await this.#inFlightWhile(async () => {
      this.openReaders += 1;
      if (this.#holds !== undefined) await held.opened(this.#holds);
    });
    return {
      next: (rowLimit) =>
        this.#inFlightWhile(async () => {
          await this.#beforeBatch(next);
          this.rowLimits.push(rowLimit);
          const end = Math.min(this.#rows, next + Math.min(rowLimit, this.#pageRows));
          const batch = this.#batch(next, end);
          next = end;
          return batch;
        }),
      close: () =>
        this.#inFlightWhile(async () => {
          this.openReaders -= 1;
          if (this.#holds !== undefined) await held.closed(this.#holds);
        }),
    };
  }

  async #inFlightWhile<T>(request: () => Promise<T>): Promise<T> {
    this.#inFlight += 1;
    this.mostInFlight = Math.max(this.mostInFlight, this.#inFlight);
    try {
      // So that a request made beside this one would be seen.
      await new Promise((resolve) => setImmediate(resolve));
      return await request();
    } finally {
      this.#inFlight -= 1;
    }
  }

  describe(): Promise<never> {
    return Promise.reject(new Error("extraction does not look at the fields"));
  }

  discover(): Promise<never> {
    return Promise.reject(new Error("extraction discovers nothing"));
  }

  release(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }

  #batch(from: number, to: number): Batch {
    const count = to < this.#emptyBefore ? 0 : to - from;
    const numbers = Array.from({ length: count }, (_, index) => from + index);
    const lines = numbers.map(
      (n) => `{"op":"upsert","id":"${n}","version":[${n},0,0],"observed_at":${from},"doc":{}}\n`,
    );
    return {
      lines: Buffer.from(lines.join("")),
      rows: numbers.length,
      observedAt: from,
      ...(this.#responseBytesPerRow === undefined
        ? {}
        : { responseBytes: this.#responseBytesPerRow * count }),
      sourceMillis:
        typeof this.#sourceMillis === "number" ? this.#sourceMillis : this.#sourceMillis(from),
      position: String(to),
      done: to >= this.#rows,
    };
  }
}
