// A table's way into the warehouse: the request for a whole copy, and a load that failed.
import { itemKeys } from "../../contract/ledger-keys.ts";
import {
  loadRecordSchema,
  replaceRecordSchema,
  type LoadRecord,
  type LoadRecords,
  type ReplaceRecord,
} from "../../contract/load-records.ts";
import type { LedgerTable } from "./ledger-table.ts";
import { hasValues, IS_ABSENT } from "./operations.ts";

const TABLES_AT_ONCE = 25;

export class TableLoads {
  readonly #ledgerTable: LedgerTable;

  constructor(ledgerTable: LedgerTable) {
    this.#ledgerTable = ledgerTable;
  }

  /** @throws ProtocolError if an item is not of this version */
  async read(table: string): Promise<LoadRecords> {
    const [load, replace] = await Promise.all([
      this.#failed(table),
      this.#ledgerTable.find(itemKeys.replace(table), replaceRecordSchema),
    ]);
    return {
      ...(load === undefined ? {} : { load }),
      ...(replace === undefined ? {} : { replace }),
    };
  }

  /**
   * The records of those of many tables whose last load failed.
   * @throws ProtocolError if an item is not of this version
   */
  async readFailing(tables: readonly string[]): Promise<Map<string, LoadRecords>> {
    const found = new Map<string, LoadRecords>();
    for (let first = 0; first < tables.length; first += TABLES_AT_ONCE) {
      const some = tables.slice(first, first + TABLES_AT_ONCE);
      const loads = await Promise.all(some.map((table) => this.#failed(table)));
      for (const [index, table] of some.entries()) {
        if (loads[index] !== undefined) found.set(table, await this.read(table));
      }
    }
    return found;
  }

  /** Notes that a load failed, in place of an earlier note. */
  async putFailed(table: string, record: LoadRecord): Promise<void> {
    await this.#ledgerTable.put(itemKeys.load(table), { ...record });
  }

  /**
   * Asks for a whole copy, unless somebody asked since `before` was read: then that record stands.
   * @param before the record that was there, if any
   */
  async askReplace(
    table: string,
    record: ReplaceRecord,
    before: ReplaceRecord | undefined,
  ): Promise<void> {
    await this.#ledgerTable.putIf({
      kind: "put",
      key: itemKeys.replace(table),
      attributes: record,
      condition: before === undefined ? IS_ABSENT : isSameRequest(before),
    });
  }

  /**
   * Notes that the warehouse has what the lake has: the failure is forgotten, and a copy that was asked for is not
   * needed any more.
   */
  async noteLoaded(table: string, { load, replace }: LoadRecords): Promise<void> {
    if (load !== undefined) await this.#ledgerTable.delete(itemKeys.load(table));
    if (replace === undefined || replace.state === "loaded") return;
    await this.#ledgerTable.updateIf({
      kind: "update",
      key: itemKeys.replace(table),
      set: { state: "loaded" },
      condition: isSameRequest(replace),
    });
  }

  async #failed(table: string): Promise<LoadRecord | undefined> {
    return this.#ledgerTable.find(itemKeys.load(table), loadRecordSchema);
  }
}

const isSameRequest = ({ requestedAt }: ReplaceRecord) => hasValues({ requestedAt });
