// A deployment's tables, from its Data Catalog.
import { GlueClient } from "@aws-sdk/client-glue";
import { readDefinitions } from "../stores/data-catalog/read-definitions.ts";
import { LOCAL_CREDENTIALS, LOCAL_REGION } from "../local/state.ts";
import type { Connection } from "./connection.ts";

export interface KnownTable {
  readonly name: string;
  /** Null if the definition cannot be read. */
  readonly source: string | null;
  /** Why the definition cannot be read, or null. */
  readonly problem: string | null;
}

/** The extracted tables in the order of their names, and whatever has a definition that cannot be read. */
export async function readTables(connection: Connection): Promise<KnownTable[]> {
  const local = connection.local?.endpoint;
  const client = new GlueClient(
    local === undefined
      ? {}
      : { endpoint: local, region: LOCAL_REGION, credentials: LOCAL_CREDENTIALS },
  );
  try {
    const { deployment, catalogStacks: stacks } = connection.deployment;
    const { definitions, broken } = await readDefinitions({ glue: client, deployment, stacks });
    return [
      ...definitions.flatMap((one) =>
        one.kind === "table" ? [{ name: one.name, source: one.source.name, problem: null }] : [],
      ),
      ...broken.map(({ name, message }) => ({ name, source: null, problem: message })),
    ].sort((a, b) => (a.name < b.name ? -1 : 1));
  } finally {
    client.destroy();
  }
}
