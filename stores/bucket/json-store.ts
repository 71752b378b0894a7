// JSON documents in the data bucket, checked on the way in.
import { GetObjectCommand, NoSuchKey, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import type { z } from "zod";
import { ProtocolError } from "../../contract/errors.ts";

const MAX_CONFLICTS = 5;

export class JsonStore {
  readonly #s3: S3Client;
  readonly #bucket: string;

  constructor(options: { s3: S3Client; bucket: string }) {
    this.#s3 = options.s3;
    this.#bucket = options.bucket;
  }

  /** Writes a document, in place of one that is there. */
  async put(key: string, document: unknown): Promise<void> {
    await this.#s3.send(new PutObjectCommand(this.#request(key, document)));
  }

  /**
   * Writes a document where none is.
   * @returns its ETag without quotes, or nothing if the key is taken
   */
  async putNew(key: string, document: unknown): Promise<{ etag: string } | undefined> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const { ETag } = await this.#s3.send(
          new PutObjectCommand({ ...this.#request(key, document), IfNoneMatch: "*" }),
        );
        if (ETag === undefined) throw new Error(`S3 responded without an ETag for ${key}`);
        return { etag: ETag.replaceAll('"', "") };
      } catch (error) {
        const name = error instanceof Error ? error.name : "";
        if (name === "PreconditionFailed") return undefined;
        // Another writer was under way at the same moment; S3's documentation has the write tried again.
        if (name !== "ConditionalRequestConflict" || attempt >= MAX_CONFLICTS) throw error;
      }
    }
  }

  /** @throws ProtocolError if there is no such document, or it is not of the schema */
  async get<Schema extends z.ZodType>(key: string, schema: Schema): Promise<z.output<Schema>> {
    const document = await this.find(key, schema);
    if (document === undefined) throw new ProtocolError(`${this.#url(key)} does not exist`);
    return document;
  }

  /**
   * @returns the document, or nothing if there is none
   * @throws ProtocolError if it is not of the schema
   */
  async find<Schema extends z.ZodType>(
    key: string,
    schema: Schema,
  ): Promise<z.output<Schema> | undefined> {
    const text = await this.#read(key);
    if (text === undefined) return undefined;
    const parsed = schema.safeParse(parseJson(text, this.#url(key)));
    if (parsed.success) return parsed.data;
    const issues = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    throw new ProtocolError(
      `${this.#url(key)} is not as this version expects (${issues.join("; ")})`,
    );
  }

  async #read(key: string): Promise<string | undefined> {
    try {
      const { Body } = await this.#s3.send(
        new GetObjectCommand({ Bucket: this.#bucket, Key: key }),
      );
      return await Body?.transformToString();
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      throw error;
    }
  }

  #request(key: string, document: unknown) {
    return {
      Bucket: this.#bucket,
      Key: key,
      Body: JSON.stringify(document),
      ContentType: "application/json",
    };
  }

  #url(key: string): string {
    return `s3://${this.#bucket}/${key}`;
  }
}

function parseJson(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ProtocolError(`${place} is not JSON: ${String(error)}`);
  }
}
