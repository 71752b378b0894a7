// What happened to the sample data so far, from which every row's state follows without asking any server.
import { randomAt, type Random } from "./random.ts";

export type SampleTable = "companies" | "leads" | "visits" | "page_views";

export const SAMPLE_TABLES: readonly SampleTable[] = ["companies", "leads", "visits", "page_views"];

type RowCounts = Readonly<Record<SampleTable, number>>;

/** Shares of a table's rows that one round of changes touches. */
export interface ChangeShares {
  readonly inserts: number;
  readonly updates: number;
  readonly deletes: number;
}

/** One call of `generate` (the first) or `change`. */
interface Round {
  /** The clock when its writing began, milliseconds since 1970. */
  readonly nowMillis: number;
  readonly shares: ChangeShares;
}

/** Plain data, so that it can be kept as JSON between two commands. */
export interface History {
  readonly seed: number;
  /** Rows that `generate` wrote. */
  readonly rows: RowCounts;
  /**
   * Whether some values are edge cases, which have broken loaders: numbers that no double holds, awkward texts, dates
   * long past. Tests have them; what people are shown looks like a company's.
   */
  readonly edgeCases: boolean;
  /** The first is `generate`, each other one a `change`. */
  readonly rounds: readonly [Round, ...Round[]];
}

/**
 * What one round did to one row.
 *
 * - `insert`, `rewrite`: every column that can change has a new value; `reborn` is an insert of a key that was deleted
 * - `null`: one column became null; `shrink`: one element left a collection
 */
export type Change = "insert" | "reborn" | "rewrite" | "null" | "shrink" | "delete";

export interface Step {
  readonly round: number;
  readonly change: Change;
  /** The cursor of what is written lies in the past, as if the writer's clock were behind. */
  readonly late: boolean;
}

const INSERT_LATE = 0.2;
const UPDATE_LATE = 0.1;
const REBORN = 0.1;

/** What a row's contents are drawn from. */
export interface RowRandom extends Random {
  /** As `chance`, for a value that is an edge case: false where the history has none. It draws in either case. */
  edge(probability: number): boolean;
}

/** @param place what distinguishes this draw from others: the row, and the round where contents change with it */
export function rowRandomAt(
  { seed, edgeCases }: Pick<History, "seed" | "edgeCases">,
  stream: string,
  ...place: readonly number[]
): RowRandom {
  const random = randomAt(seed, stream, ...place);
  return { ...random, edge: (probability) => random.chance(probability) && edgeCases };
}

/** How many rows of a table were ever written, up to and including a round. */
export function rowsEver(history: History, table: SampleTable, round: number): number {
  const first = history.rows[table];
  if (first === 0) return 0;
  return history.rounds
    .slice(1, round + 1)
    .reduce((rows, { shares }) => rows + insertsIn(first, shares), first);
}

function insertsIn(firstRows: number, shares: ChangeShares): number {
  return shares.inserts === 0 ? 0 : Math.max(1, Math.floor(firstRows * shares.inserts));
}

/** The round in which a row was first written. */
function birth(history: History, table: SampleTable, row: number): number {
  let end = history.rows[table];
  let round = 0;
  for (const { shares } of history.rounds.slice(1)) {
    if (row < end) return round;
    end += insertsIn(history.rows[table], shares);
    round++;
  }
  return round;
}

/** Everything that happened to a row, in order; its last step says what is there now. */
export function stepsOf(history: History, table: SampleTable, row: number): Step[] {
  const born = birth(history, table, row);
  const draw = randomAt(history.seed, `${table}/birth`, row);
  const steps: Step[] = [
    { round: born, change: "insert", late: born > 0 && draw.chance(INSERT_LATE) },
  ];
  let alive = true;
  for (let round = born + 1; round < history.rounds.length; round++) {
    const step = stepIn(history, table, row, round, alive);
    if (step === undefined) continue;
    steps.push(step);
    alive = step.change !== "delete";
  }
  return steps;
}

function stepIn(
  history: History,
  table: SampleTable,
  row: number,
  round: number,
  alive: boolean,
): Step | undefined {
  const shares = history.rounds[round]?.shares ?? { inserts: 0, updates: 0, deletes: 0 };
  const draw = randomAt(history.seed, `${table}/step`, row, round);
  const fate = draw.unit();
  if (!alive) {
    return fate < REBORN && shares.inserts > 0
      ? { round, change: "reborn", late: false }
      : undefined;
  }
  if (fate < shares.deletes) return { round, change: "delete", late: false };
  if (fate >= shares.deletes + shares.updates) return undefined;
  const change = draw.pick<Change>(["rewrite", "rewrite", "rewrite", "null", "shrink"]);
  return { round, change, late: draw.chance(UPDATE_LATE) };
}

/** The clock of a round's writing, milliseconds since 1970. */
export function nowOf(history: History, round: number): number {
  return (history.rounds[round] ?? history.rounds[0]).nowMillis;
}

/** The contents of a row after its steps: each step makes the next contents from those before. */
export function fold<Contents>(
  steps: readonly Step[],
  fresh: (step: Step) => Contents,
  changed: (before: Contents, step: Step) => Contents,
): Contents | undefined {
  let contents: Contents | undefined;
  for (const step of steps) {
    const isFresh = contents === undefined || step.change === "reborn" || step.change === "insert";
    contents = isFresh || contents === undefined ? fresh(step) : changed(contents, step);
  }
  return contents;
}

/** How far behind the clock a cursor is written, so that a run that starts right after sees every row. */
const WRITTEN_BEFORE_MILLIS = 5000;
/** Less than the declared overlap of 60 seconds. */
const LATE_BEFORE_MILLIS = 30_000;
const FIRST_LOAD_SPREAD_MILLIS = 30 * 86_400_000;

/**
 * The cursor (`updatedAt`) of a document after its steps, milliseconds since 1970.
 *
 * A run reads up to its own clock less the declared lag of two seconds, so what is written as "now" would be left to the
 * next run. A cursor of five seconds ago is seen at once: the truth and the warehouse can be compared right after.
 * One document's cursor never goes back, because a later write with an earlier cursor would count as older.
 * What the first round writes is spread over a month, and every eighth row shares its millisecond with many others.
 */
export function cursorOf(
  history: History,
  table: SampleTable,
  row: number,
  steps: readonly Step[],
): number {
  let cursor = 0;
  for (const { round, late } of steps) {
    const now = nowOf(history, round) - WRITTEN_BEFORE_MILLIS;
    const draw = randomAt(history.seed, `${table}/cursor`, row, round);
    const back = round === 0 ? firstLoadAge(draw.unit(), row) : draw.integer(0, late ? 2000 : 50);
    cursor = Math.max(cursor + 1, now - back - (late ? LATE_BEFORE_MILLIS : 0));
  }
  return cursor;
}

function firstLoadAge(unit: number, row: number): number {
  // Tied rows stand at the beginning of one of 30 days.
  const day = FIRST_LOAD_SPREAD_MILLIS / 30;
  return row % 8 === 0 ? Math.floor(unit * 30) * day : Math.floor(unit * FIRST_LOAD_SPREAD_MILLIS);
}
