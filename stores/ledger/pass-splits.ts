// The splits of passes: how far each is read, and the objects that were recorded of it.
import { ProtocolError } from "../../contract/errors.ts";
import { itemKeys } from "../../contract/ledger-keys.ts";
import {
  objectRecordSchema,
  splitRecordSchema,
  type ObjectRecord,
  type Pass,
  type SplitRecord,
} from "../../contract/records.ts";
import type { LedgerTable } from "./ledger-table.ts";
import { hasValues, IS_ABSENT, type Operation } from "./operations.ts";
import { parseItem } from "./parse-item.ts";

export class PassSplits {
  readonly #ledgerTable: LedgerTable;

  constructor(ledgerTable: LedgerTable) {
    this.#ledgerTable = ledgerTable;
  }

  /** @throws ProtocolError if there is no such split */
  async read(table: string, pass: string, split: string): Promise<SplitRecord> {
    const found = await this.#ledgerTable.find(
      itemKeys.split(table, pass, split),
      splitRecordSchema,
    );
    if (found === undefined) throw missingSplitError(table, pass, split);
    return found;
  }

  /**
   * The splits of a pass, in order.
   * @throws ProtocolError if one that the pass names is missing
   */
  async list(table: string, pass: Pass): Promise<SplitRecord[]> {
    const items = await this.#ledgerTable.listUnder(itemKeys.split(table, pass.id, ""));
    const splits = new Map(
      items.map((item) => {
        const record = parseItem(splitRecordSchema, item);
        return [record.split, record];
      }),
    );
    return pass.splits.map((split) => {
      const record = splits.get(split);
      if (record === undefined) throw missingSplitError(table, pass.id, split);
      return record;
    });
  }

  /** The objects of a split from a sequence on, in order. */
  async listObjects(
    table: string,
    pass: string,
    split: string,
    fromSequence: number,
  ): Promise<ObjectRecord[]> {
    const items = await this.#ledgerTable.listBetween(
      itemKeys.object(table, pass, split, fromSequence),
      itemKeys.objectsEnd(table, pass, split),
    );
    return items.map((item) => parseItem(objectRecordSchema, item));
  }
}

/** Puts a split as it is before its reading, in place of what a crashed attempt left under the same pass. */
export function putSplit(table: string, split: SplitRecord): Operation {
  return { kind: "put", key: itemKeys.split(table, split.pass, split.split), attributes: split };
}

/** Moves a split on, if it is as it was read and not done. */
export function moveSplit(table: string, before: SplitRecord, after: SplitRecord): Operation {
  const { position, objects, rows, done } = after;
  return {
    kind: "update",
    key: itemKeys.split(table, before.pass, before.split),
    set: { position, objects, rows, done },
    condition: hasValues({ objects: before.objects, done: false, position: before.position }),
  };
}

/** Puts an object's record where none of its sequence is. */
export function putObject(table: string, object: ObjectRecord): Operation {
  return {
    kind: "put",
    key: itemKeys.object(table, object.pass, object.split, object.sequence),
    attributes: object,
    condition: IS_ABSENT,
  };
}

function missingSplitError(table: string, pass: string, split: string): ProtocolError {
  return new ProtocolError(`the ledger has no split ${split} of pass ${pass} of table ${table}`);
}
