// How far each lane was a moment ago, for people alone.
import { itemKeys } from "../../contract/ledger-keys.ts";
import { readingNoteSchema, type ReadingNote } from "../../contract/records.ts";
import type { LedgerTable } from "./ledger-table.ts";

// What is written for people only is given up soon.
const NOTE_MILLIS = 2000;

export class LaneReadings {
  readonly #ledgerTable: LedgerTable;

  constructor(ledgerTable: LedgerTable) {
    this.#ledgerTable = ledgerTable;
  }

  /**
   * Notes how far a lane is. It replaces the lane's note before, but not a newer one.
   * @throws Error after two seconds without a response
   */
  async note(source: string, lane: number, note: ReadingNote): Promise<void> {
    await this.#ledgerTable.putIf(
      {
        kind: "put",
        key: itemKeys.reading(source, lane),
        attributes: note,
        condition: {
          expression: "attribute_not_exists(pk) OR #at <= :at",
          names: { "#at": "at" },
          values: { ":at": note.at },
        },
      },
      AbortSignal.timeout(NOTE_MILLIS),
    );
  }

  /** The last note of each of a source's lanes; most are of runs that are over. One of another form is left out. */
  async list(source: string): Promise<(ReadingNote & { lane: number })[]> {
    const prefix = itemKeys.readings(source);
    const items = await this.#ledgerTable.listUnder(prefix);
    return items.flatMap((item) => {
      const note = readingNoteSchema.safeParse(item);
      const lane = Number(String(item.sk).slice(prefix.sk.length));
      return note.success ? [{ lane, ...note.data }] : [];
    });
  }
}
