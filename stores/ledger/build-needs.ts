// What the ledger says about many tables' builds at once.
import { z } from "zod";
import { itemKeys } from "../../contract/ledger-keys.ts";
import { isReplaceDue, replaceRecordSchema } from "../../contract/load-records.ts";
import { progressSchema } from "../../contract/records.ts";
import type { LedgerTable } from "./ledger-table.ts";
import { parseItem } from "./parse-item.ts";

export interface TableNeeds {
  /** The table's last manifest; 0 if it has none. */
  readonly lastManifest: number;
  /** True if the next build must write the whole table as a delta. */
  readonly isReplaceDue: boolean;
}

const requestSchema = z.looseObject({ state: replaceRecordSchema.shape.state });
const lastManifestSchema = z.looseObject({ lastManifest: progressSchema.shape.lastManifest });

export class BuildNeeds {
  readonly #ledgerTable: LedgerTable;

  constructor(ledgerTable: LedgerTable) {
    this.#ledgerTable = ledgerTable;
  }

  /**
   * What the ledger says of each name, read consistently; a name that it does not know is left out.
   * @throws ProtocolError if an item is not as this version expects
   */
  async read(names: readonly string[]): Promise<Map<string, TableNeeds>> {
    const needs = new Map<string, TableNeeds>();
    const tables = new Map(names.map((name) => [itemKeys.progress(name).pk, name]));
    const wanted = names.flatMap((name) => [itemKeys.progress(name), itemKeys.replace(name)]);
    for (const item of await this.#ledgerTable.findMany(wanted, ["lastManifest", "state"])) {
      const name = tables.get(String(item.pk)) ?? "";
      const known = needs.get(name) ?? { lastManifest: 0, isReplaceDue: false };
      needs.set(
        name,
        item.sk === itemKeys.progress(name).sk
          ? { ...known, lastManifest: parseItem(lastManifestSchema, item).lastManifest }
          : { ...known, isReplaceDue: isReplaceDue(parseItem(requestSchema, item)) },
      );
    }
    return needs;
  }
}
