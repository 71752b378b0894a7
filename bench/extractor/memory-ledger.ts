// A ledger in memory: what the extractor asks of it, without the emulator's share of the machine.
import type { ExtractDependencies } from "../../functions/extract/extract.ts";
import type { SplitRecord } from "../../contract/records.ts";

type ExtractLedger = ExtractDependencies["ledger"];

/** Holds the splits of one pass for one process; there is nobody to be fenced by. */
export class MemoryLedger implements ExtractLedger {
  readonly #splits = new Map<string, SplitRecord>();
  objects = 0;

  constructor(splits: readonly SplitRecord[]) {
    for (const split of splits) this.#splits.set(`${split.pass}/${split.split}`, split);
  }

  get rows(): number {
    return [...this.#splits.values()].reduce((sum, split) => sum + split.rows, 0);
  }

  readSplit(_table: string, pass: string, split: string): Promise<SplitRecord> {
    const found = this.#splits.get(`${pass}/${split}`);
    if (found !== undefined) return Promise.resolve(found);
    return Promise.reject(new Error(`There is no split ${pass}/${split}.`));
  }

  recordObject(
    args: Parameters<ExtractLedger["recordObject"]>[0],
  ): ReturnType<ExtractLedger["recordObject"]> {
    const { before, object, position, done } = args;
    const after: SplitRecord = {
      ...before,
      position,
      done,
      objects: before.objects + (object === null ? 0 : 1),
      rows: before.rows + (object?.rows ?? 0),
    };
    this.#splits.set(`${before.pass}/${before.split}`, after);
    if (object !== null) this.objects += 1;
    return Promise.resolve(after);
  }

  renewTableLease(): Promise<void> {
    return Promise.resolve();
  }

  claimLane(): Promise<void> {
    return Promise.resolve();
  }

  renewLane(): Promise<void> {
    return Promise.resolve();
  }

  releaseLane(): Promise<void> {
    return Promise.resolve();
  }

  restSource(): Promise<void> {
    return Promise.resolve();
  }

  readSourceRest(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  noteReading(): Promise<void> {
    return Promise.resolve();
  }

  holdResource(): Promise<void> {
    return Promise.resolve();
  }

  forgetResource(): Promise<void> {
    return Promise.resolve();
  }
}
