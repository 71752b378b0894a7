// How far a table's reading is: what is recorded, moved on by the notes that its lanes leave between objects.
import { cursorWords } from "../contract/cursor-time.ts";
import type { ReadingNote, SplitRecord } from "../contract/records.ts";
import { formatCount } from "./output.ts";

/** One open pass of a table. */
export interface PassProgress {
  readonly pass: string;
  readonly splits: number;
  readonly done: number;
  /** Rows read, recorded or not. */
  readonly rows: number;
  /** Where the lanes that read it are, in words; empty where none does now. */
  readonly reached: readonly string[];
}

/** @param notes of lanes that read now */
export function passProgress(
  table: string,
  pass: string,
  splits: readonly SplitRecord[],
  notes: readonly ReadingNote[],
): PassProgress {
  const own = notes.filter((note) => note.table === table && note.pass === pass);
  const open = new Map(own.map((note) => [note.split, note]));
  return {
    pass,
    splits: splits.length,
    done: splits.filter((split) => split.done).length,
    // An object may have been recorded since the note was written.
    rows: splits.reduce(
      (sum, { split, rows }) => sum + Math.max(rows, open.get(split)?.splitRows ?? 0),
      0,
    ),
    reached: own.flatMap(({ reached }) =>
      reached === null ? [] : [cursorWords(reached.cursor, reached.unit)],
    ),
  };
}

/** A pass as a few words. */
export function passWords({ pass, splits, done, rows, reached }: PassProgress): string {
  const at = reached.length === 0 ? "" : `, at ${reached.join(" and ")}`;
  return `${pass} ${String(done)}/${String(splits)} splits, ${formatCount(rows)} rows${at}`;
}
