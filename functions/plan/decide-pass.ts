// Whether a table's next pass is due and what it is made of: pure decisions.
import type { TableDefinition } from "../../catalog/definition.ts";
import type { Bounds, CursorUnit, Pass, Progress, SplitRecord } from "../../contract/records.ts";
import { checkTiling, type Window } from "./tiling.ts";

const MILLIS_AN_HOUR = 3_600_000;
const SECONDS_AN_HOUR = 3600;

type Cursor = NonNullable<TableDefinition["cursor"]>;
type LateRows = NonNullable<Cursor["lateRows"]>;

/** True if no row can be in the window. Cursor text is an integer of any size. */
export function isEmptyWindow({ from, to }: Window): boolean {
  return from !== null && BigInt(from) >= BigInt(to);
}

/**
 * True if all keys should be read now. Not before the first reading of the rows is complete: that sees every key
 * itself, and a full scan beside it would only cost the source the same again.
 * @param rowsPass the pass of rows that is open, if one is
 */
export function isKeysPassDue(
  table: TableDefinition,
  progress: Progress,
  rowsPass: Pass | undefined,
  nowMillis: number,
): boolean {
  if (table.deletes.strategy !== "key-scan") return false;
  const isFirstReading =
    rowsPass === undefined ? progress.watermark === null : rowsPass.window?.from === null;
  if (isFirstReading) return false;
  const last = progress.lastKeysPassStartedAt;
  return last === null || nowMillis - last >= table.deletes.everyHours * MILLIS_AN_HOUR;
}

/** True if past rows should be read again now, to find what came later than the overlap. */
export function isLatePassDue(
  { everyHours }: LateRows,
  { passes, lastLatePassStartedAt: last }: Progress,
  nowMillis: number,
): boolean {
  if (passes.late !== undefined) return false;
  return last === null || nowMillis - last >= everyHours * MILLIS_AN_HOUR;
}

/** The cursor with as much overlap as late rows are looked for. */
export function cursorReaching<C extends Cursor>(cursor: C, { reachHours }: LateRows): C {
  return { ...cursor, overlapSeconds: reachHours * SECONDS_AN_HOUR };
}

/** A new pass and its splits, or nothing if there is nothing to read. */
export function makePass(args: {
  kind: Pass["kind"];
  table: TableDefinition;
  progress: Progress;
  window: Window | null;
  /** What the window counts. */
  unit?: CursorUnit | undefined;
  /** What had been written when it was planned. */
  writeMark?: string | undefined;
  bounds: readonly Bounds[];
  nowMillis: number;
}): { pass: Pass; splits: SplitRecord[] } | undefined {
  const { kind, table, progress, window, unit, writeMark, bounds, nowMillis } = args;
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
      ...(unit === undefined ? {} : { unit }),
      ...(writeMark === undefined ? {} : { writeMark }),
      // A window sees only what changed, whatever the definition says.
      findsDeletes:
        kind === "keys" ||
        (kind === "rows" && table.deletes.strategy === "full-scan" && window === null),
      sinceManifest: progress.lastManifest,
      splits: splits.map(({ split }) => split),
    },
    splits,
  };
}
