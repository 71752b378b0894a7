// Reads one split in one invocation: batches into objects, objects into the ledger.
import type { S3Client } from "@aws-sdk/client-s3";
import type { Ledger } from "../../stores/ledger/ledger.ts";
import { SourceUnavailableError } from "../../contract/errors.ts";
import { keys } from "../../contract/keys.ts";
import type { SplitRecord } from "../../contract/records.ts";
import type { WorkItem } from "../../contract/state.ts";
import { DEFAULT_OBJECT_BOUNDS, type ObjectBounds, ObjectWriter } from "./object-writer.ts";
import { isTableProblem } from "./problems.ts";
import type { Batch, SplitReader } from "../../sources/source.ts";

interface ExtractionHooks {
  /** How many rows to ask for now. */
  rowLimit(): number;
  ask<T>(request: () => Promise<T>): Promise<T | null>;
  /** @param rows what of the split was read with this batch: in all, and since an object was recorded */
  onBatch(batch: Batch, rows: { readonly split: number; readonly open: number }): Promise<void>;
  /** Throws if this attempt may not record any more. */
  beforeRecord(): Promise<void>;
  onRecorded(rows: number): void;
}

/** A split was read to its end, or the lane stops here. */
export type Outcome = "finished" | "stopped";

interface SplitDependencies {
  readonly s3: S3Client;
  readonly bucket: string;
  readonly ledger: { readonly transactions: Pick<Ledger["transactions"], "recordObject"> };
  readonly clock: { now(): number };
  readonly attempt: string;
  readonly objectBounds?: ObjectBounds;
}

/** The reading of one split in one invocation: batches into objects, objects into the ledger. */
export class SplitExtraction {
  readonly #item: WorkItem;
  readonly #reader: SplitReader;
  readonly #deps: SplitDependencies;
  readonly #hooks: ExtractionHooks;
  readonly #bounds: ObjectBounds;
  #split: SplitRecord;
  #writer: ObjectWriter | null = null;
  #position: string | null;

  constructor(
    item: WorkItem,
    split: SplitRecord,
    reader: SplitReader,
    deps: SplitDependencies,
    hooks: ExtractionHooks,
  ) {
    this.#item = item;
    this.#split = split;
    this.#reader = reader;
    this.#deps = deps;
    this.#hooks = hooks;
    this.#bounds = deps.objectBounds ?? DEFAULT_OBJECT_BOUNDS;
    this.#position = split.position;
  }

  async run(): Promise<Outcome> {
    for (;;) {
      const batch = await this.#nextBatch();
      if (batch === null) {
        await this.#finishObject(false);
        return "stopped";
      }
      const open = (this.#writer?.rows ?? 0) + batch.rows;
      await this.#hooks.onBatch(batch, { split: this.#split.rows + open, open });
      this.#writer ??= new ObjectWriter(this.#deps.clock.now());
      await this.#writer.add(batch);
      this.#position = batch.position;
      if (batch.done || this.#writer.isFull(this.#bounds, this.#deps.clock.now()))
        await this.#finishObject(batch.done);
      if (batch.done) return "finished";
    }
  }

  // Whatever ends the reading, what was read before it is kept.
  async #nextBatch(): Promise<Batch | null> {
    try {
      return await this.#hooks.ask(() => this.#reader.next(this.#hooks.rowLimit()));
    } catch (error) {
      if (error instanceof SourceUnavailableError || isTableProblem(error))
        await this.#finishObject(false);
      throw error;
    }
  }

  async #finishObject(done: boolean): Promise<void> {
    const writer = this.#writer;
    this.#writer = null;
    const rows = writer?.rows ?? 0;
    // Empty pages move the position too, and must not be read again by each invocation.
    if (rows === 0 && !done && this.#position === this.#split.position) return;
    await this.#hooks.beforeRecord();
    const { table, token, pass, split } = this.#item;
    const sequence = this.#split.objects;
    const object =
      writer === null || rows === 0
        ? null
        : {
            ...(await writer.put(
              this.#deps.s3,
              this.#deps.bucket,
              keys.object({ table, pass, split, sequence, token, attempt: this.#deps.attempt }),
            )),
            rows,
            op: this.#item.kind === "rows" ? ("upsert" as const) : ("key" as const),
            pass,
            split,
            sequence,
            observedFrom: writer.observed.from,
            observedTo: writer.observed.to,
          };
    this.#split = await this.#deps.ledger.transactions.recordObject({
      table,
      token,
      before: this.#split,
      position: this.#position,
      done,
      object,
    });
    this.#hooks.onRecorded(rows);
  }
}
