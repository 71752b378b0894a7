// One cluster's HTTP connection: raw responses in bytes, and every failure as an error that says what to do.
import { Client, errors } from "@elastic/elasticsearch";
import { z } from "zod";
import {
  SourceAuthenticationError,
  SourceConfigurationError,
  SourceUnavailableError,
} from "../../contract/errors.ts";
import { SourceOverloadedError, SourceUnreachableError } from "../source.ts";
import { tlsAdvice } from "../tls.ts";
import { ReceiveBuffer } from "./receive-buffer.ts";
import type { ElasticsearchSecret } from "./secret.ts";

/** The point in time is gone: its keep-alive ran out, a node was restarted, or an index of it was removed. A normal event. */
export class PointInTimeLostError extends Error {
  override readonly name = "PointInTimeLostError";
}

/** The response was longer than the request allowed; the remainder was not waited for. */
export class ResponseTooLargeError extends Error {
  override readonly name = "ResponseTooLargeError";
}

export interface Request {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** JSON text. */
  readonly body?: string;
  /** A response that is longer is given up; without it any length is waited for. */
  readonly mostBytes?: number;
  /** Where the response is put, which lives until the next one; without it in memory of its own. */
  readonly into?: ReceiveBuffer;
}

// A node that has too much to do says so of each table's searches, also inside a response of another status.
const overloads: ReadonlySet<string> = new Set([
  "es_rejected_execution_exception",
  "circuit_breaking_exception",
]);

// Shorter than what an invocation keeps of its time, so that it can still record what it read before.
const REQUEST_TIMEOUT_MILLIS = 30_000;

export class ElasticsearchConnection {
  readonly #client: Client;
  readonly #sourceName: string;
  readonly #address: string;

  constructor(sourceName: string, secret: ElasticsearchSecret) {
    this.#sourceName = sourceName;
    this.#address = secret.nodes.map(withoutCredentials).join(", ");
    const auth = credentials(secret);
    this.#client = new Client({
      nodes: secret.nodes,
      maxRetries: 0,
      requestTimeout: REQUEST_TIMEOUT_MILLIS,
      ...(auth === null ? {} : { auth }),
      ...(secret.ca === undefined ? {} : { tls: { ca: secret.ca } }),
    });
  }

  /**
   * The body of a successful response, untouched.
   * @throws SourceUnavailableError, SourceAuthenticationError, SourceConfigurationError, PointInTimeLostError,
   *   ResponseTooLargeError
   */
  async request(request: Request): Promise<Buffer> {
    let status: number;
    let body: Buffer;
    try {
      const response = await this.#client.transport.request<AsyncIterable<Uint8Array>>(
        {
          method: request.method,
          path: request.path,
          ...(request.query === undefined ? {} : { querystring: { ...request.query } }),
          ...(request.body === undefined ? {} : { body: request.body }),
        },
        {
          asStream: true,
          meta: true,
          headers: {
            accept: "application/json",
            ...(request.body === undefined ? {} : { "content-type": "application/json" }),
          },
        },
      );
      status = response.statusCode;
      body = await readBody(response.body, request, this.where(request));
    } catch (error) {
      if (error instanceof ResponseTooLargeError) throw error;
      throw this.#connectionError(request, error);
    }
    if (status >= 200 && status < 300) return body;
    throw this.#rejection(request, status, body);
  }

  /** The body of a successful response, parsed; for small responses whose numbers are small. */
  async json<T>(request: Request, schema: z.ZodType<T>): Promise<T> {
    const body = await this.request(request);
    const parsed = schema.safeParse(parseOrNull(body));
    if (parsed.success) return parsed.data;
    throw new SourceConfigurationError(
      `${this.where(request)} returned in a form that is not known: ${z.prettifyError(parsed.error)}. ` +
        "Check that the address is an Elasticsearch 8 cluster.",
    );
  }

  where(request: Request): string {
    return `Source "${this.#sourceName}" (${this.#address}), ${request.method} ${request.path},`;
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  #connectionError(request: Request, error: unknown): Error {
    if (error instanceof errors.ProductNotSupportedError)
      return new SourceConfigurationError(
        `${this.where(request)} is not Elasticsearch: ${error.message}. Correct "nodes" in the source's secret.`,
        { cause: error },
      );
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const advice = tlsAdvice(reason);
    if (advice !== undefined)
      return new SourceAuthenticationError(
        `${this.where(request)} could not be connected to securely (${reason}). ${advice}`,
        { cause: error },
      );
    return new SourceUnreachableError(
      `${this.where(request)} gave no response (${reason}). ` +
        'If it stays so, check that the cluster is up, that "nodes" in the source\'s secret is right (http or https, ' +
        "too), and that the function's network reaches it.",
      { cause: error },
    );
  }

  #rejection(request: Request, status: number, body: Buffer): Error {
    const { type, reason, all } = describeRejection(body);
    // A search that names no index is one in a point in time. The response to closing one that is gone has no type.
    const isGone =
      (request.path === "/_search" && type === "index_not_found_exception") ||
      (request.path === "/_pit" && status === 404);
    if (isGone || all.includes("search_context_missing_exception"))
      return new PointInTimeLostError(reason);
    const what = `${this.where(request)} returned ${status} ${type}: ${reason}.`;
    if (status === 401)
      return new SourceAuthenticationError(
        `${what} Correct "username" and "password", or "apiKey", in the source's secret; a key may have expired or ` +
          "been revoked.",
      );
    if (status === 403)
      return new SourceAuthenticationError(
        `${what} Give the user or API key in the source's secret the privileges "read" and "view_index_metadata" on the index.`,
      );
    if (status === 408 || status === 429 || status >= 500) {
      const isOverloaded = status === 429 || all.some((one) => overloads.has(one));
      const Unavailable = isOverloaded ? SourceOverloadedError : SourceUnavailableError;
      return new Unavailable(
        `${what} The cluster rejects requests for now; it is asked again more slowly.`,
      );
    }
    if (type === "index_not_found_exception")
      return new SourceConfigurationError(
        `${what} Correct "from.index" in the table's file, or create the index.`,
      );
    return new SourceConfigurationError(
      `${what} Correct the table's file to what the index has, or the index.`,
    );
  }
}

/** Leaving the loop early closes the connection, so that the cluster stops sending. */
async function readBody(
  body: AsyncIterable<Uint8Array>,
  { mostBytes = Infinity, into = new ReceiveBuffer() }: Request,
  where: string,
): Promise<Buffer> {
  into.clear();
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > mostBytes)
      throw new ResponseTooLargeError(`${where} returned more than ${mostBytes} bytes.`);
    into.append(chunk);
  }
  return into.received;
}

function credentials(
  secret: ElasticsearchSecret,
): { apiKey: string } | { username: string; password: string } | null {
  if (secret.apiKey !== undefined) return { apiKey: secret.apiKey };
  if (secret.username !== undefined && secret.password !== undefined)
    return { username: secret.username, password: secret.password };
  return null;
}

function withoutCredentials(node: string): string {
  const url = new URL(node);
  return `${url.origin}${url.pathname === "/" ? "" : url.pathname}`;
}

const causeSchema = z.looseObject({
  type: z.string(),
  reason: z.string().nullish(),
  /** A cause of the same form, and so on. */
  caused_by: z.unknown().optional(),
});
type Cause = z.infer<typeof causeSchema>;
const rejectionSchema = z.looseObject({
  error: z.union([
    causeSchema.extend({
      root_cause: z.array(causeSchema).optional(),
      failed_shards: z.array(z.looseObject({ reason: causeSchema.optional() })).optional(),
    }),
    z.string(),
  ]),
});

function describeRejection(body: Buffer): { type: string; reason: string; all: string[] } {
  const parsed = rejectionSchema.safeParse(parseOrNull(body));
  if (!parsed.success)
    return { type: "", reason: body.toString("utf8", 0, 300).replaceAll(/\s+/g, " "), all: [] };
  const { error } = parsed.data;
  if (typeof error === "string") return { type: "", reason: error, all: [] };
  const roots = error.root_cause ?? [];
  const shards = (error.failed_shards ?? []).flatMap(({ reason }) => reason ?? []);
  // A search whose second phase is rejected names no root cause, only what it was caused by.
  const [root = deepest(error)] = roots;
  return {
    type: root.type,
    reason: root.reason ?? error.reason ?? "no reason given",
    all: [error, ...roots, ...shards].flatMap(chain).map(({ type }) => type),
  };
}

/** An error, what it was caused by, and so on. */
function chain(error: Cause): Cause[] {
  const cause = causeSchema.safeParse(error.caused_by);
  return [error, ...(cause.success ? chain(cause.data) : [])];
}

function deepest(error: Cause): Cause {
  return chain(error).at(-1) ?? error;
}

function parseOrNull(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return null;
  }
}
