// Whether a table's next pass is due and what it is made of: pure decisions.
import type { TableDefinition } from "../../catalog/definition.ts";
import { ProtocolError } from "../../contract/errors.ts";
import type { Bounds, CursorUnit, Pass, Progress, SplitRecord } from "../../contract/records.ts";

const MILLIS_AN_HOUR = 3_600_000;
const SECONDS_AN_HOUR = 3600;

type Cursor = NonNullable<TableDefinition["cursor"]>;
type Reconcile = NonNullable<Cursor["reconcile"]>;

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
  if (table.deletes.strategy !== "key-sweep") return false;
  const isFirstReading =
    rowsPass === undefined ? progress.watermark === null : rowsPass.window?.from === null;
  if (isFirstReading) return false;
  const last = progress.lastKeysPassStartedAt;
  return last === null || nowMillis - last >= table.deletes.everyHours * MILLIS_AN_HOUR;
}

/** True if past rows should be read again now, to find what came later than the overlap. */
export function isLatePassDue(
  { everyHours }: Reconcile,
  { passes, lastLatePassStartedAt: last }: Progress,
  nowMillis: number,
): boolean {
  if (passes.late !== undefined) return false;
  return last === null || nowMillis - last >= everyHours * MILLIS_AN_HOUR;
}

/** The cursor with as much overlap as late rows are looked for. */
export function cursorReaching<C extends Cursor>(cursor: C, { reachHours }: Reconcile): C {
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
      absence:
        kind === "keys" ||
        (kind === "rows" && table.deletes.strategy === "absence" && window === null),
      sinceManifest: progress.lastManifest,
      splits: splits.map(({ split }) => split),
    },
    splits,
  };
}

/**
 * Splits must tile their window exactly and in order: a gap would lose rows, and the watermark counts on the order.
 * Token ranges must tile the ring, each for the whole window.
 * @throws ProtocolError showing the two bounds that do not meet
 */
export function checkTiling(table: string, window: Window, bounds: readonly Bounds[]): void {
  if (bounds.some(({ by }) => by === "token")) {
    checkRing(table, window, bounds);
    return;
  }
  let end = window.from;
  for (const bound of bounds) {
    if (bound.by !== "cursor" || bound.from !== end) {
      const comes = bound.by === "cursor" ? (bound.from ?? "the beginning") : JSON.stringify(bound);
      throw new ProtocolError(
        `splits of table ${table} do not tile its window: after ${end ?? "the beginning"} comes ${comes}`,
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

const SMALLEST_TOKEN = String(-(2n ** 63n));
const GREATEST_TOKEN = String(2n ** 63n - 1n);

function checkRing(table: string, window: Window, bounds: readonly Bounds[]): void {
  let end = SMALLEST_TOKEN;
  for (const bound of bounds) {
    const { from, to } =
      bound.by === "token" ? (bound.cursor ?? { from: null, to: window.to }) : {};
    if (bound.by !== "token" || bound.after !== end || from !== window.from || to !== window.to) {
      throw new ProtocolError(
        `splits of table ${table} do not tile the ring for the window ${JSON.stringify(window)}: ` +
          `after ${end} comes ${JSON.stringify(bound)}`,
      );
    }
    end = bound.upTo;
  }
  if (end !== GREATEST_TOKEN) {
    throw new ProtocolError(
      `splits of table ${table} end at the token ${end}, but the ring ends at ${GREATEST_TOKEN}`,
    );
  }
}
