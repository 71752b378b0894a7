// Stands between a client and a real Elasticsearch: notes what was asked, and responds in its place where a test asks for it.
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from "node:http";

export interface Recorded {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
  /** Bytes of the response the cluster sent until its end, or until the client went. */
  responseBytes: number;
}

export interface Interference {
  readonly status?: number;
  readonly body?: string;
  /** Breaks the connection after so many bytes of the cluster's own upstream. */
  readonly cutAfterBytes?: number;
}

export class RecordingProxy {
  readonly requests: Recorded[] = [];
  /** Called for each request before it is passed on. */
  interfere: (request: Recorded) => Interference | undefined | Promise<Interference | undefined> =
    () => undefined;
  readonly #target: URL;
  // Like the cluster it never closes an idle connection: a request that was just sent would be reset.
  readonly #server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
    this.#handle(request, response).catch(() => response.destroy());
  });

  constructor(target: string) {
    this.#target = new URL(target);
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** The requests whose path ends so. */
  to(ending: string): Recorded[] {
    return this.requests.filter(({ path }) => path.endsWith(ending));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk as Uint8Array));
    const body = Buffer.concat(chunks);
    const url = new URL(request.url ?? "/", this.#target);
    const recorded: Recorded = {
      ...{ method: request.method ?? "", path: url.pathname, query: url.searchParams },
      ...{ body: body.toString(), responseBytes: 0 },
    };
    this.requests.push(recorded);
    const interference = await this.interfere(recorded);
    if (interference?.status !== undefined) {
      response.writeHead(interference.status, {
        ...{ "content-type": "application/json", "x-elastic-product": "Elasticsearch" },
      });
      response.end(interference.body ?? "");
      return;
    }
    const most = interference?.cutAfterBytes ?? Infinity;
    await new Promise<void>((resolve, reject) => {
      const { method, headers } = request;
      const passed = ask(url, { method, headers }, (upstream) => {
        response.writeHead(upstream.statusCode ?? 500, upstream.headers);
        upstream.on("data", (chunk: Buffer) => {
          recorded.responseBytes += chunk.length;
          if (recorded.responseBytes > most) response.destroy();
          else if (!response.write(chunk)) {
            upstream.pause();
            response.once("drain", () => upstream.resume());
          }
        });
        upstream.on("end", () => {
          response.end();
          resolve();
        });
        upstream.on("error", reject);
        response.on("close", () => {
          upstream.destroy();
          resolve();
        });
      });
      passed.on("error", reject);
      passed.end(body);
    });
  }
}
