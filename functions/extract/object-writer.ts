// Gathers batches into one compressed object and puts it into the data bucket, once.
import { once } from "node:events";
import { constants, createGzip, type Gzip } from "node:zlib";
import { HeadObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import type { Batch } from "../../sources/source.ts";

/** When an object is full, whichever comes first. */
export interface ObjectBounds {
  /** Bytes of lines before compression. */
  readonly maxBytes: number;
  /** Time since its first batch. */
  readonly maxMillis: number;
}

export const DEFAULT_OBJECT_BOUNDS: ObjectBounds = {
  maxBytes: 64 * 1024 * 1024,
  maxMillis: 60_000,
};

interface WrittenObject {
  readonly key: string;
  readonly etag: string;
  /** Compressed size. */
  readonly bytes: number;
}

// Each chunk of output is one way to the thread that compresses and back.
const CHUNK_SIZE = 128 * 1024;

/** One object in the making. Its compressed bytes are held in memory until `put`. */
export class ObjectWriter {
  // Level 1: higher levels cost a third more time for a tenth less size.
  readonly #gzip: Gzip = createGzip({ level: constants.Z_BEST_SPEED, chunkSize: CHUNK_SIZE });
  readonly #chunks: Buffer[] = [];
  readonly #beganAt: number;
  #lineBytes = 0;
  #rows = 0;
  #observedFrom = Number.POSITIVE_INFINITY;
  #observedTo = 0;

  constructor(beganAt: number) {
    this.#beganAt = beganAt;
    this.#gzip.on("data", (chunk: Buffer) => this.#chunks.push(chunk));
  }

  get rows(): number {
    return this.#rows;
  }

  /** First and last `observed_at` of its lines; meaningless without rows. */
  get observed(): { readonly from: number; readonly to: number } {
    return { from: this.#observedFrom, to: this.#observedTo };
  }

  isFull(bounds: ObjectBounds, now: number): boolean {
    return this.#lineBytes >= bounds.maxBytes || now - this.#beganAt >= bounds.maxMillis;
  }

  /** Returns once the batch's lines are compressed: its memory may hold other lines then. */
  async add(batch: Batch): Promise<void> {
    if (batch.rows === 0) return;
    this.#lineBytes += batch.lines.length;
    this.#rows += batch.rows;
    this.#observedFrom = Math.min(this.#observedFrom, batch.observedAt);
    this.#observedTo = Math.max(this.#observedTo, batch.observedAt);
    await new Promise<void>((resolve, reject) => {
      this.#gzip.write(batch.lines, (error) => {
        if (error == null) resolve();
        else reject(error);
      });
    });
  }

  /** Ends the object and puts it where nothing is yet; the writer must not be used afterwards. */
  async put(s3: S3Client, bucket: string, key: string): Promise<WrittenObject> {
    const ended = once(this.#gzip, "end");
    this.#gzip.end();
    await ended;
    const body = Buffer.concat(this.#chunks);
    try {
      const { ETag } = await s3.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: key,
          Body: body,
          ContentType: "application/x-ndjson",
          // A name that ends in .gz without the encoding header: readers unpack it themselves.
          IfNoneMatch: "*",
        }),
      );
      return { key, etag: required(ETag, key), bytes: body.length };
    } catch (error) {
      if (!isPreconditionFailed(error)) throw error;
      return await this.#findOwn(s3, bucket, key, body.length);
    }
  }

  // The key holds this invocation's random id, so what stands there can only be our own: a response was lost and the
  // client sent it again.
  async #findOwn(s3: S3Client, bucket: string, key: string, bytes: number): Promise<WrittenObject> {
    const head = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
    if (head.ContentLength !== bytes)
      throw new Error(
        `s3://${bucket}/${key} exists with ${head.ContentLength ?? 0} bytes in place of the ${bytes} written: ` +
          "two invocations chose the same attempt id. Run again.",
      );
    return { key, etag: required(head.ETag, key), bytes };
  }
}

function required(etag: string | undefined, key: string): string {
  if (etag === undefined) throw new Error(`S3 responded without an ETag for ${key}.`);
  return etag.replaceAll('"', "");
}

function isPreconditionFailed(error: unknown): boolean {
  return error instanceof Error && error.name === "PreconditionFailed";
}
