// Plans one run: which tables, their passes and splits, and each lane's work.
import { z } from "zod";
import type { TableDefinition } from "../../catalog/definition.ts";
import type { Definitions } from "../../stores/data-catalog/read-definitions.ts";
import { type DriftFile, driftFileSchema } from "../../contract/drift.ts";
import { ProtocolError } from "../../contract/errors.ts";
import { keys } from "../../contract/keys.ts";
import type { PlanFile } from "../../contract/run-files.ts";
import { type LaneState, RELAXED, type WorkList } from "../../contract/state.ts";
import type { JsonStore } from "../../stores/bucket/json-store.ts";
import { chooseTables } from "./choose-tables.ts";
import { compareWithLast, type DriftLook } from "./drift.ts";
import { planSource, type PlanContext, type PlannedLane } from "./plan-source.ts";
import { smallestBudget } from "./smallest-budget.ts";

export const planInputSchema = z.object({
  /** The execution's name. */
  run: z.string().min(1),
  /** The execution's ARN. */
  execution: z.string().min(1),
  tables: z.array(z.string()).min(1).optional(),
});
type PlanInput = z.infer<typeof planInputSchema>;

export type PlanDependencies = Omit<PlanContext, "run" | "execution"> & {
  readonly readDefinitions: () => Promise<Definitions>;
  readonly store: JsonStore;
};

/**
 * Leases tables and lanes, opens or continues passes, and leaves what was decided in the data bucket.
 * @returns a state for each lane that has work
 * @throws Error, before anything is written, if a table was asked for that does not exist
 */
export async function planRun(
  input: PlanInput,
  dependencies: PlanDependencies,
): Promise<{ lanes: LaneState[] }> {
  const { run, execution } = input;
  const { readDefinitions, store, ...parts } = dependencies;
  const { definitions, broken } = await readDefinitions();
  const tables = chooseTables(definitions, broken, input.tables);
  const context: PlanContext = { run, execution, ...parts };

  const plans = await Promise.all(
    groupBySource(tables).map((group) => {
      const { source } = group[0];
      const budget = smallestBudget(definitions, source.name) ?? source.budget;
      return planSource(context, { ...source, budget }, group);
    }),
  );
  const lanes = plans.flatMap((plan) => plan.lanes);
  for (const lane of lanes) {
    const work: WorkList = { format: 1, items: lane.items };
    await store.put(keys.laneWork(run, lane.source, lane.lane), work);
  }
  const drift = await compareAll(
    plans.flatMap((plan) => plan.looks),
    run,
    dependencies,
  );
  const file: PlanFile = {
    format: 1,
    run,
    byName: input.tables !== undefined,
    definitions: definitions.map((one) => ({
      ...{ name: one.name, kind: one.kind },
      source: one.kind === "table" ? one.source.name : null,
    })),
    tables: plans.flatMap((plan) => plan.tables),
    lanes: lanes.map(({ source, lane, token }) => ({ source, lane, token })),
    problems: [
      ...broken
        .filter(({ name }) => input.tables?.includes(name) ?? true)
        .map((one) => ({ kind: "table" as const, ...one })),
      ...plans.flatMap((plan) => plan.problems),
    ],
    waiting: plans.flatMap((plan) => plan.waiting),
    unread: plans.flatMap((plan) => plan.unread),
    drift: drift.flatMap(({ table, reported }) => reported.map((one) => ({ table, ...one }))),
  };
  await store.put(keys.runPlan(run), file);
  // After the plan that reports it: what is not reported yet is looked at again by the next attempt.
  for (const one of drift) await store.put(keys.drift(one.table), one);
  const startedAt = Date.now();
  return { lanes: lanes.map((lane) => firstState(input, lane, startedAt)) };
}

async function compareAll(
  looks: readonly DriftLook[],
  run: string,
  { store, nowMillis, log }: Pick<PlanDependencies, "store" | "nowMillis" | "log">,
): Promise<DriftFile[]> {
  const found: DriftFile[] = [];
  for (const look of looks) {
    const key = keys.drift(look.table.name);
    let last: DriftFile | undefined;
    try {
      last = await store.find(key, driftFileSchema);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      const details = { table: look.table.name, key, reason: error.message };
      log.warn("drift is looked at as if for the first time", details);
    }
    found.push(compareWithLast(look, last, run, nowMillis));
  }
  return found;
}

type Group = [TableDefinition, ...TableDefinition[]];

function groupBySource(tables: readonly TableDefinition[]): Group[] {
  const groups = new Map<string, Group>();
  for (const table of tables) {
    const group = groups.get(table.source.name);
    if (group === undefined) groups.set(table.source.name, [table]);
    else group.push(table);
  }
  return [...groups.values()];
}

function firstState(
  { run, execution }: PlanInput,
  { source, lane, token }: PlannedLane,
  startedAt: number,
): LaneState {
  return {
    format: 1,
    run,
    execution,
    source,
    lane,
    laneToken: token,
    work: keys.laneWork(run, source, lane),
    item: 0,
    invocation: 0,
    startedAt,
    rows: 0,
    pace: { readMillis: 0, pauseMillis: 0, backOffs: 0, slow: 0, bytes: 0 },
    governor: RELAXED,
    done: false,
    ended: null,
  };
}
