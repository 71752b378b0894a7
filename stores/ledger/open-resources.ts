// What is open at a source, such as a point in time, so that whoever finds it left over can close it.
import { createHash } from "node:crypto";
import { itemKeys, type ItemKey } from "../../contract/ledger-keys.ts";
import { openResourceSchema, type OpenResource } from "../../contract/records.ts";
import type { LedgerTable } from "./ledger-table.ts";
import { parseItem } from "./parse-item.ts";

export class OpenResources {
  readonly #ledgerTable: LedgerTable;

  constructor(ledgerTable: LedgerTable) {
    this.#ledgerTable = ledgerTable;
  }

  /** Notes that a thing is open for an execution. Doing it again renews it. */
  async hold(source: string, resource: OpenResource): Promise<void> {
    await this.#ledgerTable.put(keyOf(source, resource.id), { ...resource });
  }

  async forget(source: string, id: string): Promise<void> {
    await this.#ledgerTable.delete(keyOf(source, id));
  }

  async list(source: string): Promise<OpenResource[]> {
    const items = await this.#ledgerTable.listUnder(itemKeys.openResources(source));
    return items.map((item) => parseItem(openResourceSchema, item));
  }
}

function keyOf(source: string, id: string): ItemKey {
  return itemKeys.openResource(source, createHash("sha256").update(id).digest("hex"));
}
