// Finds out which tables the warehouse lacks something of, by asking it once for all of them, or not at all.
import { createHash } from "node:crypto";
import { z } from "zod";
import type { Definition } from "../../catalog/definition.ts";
import type { Definitions } from "../../stores/data-catalog/read-definitions.ts";
import type { Log } from "../runtime/log.ts";
import { buildSummarySchema } from "../../contract/build-summary.ts";
import { ProtocolError } from "../../contract/errors.ts";
import { keys } from "../../contract/keys.ts";
import type { TablesFile } from "../../contract/run-files.ts";
import { seenLoadsSchema, type SeenLoads } from "../../contract/seen-loads.ts";
import type { JsonStore } from "../../stores/bucket/json-store.ts";
import { AllFacts, allAuditsQuery, allRelationsQuery } from "./all-facts.ts";
import type { Facts } from "./facts.ts";
import { nextAction } from "./next-action.ts";
import { orderPublished } from "./order-published.ts";
import { StatementError, StillRunningError, type Warehouse } from "./warehouse.ts";

export const chooseInputSchema = z.object({
  run: z.string().min(1),
  /** Distinguishes this from the load of one table. */
  choose: z.literal(true),
  /** Calls in this run before this one. */
  polls: z.int().nonnegative(),
  /** The query, if it was started and has no result yet. */
  statement: z.string().optional(),
});
type ChooseInput = z.infer<typeof chooseInputSchema>;

export type ChooseResult =
  | (ChooseInput & { readonly status: "wait"; readonly waitSeconds: number })
  /** How many tables are to be loaded, and whether the warehouse was asked. */
  | { readonly status: "done"; readonly tables: number; readonly asked: boolean };

export interface ChooseParts {
  /** Null if the deployment has no warehouse. */
  readonly warehouse: Warehouse | null;
  /** Names the warehouse, so that what was seen of another one does not count. */
  readonly address: string;
  readonly store: JsonStore;
  readonly readDefinitions: () => Promise<Definitions>;
  /** The current metadata file of each table of the lake. */
  readonly readLake: () => Promise<ReadonlyMap<string, string>>;
  /** The content id that readers of the lake see, from the table's metadata; null before the first build. */
  readonly readContentId: (table: string) => Promise<string | null>;
  readonly nowMillis: number;
  readonly log: Pick<Log, "error">;
}

/** What people change in the warehouse itself, such as a dropped view, is found after this time at the latest. */
const SEEN_MILLIS = 24 * 3_600_000;

const MAX_POLLS = 360;
const WAIT_SECONDS = 10;
const READS_AT_ONCE = 16;

/** A published entry with the content that the lake has of it. */
interface Published {
  readonly definition: Definition;
  readonly contentId: string;
}

/**
 * Writes the tables that are to be loaded to `tables.json`, each after all that it is derived from.
 *
 * @param deadline when to stop waiting for the warehouse, milliseconds since 1970
 * @throws StatementError if the warehouse rejects the query; Error if it does not respond for an hour; ProtocolError
 *   if the lake's metadata can't be understood
 */
export async function chooseLoads(
  input: ChooseInput,
  deadline: number,
  parts: ChooseParts,
): Promise<ChooseResult> {
  const { warehouse, store } = parts;
  if (warehouse === null) return finish(input, parts, [], false);
  const published = await readPublished(parts);
  if (published.length === 0) return finish(input, parts, [], false);
  const known = input.statement === undefined ? await readSeen(store) : undefined;
  if (known !== undefined && isSeen(known, published, parts)) {
    return finish(input, parts, [], false);
  }
  let facts: AllFacts;
  try {
    const asked = await ask(warehouse, input, deadline, parts.log);
    if ("statement" in asked) return wait(input, asked.statement);
    ({ facts } = asked);
  } catch (error) {
    if (error instanceof StillRunningError) return wait(input);
    throw error;
  }
  const lacking = published.filter((one) => isLacking(one, facts.of(one.definition.name)));
  if (lacking.length === 0) await store.put(keys.seenLoads, seenOf(published, parts));
  return finish(input, parts, lacking, true);
}

async function finish(
  { run }: ChooseInput,
  { store }: ChooseParts,
  lacking: readonly Published[],
  asked: boolean,
): Promise<ChooseResult> {
  const file: TablesFile = lacking.map(({ definition }) => ({ table: definition.name }));
  await store.put(keys.runTables(run), file);
  return { status: "done", tables: file.length, asked };
}

function wait({ run, polls }: ChooseInput, statement?: string): ChooseResult {
  if (polls >= MAX_POLLS) throw new Error(`the warehouse did not respond within ${polls} calls`);
  return {
    ...{ run, choose: true, polls: polls + 1, status: "wait", waitSeconds: WAIT_SECONDS },
    ...(statement === undefined ? {} : { statement }),
  };
}

/**
 * Asks for relations and audits in one request.
 * @returns the result, or the statement that is still running
 * @throws StillRunningError if it must be asked again
 */
async function ask(
  warehouse: Warehouse,
  { run, polls, statement }: ChooseInput,
  deadline: number,
  log: ChooseParts["log"],
): Promise<{ facts: AllFacts } | { statement: string }> {
  const queries = [allRelationsQuery(), allAuditsQuery()];
  // A repeated call gets the statement that the first one started.
  const token = createHash("sha256")
    .update(JSON.stringify([run, "choose", polls]))
    .digest("hex");
  const id = statement ?? (await warehouse.start(queries, token));
  const outcome = await warehouse.waitFor(id, deadline);
  if (outcome.status === "running") return { statement: id };
  if (outcome.status === "unknown") throw new StillRunningError(`statement ${id} is forgotten`);
  if (outcome.status === "finished") {
    const [relations, audits] = [await warehouse.rows(`${id}:1`), await warehouse.rows(`${id}:2`)];
    return { facts: new AllFacts(relations, audits) };
  }
  // Before the first load there is no audit to ask.
  const facts = new AllFacts(await warehouse.query(allRelationsQuery(), deadline), []);
  if (facts.isSetUp) {
    const { error, sql, statementId } = outcome;
    const details = { step: "choose", reason: error, statement: sql, statementId };
    log.error("the warehouse can't be asked what it holds", details);
    throw new StatementError(outcome);
  }
  return { facts };
}

/** Whether the load of the table would do anything. */
function isLacking({ definition, contentId }: Published, facts: Facts): boolean {
  if (!facts.isSetUp || facts.target === null || facts.audited !== contentId) return true;
  const { publish: layout } = definition;
  if (layout === null) return false;
  const target = { definition, layout, copyRole: "", manifestUrl: () => "" };
  return nextAction(target, facts, { do: "nothing" }).do !== "done";
}

/** What is published and was built, in the order of loading. */
async function readPublished(parts: ChooseParts): Promise<Published[]> {
  // The summary first: what changes after it has another metadata file, which is then read itself.
  const known = await readBuilt(parts.store);
  const { definitions } = await parts.readDefinitions();
  const lake = await parts.readLake();
  const byName = new Map(definitions.map((definition) => [definition.name, definition]));
  const left = orderPublished(definitions).flatMap((name) => byName.get(name) ?? []);
  const contents = new Map<string, string | null>();
  const work = async (queue: Definition[]): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const location = lake.get(next.name);
      const contentId =
        (location === undefined ? undefined : known.get(location)) ??
        (await parts.readContentId(next.name));
      contents.set(next.name, contentId);
    }
  };
  const queue = [...left];
  await Promise.all(Array.from({ length: READS_AT_ONCE }, () => work(queue)));
  return left.flatMap((definition) => {
    const contentId = contents.get(definition.name);
    return contentId == null ? [] : [{ definition, contentId }];
  });
}

/** Content ids by the metadata files that the last build left: such a file never changes. */
async function readBuilt(store: JsonStore): Promise<Map<string, string>> {
  const summary = await findOrNothing(store, keys.buildSummary, buildSummarySchema);
  return new Map(
    (summary?.entries ?? []).flatMap(({ metadata, contentId }) =>
      metadata === null || contentId === null ? [] : [[metadata, contentId] as const],
    ),
  );
}

const readSeen = (store: JsonStore): Promise<SeenLoads | undefined> =>
  findOrNothing(store, keys.seenLoads, seenLoadsSchema);

/** What cannot be read is only a reason to look for oneself. */
async function findOrNothing<Schema extends z.ZodType>(
  store: JsonStore,
  key: string,
  schema: Schema,
): Promise<z.output<Schema> | undefined> {
  try {
    return await store.find(key, schema);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

function seenOf(published: readonly Published[], { address, nowMillis }: ChooseParts): SeenLoads {
  return {
    format: 1,
    warehouse: address,
    seenAt: nowMillis,
    tables: published.map(({ definition, contentId }) => ({
      ...{ table: definition.name, contentId, shown: shownOf(definition) },
    })),
  };
}

/** True if the warehouse was lately seen to hold just this. */
function isSeen(seen: SeenLoads, published: readonly Published[], parts: ChooseParts): boolean {
  const now = seenOf(published, parts);
  const age = parts.nowMillis - seen.seenAt;
  return (
    age >= 0 &&
    age < SEEN_MILLIS &&
    seen.warehouse === now.warehouse &&
    JSON.stringify(seen.tables) === JSON.stringify(now.tables)
  );
}

/** A hash of what the warehouse shows of a definition besides the rows. */
function shownOf({ description, columns, publish }: Definition): string {
  const shown = columns.map((column) => [column.name, column.type, column.description]);
  return createHash("sha256")
    .update(JSON.stringify([description, shown, publish]))
    .digest("hex");
}
