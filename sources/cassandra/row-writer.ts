// Writes rows that came as bytes as object lines.
import {
  lineObservedAt,
  lineOpening,
  lineVersion,
  type ObjectLine,
} from "../../contract/object-line.ts";
import { LineBuffer } from "../line-buffer.ts";
import { type CellWriter, cellWriter, isNull, LENGTH_BYTES, writeCell } from "./cell-writer.ts";
import type { RawRows } from "./raw-rows.ts";
import { memberOpening } from "./to-json.ts";

export interface WrittenRows {
  /** Until the writer writes the next rows. */
  readonly lines: Buffer;
  readonly rows: number;
  /** Of the last row; null without rows. */
  readonly lastToken: bigint | null;
  /** Rows whose counted column is null. */
  readonly nulls: number;
}

const closing = Buffer.from("}}\n");

/**
 * What each line of a page begins with, up to its document. A row's version is the number of its pass.
 * @param observedAt milliseconds since 1970
 */
export function lineHead(op: ObjectLine["op"], passNumber: number, observedAt: number): Buffer {
  const version = op === "upsert" ? lineVersion(passNumber, 0, 0) : "";
  return Buffer.from(`${lineOpening(op)}null${version}${lineObservedAt(observedAt)}`);
}

export class RowWriter {
  readonly #openings: readonly Buffer[];
  readonly #countedColumn: number | null;
  readonly #lines = new LineBuffer();

  /**
   * @param names of the document's members: those of the first columns that are selected; never empty
   * @param countedColumn whose nulls are counted; null for none
   */
  constructor(names: readonly string[], countedColumn: number | null) {
    this.#openings = names.map((name, index) => Buffer.from(memberOpening(name, index)));
    this.#countedColumn = countedColumn;
  }

  /**
   * @param head what each line begins with, up to its document
   * @throws RangeError if the bytes end within a row
   */
  write(raw: RawRows, head: Buffer): WrittenRows {
    const { bytes, columns, count } = raw;
    // From the response itself: a type may have been given another field since the table was described.
    const cells = columns.map(({ type }) => cellWriter(type, raw.decode));
    const members = cells.slice(0, this.#openings.length);
    const others = cells.slice(this.#openings.length);
    const lines = this.#lines;
    lines.clear();
    let at = raw.at;
    let nulls = 0;
    let lastToken: bigint | null = null;
    for (let row = 0; row < count; row += 1) {
      lines.appendAll(head);
      at = this.#writeDocument(members, bytes, at);
      for (const [index, cell] of others.entries()) {
        const length = bytes.readInt32BE(at);
        if (members.length + index === this.#countedColumn && isNull(cell, length)) nulls += 1;
        if (row === count - 1 && index === others.length - 1)
          lastToken = bytes.readBigInt64BE(at + LENGTH_BYTES);
        at += LENGTH_BYTES + Math.max(0, length);
      }
    }
    return { lines: lines.collected, rows: count, lastToken, nulls };
  }

  #writeDocument(members: readonly CellWriter[], bytes: Buffer, from: number): number {
    const lines = this.#lines;
    let at = from;
    for (let index = 0; index < members.length; index += 1) {
      const cell = members[index];
      const opening = this.#openings[index];
      if (cell === undefined || opening === undefined) break;
      lines.appendAll(opening);
      at = writeCell(cell, bytes, at, lines);
    }
    lines.appendAll(closing);
    return at;
  }
}
