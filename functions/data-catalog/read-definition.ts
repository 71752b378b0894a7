// Reads one table's or model's definition from the Data Catalog.
import { EntityNotFoundException, GetTableCommand, type GlueClient } from "@aws-sdk/client-glue";
import type { Definition } from "../../catalog/schema/definition.ts";
import { databaseNames, decodeEntry } from "../../catalog/schema/glue.ts";

/**
 * @throws Error if there is neither a table nor a model of that name; CatalogError if its definition is broken
 */
export async function readDefinition(
  glue: GlueClient,
  deployment: string,
  name: string,
): Promise<Definition> {
  const { raw, models } = databaseNames(deployment);
  for (const database of [raw, models]) {
    try {
      const { Table } = await glue.send(
        new GetTableCommand({ DatabaseName: database, Name: name }),
      );
      if (Table !== undefined) return decodeEntry(Table);
    } catch (error) {
      if (!(error instanceof EntityNotFoundException)) throw error;
    }
  }
  throw new Error(
    `there is no table or model ${JSON.stringify(name)} in the Data Catalog (databases ${raw} and ${models}); ` +
      `is it in the catalog's index, and deployed?`,
  );
}
