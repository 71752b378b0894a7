// Fills indices of a real Elasticsearch for tests.
import { randomUUID } from "node:crypto";
import { z } from "zod";

export interface Document {
  readonly id: string;
  /** JSON text, so that tests can send numbers that JavaScript cannot hold. */
  readonly json: string;
}

export class Cluster {
  readonly address: string;

  constructor(address: string) {
    this.address = address;
  }

  /** Makes an index of a new name. */
  async makeIndex(
    properties: Readonly<Record<string, unknown>>,
    settings: Readonly<Record<string, unknown>> = {},
  ): Promise<string> {
    const index = `t-${randomUUID()}`;
    await this.send("PUT", `/${index}`, {
      settings: { number_of_shards: 2, number_of_replicas: 0, ...settings },
      mappings: { dynamic: false, properties },
    });
    return index;
  }

  async index(index: string, documents: readonly Document[]): Promise<void> {
    for (let first = 0; first < documents.length; first += 5000) {
      const lines = documents
        .slice(first, first + 5000)
        .map(({ id, json }) => `{"index":{"_id":${JSON.stringify(id)}}}\n${json}\n`);
      const response = await this.send("POST", `/${index}/_bulk?refresh=true`, lines.join(""));
      if (!response.includes('"errors":false')) throw new Error(response.slice(0, 500));
    }
  }

  async delete(index: string, id: string): Promise<void> {
    await this.send("DELETE", `/${index}/_doc/${encodeURIComponent(id)}?refresh=true`);
  }

  async closePointInTime(id: string): Promise<void> {
    await this.send("DELETE", "/_pit", { id });
  }

  /** Points in time and other search contexts that are open on an index, alias or pattern. */
  async countOpenContexts(index = "_all"): Promise<number> {
    const response = await this.send("GET", `/${index}/_stats/search`);
    return statsSchema.parse(JSON.parse(response))._all.total.search.open_contexts;
  }

  async send(method: string, path: string, body?: unknown): Promise<string> {
    const response = await fetch(`${this.address}${path}`, {
      method,
      headers: { "content-type": "application/json" },
      ...(body === undefined
        ? {}
        : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text;
  }
}

const statsSchema = z.object({
  _all: z.object({ total: z.object({ search: z.object({ open_contexts: z.int() }) }) }),
});
