// Lists the current metadata file of every table of the lake: a few requests, whatever their number.
import { GetTablesCommand, type GlueClient } from "@aws-sdk/client-glue";

/**
 * Address of the Iceberg metadata file (`s3://…`) by the table's name. What is not an Iceberg table is left out.
 * @param database the Glue database of the Iceberg tables
 */
export async function readMetadataLocations(
  glue: GlueClient,
  database: string,
): Promise<Map<string, string>> {
  const locations = new Map<string, string>();
  let next: string | undefined;
  do {
    const page = await glue.send(new GetTablesCommand({ DatabaseName: database, NextToken: next }));
    for (const { Name, Parameters } of page.TableList ?? []) {
      const location = Parameters?.metadata_location;
      if (Name !== undefined && location !== undefined) locations.set(Name, location);
    }
    next = page.NextToken;
  } while (next !== undefined);
  return locations;
}
