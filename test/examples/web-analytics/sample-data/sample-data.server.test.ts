// Writes sample data to real servers, changes it, and compares what they then hold with the truth.
import { Client as Cassandra, types } from "cassandra-driver";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { CASSANDRA_DATA_CENTER } from "../../../../local/servers/cassandra.ts";
import { change, generate } from "../../../../examples/web-analytics/sample-data/generate.ts";
import type {
  History,
  SampleTable,
} from "../../../../examples/web-analytics/sample-data/history.ts";
import type { Targets } from "../../../../examples/web-analytics/sample-data/targets.ts";
import { keyText, liveHashes } from "../../../../examples/web-analytics/sample-data/truth.ts";
import {
  parseNested,
  rowHash,
  type TruthRow,
  type TruthValue,
} from "../../../../examples/web-analytics/sample-data/truth-row.ts";
import {
  runCassandra,
  runElasticsearch,
  type RunningServer,
} from "../../../functions/extract/servers.ts";

const SHARES = { inserts: 0.05, updates: 0.3, deletes: 0.06 };

let servers: RunningServer[];
let targets: Targets;

beforeAll(async () => {
  const [elasticsearch, cassandra] = await Promise.all([runElasticsearch(), runCassandra()]);
  servers = [elasticsearch, cassandra];
  const [host = "", port = ""] = cassandra.address.split(":");
  targets = {
    elasticsearch: { address: elasticsearch.address },
    cassandra: {
      contactPoints: [host],
      port: Number(port),
      localDataCenter: CASSANDRA_DATA_CENTER,
    },
  };
}, 240_000);

afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
}, 60_000);

test(
  "after generating and after each change the sources hold exactly the truth",
  { timeout: 180_000 },
  async () => {
    const sizes = { companies: 600, leads: 700, visits: 900, pageViews: 1500 };
    let history = await generate({
      ...{ seed: 11, ...sizes, edgeCases: true, nowMillis: Date.now() },
      ...targets,
    });
    await expectTruth(history);
    for (let round = 0; round < 2; round++) {
      history = await change({ history, nowMillis: Date.now(), shares: SHARES, ...targets });
      await expectTruth(history);
    }
  },
);

async function expectTruth(history: History): Promise<void> {
  expect(await companiesInSearch()).toEqual(liveHashes(history, "companies"));
  expect(await leadsInSearch()).toEqual(liveHashes(history, "leads"));
  expect(await visitsInEvents()).toEqual(liveHashes(history, "visits"));
  expect(await pageViewsInEvents()).toEqual(liveHashes(history, "page_views"));
}

function hashed(table: SampleTable, rows: readonly TruthRow[]): Map<string, string> {
  const hashes = new Map(rows.map((row) => [keyText(table, row), rowHash(row)]));
  expect(hashes.size).toBe(rows.length);
  return hashes;
}

type Fields = Readonly<Record<string, TruthValue | undefined>>;

const isFields = (value: TruthValue | undefined): value is Record<string, TruthValue> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A list of one may come without its brackets. */
const asList = (value: TruthValue | undefined): TruthValue =>
  value === undefined || value === null || Array.isArray(value) ? (value ?? null) : [value];

async function documents(index: string): Promise<{ id: string; fields: Fields }[]> {
  const response = await fetch(`${targets.elasticsearch.address}/${index}/_search?size=10000`);
  const answer = parseNested(await response.text());
  const outer = isFields(answer) ? answer.hits : undefined;
  const hits = isFields(outer) ? outer.hits : undefined;
  if (!Array.isArray(hits)) throw new Error(`no hits in ${index}`);
  return hits.map((hit: TruthValue) => {
    if (!isFields(hit) || !isFields(hit._source)) throw new Error("a hit without a document");
    return { id: z.string().parse(hit._id), fields: hit._source };
  });
}

async function companiesInSearch(): Promise<Map<string, string>> {
  const rows = (await documents("companies")).map(({ id, fields }): TruthRow => {
    expect(id).toBe(fields.companyId);
    const { address, revenue, employees } = fields;
    return {
      company_id: fields.companyId ?? null,
      name: fields.name ?? null,
      domain: fields.domain ?? null,
      industry: fields.industry ?? null,
      employees: typeof employees === "number" ? BigInt(employees) : (employees ?? null),
      revenue: typeof revenue === "number" ? revenue.toFixed(2) : (revenue ?? null),
      founded_on: fields.foundedOn ?? null,
      address: isFields(address)
        ? {
            street: address.street ?? null,
            city: address.city ?? null,
            zip: address.zipCode ?? null,
            country: address.country ?? null,
            geo: address.geo ?? null,
          }
        : null,
      tags: asList(fields.tags),
      technologies: asList(fields.technologies),
      updated_at: fields.updatedAt ?? null,
    };
  });
  return hashed("companies", rows);
}

async function leadsInSearch(): Promise<Map<string, string>> {
  const all = await documents("leads");
  const live = all.filter(({ fields }) => (fields.deletedAt ?? null) === null);
  const rows = live.map(({ id, fields }): TruthRow => ({
    lead_id: id,
    account_id: fields.accountId ?? null,
    company_id: fields.companyId ?? null,
    email: fields.email ?? null,
    name: fields.name ?? null,
    status: fields.status ?? null,
    score: fields.score ?? null,
    stages: asList(fields.stages),
    attributes: fields.attributes ?? null,
    updated_at: new Date(Number(fields.updatedAt)).toISOString(),
    deleted_at: null,
  }));
  return hashed("leads", rows);
}

const text = z.string().nullable();
const whole = z.number().nullable();
const key = {
  account_id: z.string(),
  day: z.instanceof(types.LocalDate).transform(String),
  visit_id: z.instanceof(types.TimeUuid).transform(String),
};
const moment = z.date().transform((date) => date.toISOString());

const visitSchema = z.object({
  ...key,
  company_id: text,
  started_at: moment,
  duration_seconds: whole,
  referrer: text,
  page_count: whole,
  utm: z.record(z.string(), z.string()).nullable(),
  labels: z.array(z.string()).nullable(),
  device: z
    .object({
      os: z.string(),
      browser: text,
      screen: z.object({ width: z.number(), height: z.number() }).nullable(),
    })
    .nullable(),
  revenue: z.instanceof(types.BigDecimal).transform(String).nullable(),
});

const pageViewSchema = z.object({
  ...key,
  view_number: z.number(),
  viewed_at: moment,
  url: text,
  title: text,
  load_ms: whole,
  scroll: whole,
  sequence: z.instanceof(types.Long).transform((value) => BigInt(value.toString())),
});

async function visitsInEvents(): Promise<Map<string, string>> {
  return hashed("visits", await selectAll("visits", visitSchema));
}

async function pageViewsInEvents(): Promise<Map<string, string>> {
  return hashed("page_views", await selectAll("page_views", pageViewSchema));
}

async function selectAll<Row>(table: string, schema: z.ZodType<Row>): Promise<Row[]> {
  const { contactPoints, port, localDataCenter } = targets.cassandra;
  const client = new Cassandra({
    contactPoints: [...contactPoints],
    localDataCenter,
    protocolOptions: { port },
  });
  try {
    const { rows } = await client.execute(`SELECT * FROM tracking.${table}`, [], {
      fetchSize: 50_000,
    });
    return rows.map((row) => schema.parse(row));
  } finally {
    await client.shutdown();
  }
}
