// The names of a deployment's tables, from its Data Catalog.
import { GlueClient } from "@aws-sdk/client-glue";
import { readDefinitions } from "../functions/data-catalog/read-definitions.ts";
import { LOCAL_CREDENTIALS, LOCAL_REGION } from "../local/state.ts";
import type { Connection } from "./connection.ts";

/** Names of the extracted tables, in order, and of entries whose definitions can't be read. */
export async function readTableNames(connection: Connection): Promise<string[]> {
  const local = connection.local?.endpoint;
  const client = new GlueClient(
    local === undefined
      ? {}
      : { endpoint: local, region: LOCAL_REGION, credentials: LOCAL_CREDENTIALS },
  );
  const { deployment, catalogStacks: stacks } = connection.deployment;
  const { definitions, broken } = await readDefinitions({ glue: client, deployment, stacks });
  client.destroy();
  const tables = definitions.filter(({ kind }) => kind === "table");
  return [...tables, ...broken].map(({ name }) => name).sort();
}
