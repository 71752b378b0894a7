// Discovers the example's own indices and tables: what is proposed is what the example declares.
import type cassandra from "cassandra-driver";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { catalog } from "../../../examples/web-analytics/catalog/index.ts";
import { resolveEntry } from "../../../catalog/resolve.ts";
import type { Table } from "../../../catalog/table.ts";
import type { ColumnType } from "../../../contract/column-types.ts";
import type { TableDefinition } from "../../../catalog/definition.ts";
import { differencesNow } from "../../../sources/discover/differences.ts";
import { propose, type Proposal } from "../../../sources/discover/proposal.ts";
import type { CassandraSource } from "../../../sources/cassandra/cassandra.ts";
import { ElasticsearchSource } from "../../../sources/elasticsearch/elasticsearch.ts";
import {
  companyDocument,
  companyId,
} from "../../../examples/web-analytics/sample-data/companies.ts";
import { exactJsonText } from "../../../examples/web-analytics/sample-data/exact-json.ts";
import { type History, stepsOf } from "../../../examples/web-analytics/sample-data/history.ts";
import { leadDocument, leadId } from "../../../examples/web-analytics/sample-data/leads.ts";
import { SCHEMA } from "../../../examples/web-analytics/sample-data/write-events.ts";
import { INDICES } from "../../../examples/web-analytics/sample-data/write-search.ts";
import { TestKeyspace } from "../../sources/cassandra/keyspace.ts";
import { Cluster } from "../../sources/elasticsearch/cluster.ts";
import { runElasticsearch, type RunningServer } from "../../functions/extract/servers.ts";
import { importProposal } from "../../sources/discover/entry-file.ts";

const documents = { documents: 200, dutyCycle: 1 };
const shares = { inserts: 0, updates: 0, deletes: 0 };
const history: History = {
  seed: 3,
  edgeCases: true,
  rows: { companies: 150, leads: 150, visits: 0, page_views: 0 },
  rounds: [{ nowMillis: Date.now(), shares }],
};

function entryNamed(name: string): Table {
  const entry = catalog.tables.find((table) => table.name === name);
  if (entry === undefined) throw new Error(`the example has no table ${name}`);
  return entry;
}

function definitionOf(table: Table): TableDefinition {
  const definition = resolveEntry(table, { deployment: "d" });
  if (definition.kind !== "table") throw new Error(`${table.name} is no table`);
  return definition;
}

/** A type without the names that a person chose, and the order that a mapping does not keep. */
function bySourceNames(type: ColumnType | undefined): string {
  if (typeof type === "object" && "list" in type) return `list ${bySourceNames(type.list)}`;
  if (typeof type !== "object" || !("struct" in type)) return JSON.stringify(type);
  return type.struct
    .map(({ name, from, type: inner }) => `${from ?? name}: ${bySourceNames(inner)}`)
    .sort()
    .join(", ");
}

/** What the proposal and the example declare differently, by the columns' paths. */
function otherTypes(proposal: Proposal, table: Table): Record<string, unknown> {
  const proposed = new Map(
    proposal.columns.map(({ name, path, type }) => [(path ?? [name]).join("."), type]),
  );
  const pairs = table.columns.map(({ name, path, type }) => {
    const field = (path ?? [name]).join(".");
    return [field, proposed.get(field), type] as const;
  });
  const others = pairs.filter(([, a, b]) => bySourceNames(a) !== bySourceNames(b));
  return Object.fromEntries(others.map(([field, type]) => [field, type]));
}

describe("Elasticsearch", () => {
  let server: RunningServer;
  let cluster: Cluster;
  let source: ElasticsearchSource;

  beforeAll(async () => {
    server = await runElasticsearch();
    cluster = new Cluster(server.address);
    source = new ElasticsearchSource("search", { nodes: [server.address] });
  });
  afterAll(async () => {
    await source.close();
    await server.stop();
  });

  test.each([
    ["companies", companyId, companyDocument, { revenue: "double" }],
    ["leads", leadId, leadDocument, { _id: undefined }],
  ] as const)("the example's %s are proposed as they are declared", async (...row) => {
    const [name, idOf, documentOf, others] = row;
    const properties = INDICES.find((index) => index.name === name)?.properties ?? {};
    const index = await cluster.makeIndex(properties);
    const rows = Array.from({ length: 150 }, (_, n) => ({
      id: idOf(n),
      json: exactJsonText(documentOf(history, n, stepsOf(history, name, n))),
    }));
    await cluster.index(index, rows);
    const discovery = await source.discover({ index }, documents);
    expect(discovery.sampledDocuments).toBe(150);
    const proposal = propose(discovery, "search", name);
    const { entry, text } = await importProposal(proposal);
    const declared = entryNamed(name);
    const found = otherTypes(proposal, declared);
    if (name === "leads") {
      // Nothing in a document equals its id, so a column of another name reads it.
      expect(entry.columns[0]).toMatchObject({ path: ["_id"] });
      expect(entry.key).toEqual([entry.columns[0]?.name]);
      expect(found).toEqual({});
      expect(text).toContain("personal: true");
    } else {
      expect(found).toEqual(others);
      expect(entry.key).toEqual(["company_id"]);
    }
    expect("cursor" in entry ? entry.cursor?.column : null).toBe("updated_at");
    expect(entry.deletes.strategy).toBe(declared.deletes.strategy);
    const shape = await source.describe({ index });
    expect(differencesNow(definitionOf(entry), shape)).toEqual([]);
    expect(differencesNow(definitionOf(declared), shape)).toEqual([]);
  });
});

describe("Cassandra", () => {
  let made: TestKeyspace;
  let keyspace: string;
  let writer: cassandra.Client;
  let source: CassandraSource;

  beforeAll(async () => {
    made = await TestKeyspace.make();
    ({ name: keyspace, writer, client: source } = made);
    for (const statement of SCHEMA)
      await writer.execute(statement.replaceAll("tracking", keyspace));
  });
  afterAll(async () => {
    await made.close();
  });

  test.each([
    ["visits", { revenue: { decimal: [38, 4] } }],
    ["page_views", {}],
  ] as const)("the example's %s are proposed as they are declared", async (name, others) => {
    await writer.execute(
      `INSERT INTO ${keyspace}.visits (account_id, day, visit_id, revenue) VALUES ('a', '2024-01-01', now(), -12.3450)`,
    );
    await writer.execute(
      `INSERT INTO ${keyspace}.visits (account_id, day, visit_id, revenue) VALUES ('b', '2024-01-01', now(), 0.1234)`,
    );
    const discovery = await source.discover({ keyspace, table: name }, documents);
    const proposal = propose(discovery, "events");
    const { entry } = await importProposal(proposal);
    const declared = entryNamed(name);
    expect(otherTypes(proposal, declared)).toEqual(others);
    expect(entry.key).toEqual(declared.key);
    expect(entry.deletes).toEqual(declared.deletes);
    const shape = await source.describe({ keyspace, table: name });
    expect(differencesNow(definitionOf(entry), shape)).toEqual([]);
    expect(differencesNow(definitionOf(declared), shape)).toEqual([]);
  });
});
