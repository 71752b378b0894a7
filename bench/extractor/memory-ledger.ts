// A ledger in memory: the part that the extractor uses, without the emulator's share of the machine.
import type { ExtractLedger } from "../../functions/extract/extract.ts";
import type { SplitRecord } from "../../contract/records.ts";

const nothing = (): Promise<void> => Promise.resolve();

/** Holds the splits of one pass for one process, so there is nothing to fence. */
export class MemoryLedger implements ExtractLedger {
  readonly #splits = new Map<string, SplitRecord>();
  objects = 0;

  constructor(splits: readonly SplitRecord[]) {
    for (const split of splits) this.#splits.set(`${split.pass}/${split.split}`, split);
  }

  get rows(): number {
    return [...this.#splits.values()].reduce((sum, split) => sum + split.rows, 0);
  }

  readonly splits: ExtractLedger["splits"] = {
    read: (_table, pass, split) => {
      const found = this.#splits.get(`${pass}/${split}`);
      if (found !== undefined) return Promise.resolve(found);
      return Promise.reject(new Error(`There is no split ${pass}/${split}.`));
    },
  };

  readonly transactions: ExtractLedger["transactions"] = {
    recordObject: ({ before, object, position, done }) => {
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
    },
  };

  readonly leases: ExtractLedger["leases"] = { renew: nothing };
  readonly lanes: ExtractLedger["lanes"] = { claim: nothing, renew: nothing, release: nothing };
  readonly resources: ExtractLedger["resources"] = { hold: nothing, forget: nothing };
  readonly pauses: ExtractLedger["pauses"] = {
    give: nothing,
    read: () => Promise.resolve(undefined),
  };
  readonly readings: ExtractLedger["readings"] = { note: nothing };
}
