// How far each table is, and the manifests that it has.
import { itemKeys } from "../../contract/ledger-keys.ts";
import {
  EMPTY_PROGRESS,
  manifestRecordSchema,
  progressSchema,
  type ManifestRecord,
  type Progress,
} from "../../contract/records.ts";
import type { LedgerTable } from "./ledger-table.ts";
import { hasValues, IS_ABSENT, type Operation } from "./operations.ts";

/** What the ledger keeps of a manifest, with its number. */
export type ManifestEntry = ManifestRecord & { readonly number: number };

export class TableProgress {
  readonly #ledgerTable: LedgerTable;

  constructor(ledgerTable: LedgerTable) {
    this.#ledgerTable = ledgerTable;
  }

  /** @throws ProtocolError if the item is not of this version */
  async read(table: string): Promise<Progress> {
    const found = await this.#ledgerTable.find(itemKeys.progress(table), progressSchema);
    return found ?? EMPTY_PROGRESS;
  }

  /** @returns nothing if the table has no manifest of that number */
  async readManifest(table: string, number: number): Promise<ManifestEntry | undefined> {
    const found = await this.#ledgerTable.find(
      itemKeys.manifest(table, number),
      manifestRecordSchema,
    );
    return found === undefined ? undefined : { number, ...found };
  }
}

/** Moves progress, if it is as it was read. */
export function moveProgress(table: string, before: Progress, after: Progress): Operation {
  const { lastManifest, passNumber } = before;
  return {
    kind: "put",
    key: itemKeys.progress(table),
    attributes: after,
    condition: passNumber === 0 ? IS_ABSENT : hasValues({ lastManifest, passNumber }),
  };
}

/** Puts a manifest where none of its number is. */
export function putManifest(table: string, { number, ...record }: ManifestEntry): Operation {
  return {
    kind: "put",
    key: itemKeys.manifest(table, number),
    attributes: record,
    condition: IS_ABSENT,
  };
}
