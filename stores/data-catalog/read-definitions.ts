// Reads every definition of a deployment from the Data Catalog; one that is broken does not hide the others.
import { EntityNotFoundException, GetTablesCommand, type GlueClient } from "@aws-sdk/client-glue";
import type { Definition } from "../../catalog/definition.ts";
import type { GlueTable } from "../../catalog/glue.ts";
import { definitionsDatabase } from "../../catalog/placement.ts";
import {
  chooseDefinitions,
  stampOf,
  type ChosenDefinitions,
  type StackContent,
} from "./choose-definitions.ts";

/** Where a deployment's definitions are. */
export interface DefinitionStore {
  readonly glue: GlueClient;
  readonly deployment: string;
  /** The deployment's number of catalog stacks. */
  readonly stacks: number;
}

/** A definition that can't be used: it does not decode, or is found twice and not the same. */
export interface BrokenDefinition {
  readonly name: string;
  readonly error: string;
  readonly message: string;
}

export interface Definitions {
  readonly definitions: Definition[];
  readonly broken: BrokenDefinition[];
}

/** Glue serves a limited number of calls per second. */
const AT_ONCE = 8;

/**
 * All tables, then all models, each in the order of their names.
 * @returns also the databases that wait for their stack to be deployed with the present number of stacks
 */
export async function readDefinitions(
  store: DefinitionStore,
): Promise<Definitions & Pick<ChosenDefinitions, "pending">> {
  const { definitions, unusable, pending } = await readAll(store);
  const broken = unusable.map(({ name, cause }) => ({
    name,
    error: cause.name,
    message: cause.message,
  }));
  return { definitions, broken, pending };
}

/** Reads the databases of all catalog stacks, and of those that there were as long as one of the others waits. */
export async function readAll(store: DefinitionStore): Promise<ChosenDefinitions> {
  const contents: StackContent[] = [];
  for (let end = store.stacks; contents.length < end;) {
    const first = contents.length;
    const numbers = Array.from({ length: Math.min(AT_ONCE, end - first) }, (_, i) => first + i);
    contents.push(...(await Promise.all(numbers.map((stack) => readStack(store, stack)))));
    // A stack that was last deployed when there were more may lack entries that are still in those.
    end = Math.max(end, ...contents.map((content) => stampOf(content) ?? 0));
  }
  return chooseDefinitions(contents, store.stacks);
}

async function readStack(
  { glue, deployment }: DefinitionStore,
  stack: number,
): Promise<StackContent> {
  const database = definitionsDatabase(deployment, stack);
  const tables: GlueTable[] = [];
  let next: string | undefined;
  do {
    try {
      const page = await glue.send(
        new GetTablesCommand({ DatabaseName: database, NextToken: next }),
      );
      tables.push(...(page.TableList ?? []));
      next = page.NextToken;
    } catch (error) {
      // Its stack is not deployed yet.
      if (!(error instanceof EntityNotFoundException)) throw error;
      next = undefined;
    }
  } while (next !== undefined);
  return { database, tables };
}
