// Finds out whether a run's build is due, and leaves the decision in the data bucket.
import { z } from "zod";
import type { Definitions } from "../../stores/data-catalog/read-definitions.ts";
import type { Ledger } from "../../stores/ledger/ledger.ts";
import { buildSummarySchema, type BuildSummary } from "../../contract/build-summary.ts";
import type { Decision } from "../../contract/decision.ts";
import { ProtocolError } from "../../contract/errors.ts";
import { keys } from "../../contract/keys.ts";
import type { JsonStore } from "../../stores/bucket/json-store.ts";
import { decideBuild } from "./decide-build.ts";

export const decideInputSchema = z.object({
  /** The execution's name. */
  run: z.string().min(1),
});

export interface DecideDependencies {
  /** The deployed job's code: a hash. */
  readonly version: string;
  readonly store: JsonStore;
  readonly ledger: Pick<Ledger, "needs">;
  readonly readDefinitions: () => Promise<Definitions>;
  /** The current metadata file of each table of the lake. */
  readonly readLake: () => Promise<ReadonlyMap<string, string>>;
  readonly log: {
    info(message: string, details: Readonly<Record<string, unknown>>): void;
    warn(message: string, details: Readonly<Record<string, unknown>>): void;
  };
}

/** Asked again it decides again, by what is there then. */
export async function decideRun(
  { run }: z.infer<typeof decideInputSchema>,
  dependencies: DecideDependencies,
): Promise<Decision> {
  const { version, store, ledger, readLake, log } = dependencies;
  // The summary first: what changes while the others are read can then only be a reason to build.
  const summary = await readSummary(dependencies);
  const { definitions, broken } = await dependencies.readDefinitions();
  const lake = await readLake();
  const needs = await ledger.needs.read(definitions.map(({ name }) => name));
  const decision = decideBuild({ summary, version, definitions, broken, needs, lake });
  log.info(decision.build ? "a build is due" : "nothing is to be built", {
    reason: decision.reason,
  });
  await store.put(keys.runDecision(run), decision);
  return decision;
}

async function readSummary({ store, log }: DecideDependencies): Promise<BuildSummary | undefined> {
  try {
    return await store.find(keys.buildSummary, buildSummarySchema);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    log.warn("the last build's summary is left aside", { reason: error.message });
    return undefined;
  }
}
