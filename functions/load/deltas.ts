// Reads deltas from the data bucket, and writes the manifest by which Redshift copies one.
import { GetObjectCommand, NoSuchKey, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { z } from "zod";
import { deltaSchema, type Delta } from "../../contract/delta.ts";
import { ProtocolError } from "../../contract/errors.ts";
import { keys } from "../../contract/keys.ts";

/** The manifest that COPY reads. Each file must be there, and as long as it was when the delta was written. */
function copyManifest(delta: Delta): string {
  return JSON.stringify({
    entries: delta.files.map(({ url, contentLength }) => ({
      url,
      mandatory: true,
      meta: { content_length: contentLength },
    })),
  });
}

/**
 * The delta that leads to a content id, or null if there is none.
 *
 * @throws ProtocolError if what is there is not that delta
 */
export async function readDelta(
  s3: S3Client,
  bucket: string,
  table: string,
  snapshot: string,
): Promise<Delta | null> {
  const key = keys.delta(table, snapshot);
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return parseDelta((await Body?.transformToString()) ?? "", table, snapshot, `${bucket}/${key}`);
  } catch (error) {
    if (error instanceof NoSuchKey) return null;
    throw error;
  }
}

function parseDelta(text: string, table: string, snapshot: string, place: string): Delta {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ProtocolError(`delta ${place} is not JSON: ${String(error)}`);
  }
  const parsed = deltaSchema.safeParse(value);
  if (!parsed.success) {
    throw new ProtocolError(`delta ${place}: ${z.prettifyError(parsed.error)}`);
  }
  const delta = parsed.data;
  if (delta.table !== table || delta.snapshot !== snapshot) {
    throw new ProtocolError(`delta ${place} is of ${delta.table}, ${delta.snapshot}`);
  }
  if (delta.files.length === 0 && delta.rows + delta.deletes > 0) {
    throw new ProtocolError(`delta ${place} has ${delta.rows} rows and no files`);
  }
  return delta;
}

/** Puts a delta's COPY manifest in place. Doing it again changes nothing. */
export async function writeCopyManifest(s3: S3Client, bucket: string, delta: Delta): Promise<void> {
  await s3.send(
    new PutObjectCommand({
      Bucket: bucket,
      Key: keys.copyManifest(delta.table, delta.snapshot),
      Body: copyManifest(delta),
      ContentType: "application/json",
    }),
  );
}
