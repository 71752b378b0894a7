// Finds the content id of a lake table through the Data Catalog and S3.
import { EntityNotFoundException, GetTableCommand, type GlueClient } from "@aws-sdk/client-glue";
import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { ProtocolError } from "../../contract/errors.ts";
import { currentContentId, parseMetadata } from "./metadata.ts";

const S3_URL = /^s3a?:\/\/([^/]+)\/(.+)$/;

/**
 * The content id that readers of a lake table see, or null if the table was never built.
 *
 * @param database the Glue database of the Iceberg tables
 * @throws ProtocolError if the table is there but its metadata can't be understood
 */
export async function readCurrentContentId(
  clients: { readonly glue: GlueClient; readonly s3: S3Client },
  database: string,
  table: string,
): Promise<string | null> {
  const location = await metadataLocation(clients.glue, database, table);
  if (location === null) return null;
  const [, Bucket, Key] = S3_URL.exec(location) ?? [];
  if (Bucket === undefined || Key === undefined) {
    throw new ProtocolError(
      `Glue table ${database}.${table}: metadata_location is ${JSON.stringify(location)}, not s3://<bucket>/<key>`,
    );
  }
  const { Body } = await clients.s3.send(new GetObjectCommand({ Bucket, Key }));
  return currentContentId(parseMetadata((await Body?.transformToString()) ?? "", location));
}

async function metadataLocation(
  glue: GlueClient,
  database: string,
  table: string,
): Promise<string | null> {
  try {
    const { Table } = await glue.send(new GetTableCommand({ DatabaseName: database, Name: table }));
    const location = Table?.Parameters?.metadata_location;
    if (location !== undefined) return location;
  } catch (error) {
    if (error instanceof EntityNotFoundException) return null;
    throw error;
  }
  throw new ProtocolError(
    `Glue table ${database}.${table} has no metadata_location, so it is not an Iceberg table; ` +
      "drop it, and the next build makes it again",
  );
}
