// Whether a table's next pass is due and what it is made of: pure decisions.
import type { TableDefinition } from "../../catalog/schema/definition.ts";
import { ProtocolError } from "../protocol/errors.ts";
import type { Bounds, Pass, Progress, SplitRecord } from "../protocol/records.ts";

const MILLIS_AN_HOUR = 3_600_000;

export interface Window {
  readonly from: string | null;
  readonly to: string;
}

/** True if no row can be in the window. Cursor text is an integer of any size. */
export function isEmptyWindow({ from, to }: Window): boolean {
  return from !== null && BigInt(from) >= BigInt(to);
}

/**
 * True if all keys should be read now. Not before the first reading of the rows is complete: that sees every key
 * itself, and a sweep beside it would only cost the source the same again.
 * @param rowsPass the pass of rows that is open, if one is
 */
export function isKeysPassDue(
  table: TableDefinition,
  progress: Progress,
  rowsPass: Pass | undefined,
  nowMillis: number,
): boolean {
  if (table.deletes.way !== "key-sweep") return false;
  const isFirstReading =
    rowsPass === undefined ? progress.watermark === null : rowsPass.window?.from === null;
  if (isFirstReading) return false;
  const last = progress.lastKeysPassStartedAt;
  return last === null || nowMillis - last >= table.deletes.everyHours * MILLIS_AN_HOUR;
}

/** A new pass and its splits, or nothing if there is nothing to read. */
export function makePass(args: {
  kind: Pass["kind"];
  table: TableDefinition;
  progress: Progress;
  window: Window | null;
  bounds: readonly Bounds[];
  nowMillis: number;
}): { pass: Pass; splits: SplitRecord[] } | undefined {
  const { kind, table, progress, window, bounds, nowMillis } = args;
  if (bounds.length === 0) return undefined;
  if (window !== null) checkTiling(table.name, window, bounds);
  const number = progress.passNumber + 1;
  const id = `${kind}-${number}`;
  const splits = bounds.map((bound, index) => ({
    pass: id,
    split: String(index).padStart(4, "0"),
    bounds: bound,
    position: null,
    objects: 0,
    rows: 0,
    done: false,
  }));
  return {
    pass: {
      id,
      kind,
      number,
      startedAt: nowMillis,
      window,
      absence: kind === "keys" || table.deletes.way === "absence",
      sinceManifest: progress.lastManifest,
      splits: splits.map(({ split }) => split),
    },
    splits,
  };
}

/**
 * Splits must tile their window exactly and in order: a gap would lose rows, and the watermark counts on the order.
 * @throws ProtocolError showing the two bounds that do not meet
 */
export function checkTiling(table: string, window: Window, bounds: readonly Bounds[]): void {
  let end = window.from;
  for (const bound of bounds) {
    const from = bound.by === "cursor" ? bound.from : bound.after;
    if (bound.by !== "cursor" || from !== end) {
      throw new ProtocolError(
        `splits of table ${table} do not tile its window: after ${end ?? "the beginning"} comes ${from ?? "the beginning"}`,
      );
    }
    end = bound.to;
  }
  if (end !== window.to) {
    throw new ProtocolError(
      `splits of table ${table} end at ${end ?? "nothing"}, but its window ends at ${window.to}`,
    );
  }
}
