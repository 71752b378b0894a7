// Sources that rejected requests too often, which all runs leave alone for a while.
import { itemKeys } from "../../contract/ledger-keys.ts";
import { sourcePauseSchema, type SourcePause } from "../../contract/records.ts";
import type { LedgerTable } from "./ledger-table.ts";

export class SourcePauses {
  readonly #ledgerTable: LedgerTable;

  constructor(ledgerTable: LedgerTable) {
    this.#ledgerTable = ledgerTable;
  }

  /** Has all runs leave the source alone for a while. A note of an earlier pause is replaced. */
  async give(source: string, pause: SourcePause): Promise<void> {
    await this.#ledgerTable.put(itemKeys.sourcePause(source), { ...pause });
  }

  /** The last pause that the source was given, which may be over; undefined if it never needed one. */
  async read(source: string): Promise<SourcePause | undefined> {
    return this.#ledgerTable.find(itemKeys.sourcePause(source), sourcePauseSchema);
  }
}
