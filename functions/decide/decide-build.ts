// Whether a build is due: a pure decision over what the last one left and what is there now.
import type { Definition } from "../../catalog/definition.ts";
import type { BrokenDefinition } from "../../stores/data-catalog/read-definitions.ts";
import type { TableNeeds } from "../../stores/ledger/build-needs.ts";
import type { BuildSummary, BuiltEntry } from "../../contract/build-summary.ts";
import type { Decision } from "../../contract/decision.ts";

/** All that decides what a build would do. */
export interface BuildFacts {
  /** What the last whole build left, if one ever ended. */
  readonly summary: BuildSummary | undefined;
  /** The deployed job's code: a hash. */
  readonly version: string;
  readonly definitions: readonly Pick<Definition, "name" | "fingerprint" | "publish">[];
  readonly broken: readonly Pick<BrokenDefinition, "name">[];
  /** What the ledger says of each definition; nothing where it knows nothing. */
  readonly needs: ReadonlyMap<string, TableNeeds>;
  /** The current metadata file of each table of the lake. */
  readonly lake: ReadonlyMap<string, string>;
}

const MOST_REASONS = 3;

/**
 * Says no only if the build would find nothing to do: each definition was built as it is now, by the job as it is now,
 * to its last manifest and from its inputs as they are now, nobody asks for a whole copy, and the lake still is what
 * the build left.
 */
export function decideBuild(facts: BuildFacts): Decision {
  const { summary, version, definitions, broken } = facts;
  if (summary === undefined) return due(["no build has ended yet"]);
  if (summary.version !== version)
    return due(["the build's code is another than in the last build"]);
  const built = new Map(summary.entries.map((entry) => [entry.name, entry]));
  const known = new Set([...definitions, ...broken].map(({ name }) => name));
  const reasons = [
    ...broken.map(({ name }) => `${name}'s definition cannot be read`),
    ...definitions.flatMap((definition) => whyDue(definition, built, facts) ?? []),
    ...summary.entries.flatMap(({ name }) => (known.has(name) ? [] : [`${name} was removed`])),
  ];
  return reasons.length > 0 ? due(reasons) : { build: false, reason: "all is built as it is now" };
}

function whyDue(
  { name, fingerprint, publish }: BuildFacts["definitions"][number],
  built: ReadonlyMap<string, BuiltEntry>,
  { needs, lake }: BuildFacts,
): string | undefined {
  const entry = built.get(name);
  if (entry === undefined) return `${name} is new`;
  if (entry.fingerprint !== fingerprint) return `${name}'s definition has changed`;
  if (!entry.complete) return `the last build could not finish ${name}`;
  if (entry.metadata === null || lake.get(name) !== entry.metadata) {
    return `${name} is not in the lake as the last build left it`;
  }
  const { lastManifest = 0, isReplaceDue = false } = needs.get(name) ?? {};
  if (entry.kind === "table" && lastManifest !== entry.through) {
    return `${name} is built to manifest ${entry.through} of ${lastManifest}`;
  }
  // Nobody serves the request of what is no longer published.
  if (isReplaceDue && publish !== null) return `the warehouse asks for the whole of ${name}`;
  const stale = Object.entries(entry.inputs).find(
    ([input, contentId]) => built.get(input)?.contentId !== contentId,
  );
  return stale === undefined ? undefined : `${name} was built from another content of ${stale[0]}`;
}

function due(reasons: readonly string[]): Decision {
  const more = reasons.length - MOST_REASONS;
  const shown = reasons.slice(0, MOST_REASONS).join("; ");
  return { build: true, reason: more > 0 ? `${shown}; and ${more} more` : shown };
}
