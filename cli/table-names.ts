// The names of a deployment's tables, from its Data Catalog.
import { GlueClient, paginateGetTables } from "@aws-sdk/client-glue";
import { LOCAL_CREDENTIALS, LOCAL_REGION } from "../local/state.ts";
import type { Connection } from "./connection.ts";

/** Names of the extracted tables, in order. */
export async function readTableNames(connection: Connection): Promise<string[]> {
  const local = connection.local?.endpoint;
  const client = new GlueClient(
    local === undefined
      ? {}
      : { endpoint: local, region: LOCAL_REGION, credentials: LOCAL_CREDENTIALS },
  );
  const names: string[] = [];
  const pages = paginateGetTables(
    { client },
    { DatabaseName: `${connection.deployment.deployment}_raw` },
  );
  for await (const page of pages) {
    for (const table of page.TableList ?? []) if (table.Name !== undefined) names.push(table.Name);
  }
  client.destroy();
  return names.sort();
}
