// Writes sample companies and leads into Elasticsearch.
import { Client, type estypes } from "@elastic/elasticsearch";
import { companyDocument, companyId } from "./companies.ts";
import { exactJsonText, type ExactJson } from "./exact-json.ts";
import { rowsEver, stepsOf, type History, type Step } from "./history.ts";
import { leadDocument, leadId } from "./leads.ts";
import type { ElasticsearchTarget } from "./targets.ts";

const DOCUMENTS_PER_REQUEST = 2000;
const REQUESTS_AT_ONCE = 3;
/** Less than the lag that the catalog declares. */
const REFRESH_INTERVAL = "1s";

export interface Index {
  readonly name: "companies" | "leads";
  readonly id: (row: number) => string;
  readonly document: (history: History, row: number, steps: readonly Step[]) => ExactJson;
  /** Whether a deleted row's document goes; else it stays and says that it is deleted. */
  readonly hardDeletes: boolean;
  readonly properties: Record<string, estypes.MappingProperty>;
}

export const INDICES: readonly Index[] = [
  {
    name: "companies",
    id: companyId,
    document: companyDocument,
    hardDeletes: true,
    properties: {
      companyId: { type: "keyword" },
      name: { type: "text", fields: { exact: { type: "keyword", ignore_above: 256 } } },
      domain: { type: "keyword" },
      industry: { type: "keyword" },
      employees: { type: "long" },
      revenue: { type: "double" },
      foundedOn: { type: "date", format: "strict_date" },
      address: {
        properties: {
          street: { type: "text" },
          city: { type: "keyword" },
          zipCode: { type: "keyword" },
          country: { type: "keyword" },
          geo: { properties: { lat: { type: "double" }, lon: { type: "double" } } },
        },
      },
      tags: { type: "keyword" },
      technologies: {
        type: "nested",
        properties: {
          name: { type: "keyword" },
          category: { type: "keyword" },
          since: { type: "date", format: "strict_date" },
        },
      },
      updatedAt: { type: "date" },
    },
  },
  {
    name: "leads",
    id: leadId,
    document: leadDocument,
    hardDeletes: false,
    properties: {
      accountId: { type: "keyword" },
      companyId: { type: "keyword" },
      email: { type: "keyword" },
      name: { type: "text" },
      status: { type: "keyword" },
      score: { type: "double" },
      stages: {
        type: "nested",
        properties: { stage: { type: "keyword" }, at: { type: "date" } },
      },
      attributes: { type: "object", enabled: false },
      updatedAt: { type: "date" },
      deletedAt: { type: "date" },
    },
  },
];

/** Makes the indices anew; what was in them is gone. */
export async function createIndices(target: ElasticsearchTarget): Promise<void> {
  await withClient(target, async (client) => {
    for (const { name, properties } of INDICES) {
      await client.indices.delete({ index: name, ignore_unavailable: true });
      await client.indices.create({
        index: name,
        settings: {
          number_of_shards: 2,
          number_of_replicas: 0,
          // The first load is faster when nothing of it is searchable until its end.
          refresh_interval: "-1",
          translog: { durability: "async" },
        },
        mappings: { dynamic: false, properties },
      });
    }
  });
}

/** Writes what happened in one round of the history, and makes it searchable. */
export async function writeSearchRound(
  history: History,
  round: number,
  target: ElasticsearchTarget,
): Promise<void> {
  await withClient(target, async (client) => {
    for (const index of INDICES) {
      const requests = bulkBodies(history, round, index);
      await Promise.all(
        Array.from({ length: REQUESTS_AT_ONCE }, async () => {
          for (const operations of requests) await sendBulk(client, index.name, operations);
        }),
      );
      await client.indices.putSettings({
        index: index.name,
        settings: { refresh_interval: REFRESH_INTERVAL },
      });
      await client.indices.refresh({ index: index.name });
    }
  });
}

/** Bodies of bulk requests: lines that are JSON already. */
function* bulkBodies(history: History, round: number, index: Index): Generator<string[]> {
  let lines: string[] = [];
  let operations = 0;
  const rows = rowsEver(history, index.name, round);
  for (let row = 0; row < rows; row++) {
    const steps = stepsOf(history, index.name, row);
    const last = steps.at(-1);
    if (last?.round !== round) continue;
    lines.push(...bulkLines(history, row, steps, index));
    if (++operations < DOCUMENTS_PER_REQUEST) continue;
    yield lines;
    lines = [];
    operations = 0;
  }
  if (operations > 0) yield lines;
}

function bulkLines(history: History, row: number, steps: readonly Step[], index: Index): string[] {
  const id = JSON.stringify(index.id(row));
  if (index.hardDeletes && steps.at(-1)?.change === "delete") return [`{"delete":{"_id":${id}}}`];
  return [`{"index":{"_id":${id}}}`, exactJsonText(index.document(history, row, steps))];
}

async function sendBulk(client: Client, index: string, operations: string[]): Promise<void> {
  const response = await client.bulk<string>({ index, operations });
  if (!response.errors) return;
  const rejected = response.items
    .flatMap((item) => Object.values(item))
    .find((result) => result.error !== undefined);
  throw new Error(
    `Elasticsearch rejected ${index}/${rejected?._id ?? "?"}: ${JSON.stringify(rejected?.error)}`,
  );
}

async function withClient(
  target: ElasticsearchTarget,
  use: (client: Client) => Promise<void>,
): Promise<void> {
  const { address, access } = target;
  const client = new Client({
    node: address,
    requestTimeout: 120_000,
    ...(access === undefined
      ? {}
      : {
          auth: { username: access.username, password: access.password },
          tls: { ca: access.ca },
        }),
  });
  try {
    await use(client);
  } finally {
    await client.close();
  }
}
