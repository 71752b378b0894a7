// Which of the definitions that the catalog stacks' databases hold counts: pure decisions.
import type { Definition } from "../../catalog/definition.ts";
import { CatalogError } from "../../catalog/errors.ts";
import { decodeEntry, type GlueTable } from "../../catalog/glue.ts";
import { catalogStackOf, decodeStamp, STAMP_NAME } from "../../catalog/placement.ts";
import { canonicalJson } from "../../catalog/resolve.ts";

/** What the database of one catalog stack holds. */
export interface StackContent {
  readonly database: string;
  readonly tables: readonly GlueTable[];
}

/** An entry whose definition can't be used, and why. */
interface UnusableDefinition {
  readonly name: string;
  readonly cause: Error;
}

export interface ChosenDefinitions {
  readonly definitions: Definition[];
  readonly unusable: UnusableDefinition[];
  /** Databases of stacks that were not deployed since the number of stacks became what it is. */
  readonly pending: string[];
}

/** The number of stacks that a catalog stack was last deployed with; null before its first deployment has ended. */
export function stampOf({ tables }: StackContent): number | null {
  return decodeStamp(tables.find(({ Name: name }) => name === STAMP_NAME));
}

/**
 * The definition of each entry. Once all stacks are deployed with the present number of stacks, each entry is in its own
 * and what is left of it elsewhere does not count. Before, while a change of that number is being deployed, it may be
 * where it was, or in both places: if those differ, which one is right is not known, and none is used.
 *
 * @param contents by the stacks' numbers: those that there are, and those that there were
 * @param stacks how many there are
 * @returns tables, then models, each in the order of their names
 */
export function chooseDefinitions(
  contents: readonly StackContent[],
  stacks: number,
): ChosenDefinitions {
  const deployed = contents.map((content) => stampOf(content) === stacks);
  const pending = contents.slice(0, stacks).filter((_, stack) => deployed[stack] !== true);
  const found = new Map<string, { database: string; table: GlueTable }[]>();
  for (const [stack, { database, tables }] of contents.entries()) {
    for (const table of tables) {
      const { Name: name = "" } = table;
      if (name === STAMP_NAME) continue;
      // A stack that was deployed deletes what went to another only after that.
      const isSettled = pending.length === 0 || deployed[stack] === true;
      if (isSettled && catalogStackOf(name, stacks) !== stack) continue;
      found.set(name, [...(found.get(name) ?? []), { database, table }]);
    }
  }
  const definitions: Definition[] = [];
  const unusable: UnusableDefinition[] = [];
  for (const [name, places] of found) {
    try {
      definitions.push(theOne(name, places));
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      unusable.push({ name, cause: error });
    }
  }
  return {
    definitions: definitions.sort(tablesFirst),
    unusable: unusable.sort((a, b) => (a.name < b.name ? -1 : 1)),
    pending: pending.map(({ database }) => database),
  };
}

/** @throws CatalogError if one is broken, or they are not the same */
function theOne(
  name: string,
  places: readonly { database: string; table: GlueTable }[],
): Definition {
  const different = new Map(
    places.map(({ table }) => {
      const definition = decodeEntry(table);
      return [canonicalJson(definition), definition];
    }),
  );
  const [definition, ...others] = different.values();
  if (definition !== undefined && others.length === 0) return definition;
  throw new CatalogError([
    {
      place: name,
      problem: `it is defined differently in ${places.map(({ database }) => database).join(" and ")}`,
      fix: "let the deployment that is under way end, or deploy all stacks again; until then nothing of it is changed",
    },
  ]);
}

function tablesFirst(a: Definition, b: Definition): number {
  if (a.kind !== b.kind) return a.kind === "table" ? -1 : 1;
  return a.name < b.name ? -1 : 1;
}
