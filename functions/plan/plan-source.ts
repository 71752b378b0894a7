// Plans one source: closes what a crash left open there, leases lanes and tables, and lists each lane's work.
import type { SourceDefinition, TableDefinition } from "../../catalog/definition.ts";
import { type SourceClient, SourceUnreachableError } from "../../sources/source.ts";
import { hoursAt } from "../source-access/hours.ts";
import type { IsRunning } from "../../stores/ledger/lease.ts";
import type { Ledger } from "../../stores/ledger/ledger.ts";
import type { Log } from "../runtime/log.ts";
import { errorMessage } from "../../contract/error-message.ts";
import { SourceUnavailableError } from "../../contract/errors.ts";
import type { PlanFile } from "../../contract/run-files.ts";
import type { WorkItem } from "../../contract/state.ts";
import { distribute } from "./distribute.ts";
import type { DriftLook } from "./drift.ts";
import { planTable, type TablePlanContext } from "./plan-table.ts";

export interface PlanContext {
  readonly run: string;
  /** The execution's ARN. */
  readonly execution: string;
  readonly nowMillis: number;
  readonly ledger: TablePlanContext["ledger"] &
    Pick<Ledger, "leases" | "lanes" | "pauses" | "resources">;
  readonly isRunning: IsRunning;
  readonly connect: (source: SourceDefinition) => Promise<SourceClient>;
  readonly log: Pick<Log, "info" | "warn">;
}

export interface PlannedLane {
  readonly source: string;
  readonly lane: number;
  readonly token: number;
  readonly items: WorkItem[];
}

type Waiting = PlanFile["waiting"][number];

interface SourcePlan {
  readonly tables: PlanFile["tables"];
  readonly lanes: PlannedLane[];
  readonly problems: PlanFile["problems"];
  readonly waiting: PlanFile["waiting"];
  readonly unread: PlanFile["unread"];
  /** What the tables that were planned look like at the source now. */
  readonly looks: DriftLook[];
}

// Until an invocation renews it. While the execution runs its leases count whether they have expired or not; this is for
// what may still be under way at the source when it is stopped, and before the first invocation nothing is.
const LANE_LEASE_MILLIS = 60_000;
const TABLE_LEASE_MILLIS = 20 * 60_000;

/** Never throws for what is wrong with the source or a table: those are problems, and the others go on. */
export async function planSource(
  context: PlanContext,
  source: SourceDefinition,
  tables: readonly TableDefinition[],
): Promise<SourcePlan> {
  const planner = new SourcePlanner(context, source);
  return planner.plan(tables);
}

class SourcePlanner {
  readonly #context: PlanContext;
  readonly #source: SourceDefinition;
  readonly #tables: PlanFile["tables"] = [];
  readonly #problems: PlanFile["problems"] = [];
  readonly #waiting: PlanFile["waiting"] = [];
  readonly #unread: PlanFile["unread"] = [];
  readonly #looks: DriftLook[] = [];
  readonly #items = new Map<string, WorkItem[]>();
  #unreachableTables = 0;

  constructor(context: PlanContext, source: SourceDefinition) {
    this.#context = context;
    this.#source = source;
  }

  async plan(tables: readonly TableDefinition[]): Promise<SourcePlan> {
    let taken: { lane: number; token: number }[] = [];
    try {
      if (!(await this.#mustBeLeftAlone(tables))) {
        const client = await this.#context.connect(this.#source);
        await this.#closeLeftOvers(client);
        taken = await this.#takeLanes();
        if (taken.length === 0) {
          for (const { name } of tables) {
            this.#wait(
              name,
              "lanes",
              `other runs, or what a stopped one left behind, use all lanes of source ${this.#source.name}`,
            );
          }
        } else {
          for (const table of tables) await this.#planTable(client, table);
        }
      }
    } catch (error) {
      this.#problem("source", this.#source.name, error);
    }
    return {
      tables: this.#tables,
      lanes: await this.#dealWork(taken),
      problems: this.#problems,
      waiting: this.#waiting,
      unread: this.#unread,
      looks: this.#looks,
    };
  }

  /** Has the tables wait if the source must not be asked now; then nothing at all is asked of it. */
  async #mustBeLeftAlone(tables: readonly TableDefinition[]): Promise<boolean> {
    const { ledger, nowMillis } = this.#context;
    const { name, budget } = this.#source;
    if (budget.hours !== null) {
      const { isOpen, changesAt } = hoursAt(budget.hours, nowMillis);
      if (!isOpen) {
        const { timeZone, from, to } = budget.hours;
        const opensAt = new Date(changesAt).toISOString();
        const reason = `source ${name} is read from ${from} to ${to}, ${timeZone}: it opens at ${opensAt}`;
        for (const table of tables) this.#wait(table.name, "hours", reason, opensAt);
        return true;
      }
    }
    const pause = await ledger.pauses.read(name);
    if (pause === undefined || pause.until <= nowMillis) return false;
    const until = new Date(pause.until).toISOString();
    const reason = `source ${name} rejected requests again and again and is left alone until ${until}: ${pause.reason}`;
    for (const table of tables) this.#wait(table.name, "pause", reason);
    return true;
  }

  /** Closes points in time that nobody uses any more: those of ended runs, and those that no invocation renewed. */
  async #closeLeftOvers(client: SourceClient): Promise<void> {
    const { ledger, isRunning, nowMillis, log } = this.#context;
    const source = this.#source.name;
    const running = new Map<string, boolean>();
    for (const { id, execution, expiresAt } of await ledger.resources.list(source)) {
      const isExpired = expiresAt <= nowMillis;
      if (!running.has(execution)) running.set(execution, await isRunning(execution));
      if (running.get(execution) === true && !isExpired) continue;
      try {
        await client.release(id);
        await ledger.resources.forget(source, id);
        log.info("closed what an earlier run left open", { source });
      } catch (error) {
        log.warn("could not close what an earlier run left open", {
          source,
          reason: errorMessage(error),
        });
        // The source gives up by itself what has expired; a cluster that was replaced can't be asked any more.
        if (isExpired) await ledger.resources.forget(source, id);
      }
    }
  }

  async #takeLanes(): Promise<{ lane: number; token: number }[]> {
    const { ledger, execution, isRunning, nowMillis } = this.#context;
    const { name, budget } = this.#source;
    const taken: { lane: number; token: number }[] = [];
    while (taken.length < budget.lanes) {
      const lane = await ledger.lanes.take(
        name,
        budget.lanes,
        execution,
        Date.now() + LANE_LEASE_MILLIS,
        isRunning,
        nowMillis,
        taken.map((other) => other.lane),
      );
      if (lane === undefined) break;
      taken.push(lane);
    }
    return taken;
  }

  async #planTable(client: SourceClient, table: TableDefinition): Promise<void> {
    const { ledger, execution, isRunning, nowMillis, log } = this.#context;
    const source = this.#source.name;
    const lease = await ledger.leases.take(
      table.name,
      execution,
      Date.now() + TABLE_LEASE_MILLIS,
      isRunning,
    );
    if ("heldBy" in lease) {
      this.#wait(table.name, "held", `another run reads it: ${lease.heldBy}`);
      return;
    }
    const { token } = lease;
    try {
      const plan = await planTable({ ledger, client, nowMillis }, table, token);
      await this.#look(client, table);
      for (const error of plan.errors) this.#problem("table", table.name, error);
      this.#unread.push(...plan.unread.map((one) => ({ table: table.name, ...one })));
      if (plan.isOpen) {
        this.#tables.push({ table: table.name, source, token });
        this.#items.set(table.name, plan.items);
        const { length: splits } = plan.items;
        log.info("table planned", { source, table: table.name, token, splits });
      } else {
        await ledger.leases.release(table.name, token);
        log.info("nothing to read", { source, table: table.name });
      }
    } catch (error) {
      await ledger.leases.release(table.name, token);
      // One table for which nothing responds may be its own trouble; with a second one it is the source's.
      if (error instanceof SourceUnreachableError) this.#unreachableTables += 1;
      if (this.#unreachableTables === 2) throw error;
      if (!(error instanceof SourceUnavailableError)) await this.#look(client, table);
      this.#problem("table", table.name, error);
    }
  }

  /** Looks at the table's fields for drift, which is never a reason not to read it. */
  async #look(client: SourceClient, table: TableDefinition): Promise<void> {
    try {
      this.#looks.push({ table, shape: await client.describe(table.from) });
    } catch (error) {
      const details = { source: this.#source.name, table: table.name, reason: errorMessage(error) };
      this.#context.log.warn("could not look for drift", details);
    }
  }

  async #dealWork(taken: readonly { lane: number; token: number }[]): Promise<PlannedLane[]> {
    const { run, ledger } = this.#context;
    const source = this.#source.name;
    if (taken.length === 0) return [];
    const work = distribute(run, this.#items, taken.length);
    const lanes: PlannedLane[] = [];
    for (const [index, { lane, token }] of taken.entries()) {
      const items = work[index] ?? [];
      if (items.length > 0) lanes.push({ source, lane, token, items });
      else await ledger.lanes.release(source, lane, token);
    }
    return lanes;
  }

  #wait(table: string, cause: Waiting["cause"], reason: string, opensAt?: string): void {
    const { name: source } = this.#source;
    this.#waiting.push({
      ...{ table, source, cause, reason },
      ...(opensAt === undefined ? {} : { opensAt }),
    });
    this.#context.log.info("table waits", { source, table, cause, reason });
  }

  #problem(kind: "source" | "table", name: string, error: unknown): void {
    const message = errorMessage(error);
    const problem = { kind, name, error: error instanceof Error ? error.name : "Error", message };
    this.#problems.push(problem);
    this.#context.log.warn("cannot be planned", {
      source: this.#source.name,
      ...(kind === "table" ? { table: name } : {}),
      ...{ errorName: problem.error, reason: message },
      ...(error instanceof Error ? { error } : {}),
    });
  }
}
