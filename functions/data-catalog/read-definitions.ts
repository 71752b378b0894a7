// Reads every definition of a deployment from the Data Catalog; one that is broken does not hide the others.
import { GetTablesCommand, type GlueClient } from "@aws-sdk/client-glue";
import type { Definition } from "../../catalog/schema/definition.ts";
import { databaseNames, decodeEntry } from "../../catalog/schema/glue.ts";

/** A definition that does not decode. */
export interface BrokenDefinition {
  readonly name: string;
  readonly error: string;
  readonly message: string;
}

export interface Definitions {
  readonly definitions: Definition[];
  readonly broken: BrokenDefinition[];
}

/** All tables, then all models, each in the order of their names. */
export async function readDefinitions(glue: GlueClient, deployment: string): Promise<Definitions> {
  const { raw, models } = databaseNames(deployment);
  const definitions: Definition[] = [];
  const broken: BrokenDefinition[] = [];
  for (const database of [raw, models]) {
    for (const table of await getTables(glue, database)) {
      try {
        definitions.push(decodeEntry(table));
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        broken.push({ name: table.Name ?? "", error: error.name, message: error.message });
      }
    }
  }
  return { definitions, broken };
}

async function getTables(glue: GlueClient, database: string) {
  const tables = [];
  let next: string | undefined;
  do {
    const page = await glue.send(new GetTablesCommand({ DatabaseName: database, NextToken: next }));
    tables.push(...(page.TableList ?? []));
    next = page.NextToken;
  } while (next !== undefined);
  return tables.sort((a, b) => ((a.Name ?? "") < (b.Name ?? "") ? -1 : 1));
}
