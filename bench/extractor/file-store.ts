// An S3 client that writes to files of a folder: the SDK prepares each request as usual, but nothing is sent.
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { S3Client } from "@aws-sdk/client-s3";

interface Request {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}

interface FileResponse {
  readonly response: {
    readonly statusCode: number;
    readonly headers: Record<string, string>;
    readonly body: Readable;
  };
}

const NOT_FOUND =
  '<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>none</Message></Error>';

/** A client that keeps objects in the folder; it knows PutObject, GetObject and HeadObject. */
export function fileStore(folder: string): S3Client {
  return new S3Client({
    endpoint: "http://files.invalid",
    region: "us-east-1",
    credentials: { accessKeyId: "bench", secretAccessKey: "bench" },
    forcePathStyle: true,
    requestHandler: new FileHandler(folder),
  });
}

class FileHandler {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async handle(request: Request): Promise<FileResponse> {
    const file = join(this.#folder, decodeURIComponent(request.path));
    if (request.method === "PUT") {
      await mkdir(dirname(file), { recursive: true });
      const body = await bytesOf(request.body);
      await writeFile(file, body);
      return respond(200, Buffer.alloc(0), tagOf(file, body.length));
    }
    const found = await readFile(file).catch(() => null);
    if (found === null) return respond(404, Buffer.from(NOT_FOUND));
    return respond(
      200,
      request.method === "HEAD" ? Buffer.alloc(0) : found,
      tagOf(file, found.length),
    );
  }

  updateHttpClientConfig(): void {
    // There is nothing to configure.
  }

  httpHandlerConfigs(): Record<string, never> {
    return {};
  }

  destroy(): void {
    // There is nothing to close.
  }
}

// S3 makes it on its own machines, so that no hash of the body belongs here.
function tagOf(file: string, bytes: number): string {
  return createHash("md5").update(`${file} ${bytes}`).digest("hex");
}

async function bytesOf(body: unknown): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body;
  if (typeof body === "string") return Buffer.from(body);
  if (body instanceof Readable) return buffer(body);
  if (body === undefined) return Buffer.alloc(0);
  throw new Error(`A body that is ${typeof body} cannot be written to a file.`);
}

function respond(statusCode: number, body: Buffer, tag = ""): FileResponse {
  return {
    response: {
      statusCode,
      headers: {
        "content-length": String(body.length),
        ...(tag === "" ? {} : { etag: `"${tag}"` }),
      },
      body: Readable.from([body]),
    },
  };
}
