// Where everything stands in the data bucket.

const padded = (number: number, digits: number): string => String(number).padStart(digits, "0");

export const keys = {
  /** A lane's work list. */
  laneWork: (run: string, source: string, lane: number): string =>
    `runs/${run}/lanes/${source}-${lane}.json`,
  /** What Plan decided: tables with their tokens, problems, what waits. */
  runPlan: (run: string): string => `runs/${run}/plan.json`,
  /** What Commit did, a line a table. */
  runCommit: (run: string): string => `runs/${run}/commit.json`,
  /** What the warehouse was last seen to hold in full. */
  seenLoads: "loads/latest.json",
  /** The published tables and models that the warehouse lacks something of, items of the Load map. */
  runTables: (run: string): string => `runs/${run}/tables.json`,
  /** Why a table was left out of the reading. */
  extractProblem: (run: string, table: string): string => `runs/${run}/problems/${table}.json`,
  /** Why a table could not be loaded. No table's name has a hyphen, so it is not taken for one of Extract's. */
  loadProblem: (run: string, table: string): string => `runs/${run}/problems/load-${table}.json`,
  /** What was last seen of a table's fields at its source. */
  drift: (table: string): string => `drift/${table}.json`,
  /** Whether the run's build is due. */
  runDecision: (run: string): string => `runs/${run}/decision.json`,
  /** What the last whole build left of each table and model. */
  buildSummary: "builds/latest.json",
  buildResult: (run: string): string => `runs/${run}/build.json`,
  object: (at: {
    table: string;
    pass: string;
    split: string;
    sequence: number;
    token: number;
    attempt: string;
  }): string =>
    `raw/${at.table}/${at.pass}/${at.split}/${padded(at.sequence, 6)}-${at.token}-${at.attempt}.ndjson.gz`,
  manifest: (at: { table: string; number: number; token: number; attempt: string }): string =>
    `manifests/${at.table}/${padded(at.number, 10)}-${at.token}-${at.attempt}.json`,
  delta: (table: string, snapshot: string): string => `deltas/${table}/${snapshot}.json`,
  /** The manifest that COPY reads, beside the delta that it is made from. */
  copyManifest: (table: string, snapshot: string): string =>
    `deltas/${table}/${snapshot}.copy.json`,
} as const;
