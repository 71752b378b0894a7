// Continues a table's open passes or opens the next ones, and lists the splits that are left to read.
import type { TableDefinition } from "../../catalog/definition.ts";
import type { SourceClient, UnreadRows } from "../../sources/source.ts";
import type { Ledger } from "../../stores/ledger/ledger.ts";
import { SourceUnavailableError } from "../../contract/errors.ts";
import { openPasses } from "../../contract/passes.ts";
import type { Pass, Progress } from "../../contract/records.ts";
import type { WorkItem } from "../../contract/state.ts";
import {
  cursorReaching,
  isEmptyWindow,
  isKeysPassDue,
  isLatePassDue,
  makePass,
} from "./decide-pass.ts";

interface TablePlan {
  /** True if a pass is open: there is something to read, or to commit. */
  readonly isOpen: boolean;
  readonly items: WorkItem[];
  /** What went wrong with one pass; the other one goes on. */
  readonly errors: Error[];
  /** What the source has and no pass will read. */
  readonly unread: UnreadRows[];
}

export interface TablePlanContext {
  readonly ledger: Pick<Ledger, "progress" | "splits" | "transactions">;
  readonly client: SourceClient;
  readonly nowMillis: number;
}

/**
 * @param token the table's lease token
 * @throws SourceUnavailableError, for then the other pass is not asked for either; FencedError if the lease was lost
 */
export async function planTable(
  context: TablePlanContext,
  table: TableDefinition,
  token: number,
): Promise<TablePlan> {
  const errors: Error[] = [];
  const before = await context.ledger.progress.read(table.name);
  let progress = before;
  for (const open of [openRows, openKeys, openLate]) {
    try {
      progress = await open(context, table, token, progress);
    } catch (error) {
      if (!(error instanceof Error) || error instanceof SourceUnavailableError) throw error;
      errors.push(error);
    }
  }
  const unread: UnreadRows[] = [];
  // What stops the table's planning would stop the count for the same reason.
  if (errors.length === 0) {
    try {
      const counted = [
        await context.client.countUnread?.(table),
        await countBehind(context, table, before),
      ];
      unread.push(...counted.flatMap((one) => one ?? []));
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      errors.push(error);
    }
  }
  const passes = openPasses(progress);
  const items: WorkItem[] = [];
  for (const pass of passes)
    items.push(...(await itemsOf(context.ledger, table.name, token, pass)));
  return { isOpen: passes.length > 0, items, errors, unread };
}

/** What was written since the last window was planned, and stands before the next one: a cursor that does not grow. */
async function countBehind(
  { client }: TablePlanContext,
  table: TableDefinition,
  { passes, watermark, writeMark }: Progress,
): Promise<UnreadRows | null> {
  // In the middle of a pass the mark is of an earlier window than the one being read.
  if (passes.rows !== undefined || watermark === null || writeMark === undefined) return null;
  return (await client.countBehind?.(table, writeMark, watermark)) ?? null;
}

async function openRows(
  context: TablePlanContext,
  table: TableDefinition,
  token: number,
  progress: Progress,
): Promise<Progress> {
  if (progress.passes.rows !== undefined) return progress;
  const { client, nowMillis } = context;
  const planned = await client.planWindow(table, progress.watermark, nowMillis);
  const window = planned === null ? null : { from: planned.from, to: planned.to };
  if (window !== null && isEmptyWindow(window)) return progress;
  const writeMark = window === null ? undefined : await client.markWrites?.(table);
  const bounds = await client.planRows(table, window);
  return open(context, token, progress, {
    kind: "rows",
    table,
    progress,
    window,
    unit: planned?.unit,
    writeMark,
    bounds,
    nowMillis,
  });
}

async function openKeys(
  context: TablePlanContext,
  table: TableDefinition,
  token: number,
  progress: Progress,
): Promise<Progress> {
  if (progress.passes.keys !== undefined) return progress;
  const { client, nowMillis } = context;
  if (!isKeysPassDue(table, progress, progress.passes.rows, nowMillis)) return progress;
  const bounds = await client.planKeys(table);
  return open(context, token, progress, {
    kind: "keys",
    table,
    progress,
    window: null,
    bounds,
    nowMillis,
  });
}

/** Reads rows again that lie before the window being read, down to where late ones are still looked for. */
async function openLate(
  context: TablePlanContext,
  table: TableDefinition,
  token: number,
  progress: Progress,
): Promise<Progress> {
  const { client, nowMillis } = context;
  const before = progress.passes.rows?.window?.from ?? null;
  const { cursor } = table;
  if (before === null || cursor?.lateRows == null) return progress;
  if (!isLatePassDue(cursor.lateRows, progress, nowMillis)) return progress;
  const reach = { ...table, cursor: cursorReaching(cursor, cursor.lateRows) };
  const reached = await client.planWindow(reach, before, nowMillis);
  if (reached === null) return progress;
  const window = { from: reached.from, to: before };
  const bounds = await client.planRows(table, window);
  return open(context, token, progress, {
    kind: "late",
    table,
    progress,
    window,
    unit: reached.unit,
    bounds,
    nowMillis,
  });
}

async function open(
  { ledger }: TablePlanContext,
  token: number,
  before: Progress,
  args: Parameters<typeof makePass>[0],
): Promise<Progress> {
  const made = makePass(args);
  if (made === undefined) return before;
  return ledger.transactions.openPass({ table: args.table.name, token, before, ...made });
}

async function itemsOf(
  ledger: TablePlanContext["ledger"],
  table: string,
  token: number,
  pass: Pass,
): Promise<WorkItem[]> {
  const splits = await ledger.splits.list(table, pass);
  return splits
    .filter(({ done }) => !done)
    .map(({ split }) => ({
      table,
      pass: pass.id,
      kind: pass.kind === "keys" ? ("keys" as const) : ("rows" as const),
      split,
      token,
    }));
}
