// Writes sample visits and page views into Cassandra.
import { auth, Client, types } from "cassandra-driver";
import { rowsEver, stepsOf, type History, type Step } from "./history.ts";
import { pageViewContents, pageViewKey } from "./page-views.ts";
import type { CassandraTarget } from "./targets.ts";
import { visitContents, visitKey, type VisitKey } from "./visits.ts";

const STATEMENTS_AT_ONCE = 256;
const REQUEST_TIMEOUT_MILLIS = 60_000;

export const SCHEMA: readonly string[] = [
  "DROP KEYSPACE IF EXISTS tracking",
  "CREATE KEYSPACE tracking WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
  "CREATE TYPE tracking.screen_size (width int, height int)",
  "CREATE TYPE tracking.device (os text, browser text, screen frozen<screen_size>)",
  `CREATE TABLE tracking.visits (
     account_id text, day date, visit_id timeuuid, company_id text, started_at timestamp,
     duration_seconds int, referrer text, page_count int, utm map<text, text>, labels set<text>,
     device device, revenue decimal,
     PRIMARY KEY ((account_id, day), visit_id))`,
  `CREATE TABLE tracking.page_views (
     account_id text, day date, visit_id timeuuid, view_number int, viewed_at timestamp,
     url text, title text, load_ms int, scroll double, sequence bigint,
     PRIMARY KEY ((account_id, day), visit_id, view_number))`,
];

interface Statement {
  readonly query: string;
  readonly values: readonly unknown[];
}

/** Makes the keyspace anew; what was in it is gone. */
export async function createKeyspace(target: CassandraTarget): Promise<void> {
  await withClient(target, async (client) => {
    for (const statement of SCHEMA) await client.execute(statement);
  });
}

/** Writes what happened in one round of the history. */
export async function writeEventsRound(
  history: History,
  round: number,
  target: CassandraTarget,
): Promise<void> {
  await withClient(target, async (client) => {
    await executeAll(client, statements(history, round, "visits", visitStatement));
    await executeAll(client, statements(history, round, "page_views", pageViewStatement));
  });
}

function* statements(
  history: History,
  round: number,
  table: "visits" | "page_views",
  statement: (history: History, row: number, steps: readonly Step[]) => Statement,
): Generator<Statement> {
  const rows = rowsEver(history, table, round);
  for (let row = 0; row < rows; row++) {
    const steps = stepsOf(history, table, row);
    if (steps.at(-1)?.round === round) yield statement(history, row, steps);
  }
}

const VISIT_KEY = "account_id = ? AND day = ? AND visit_id = ?";

function visitStatement(history: History, row: number, steps: readonly Step[]): Statement {
  const key = visitKey(history, row, steps[0]?.round ?? 0);
  const keyValues = keyOf(key);
  const change = steps.at(-1)?.change ?? "insert";
  if (change === "delete") {
    return { query: `DELETE FROM tracking.visits WHERE ${VISIT_KEY}`, values: keyValues };
  }
  if (change === "null") {
    return {
      query: `UPDATE tracking.visits SET duration_seconds = null, device = null WHERE ${VISIT_KEY}`,
      values: keyValues,
    };
  }
  if (change === "shrink") {
    // As the product that serves customers does it: an element is taken out, the set is not written again.
    const removed = visitContents(history, row, steps.slice(0, -1)).labels.slice(0, 1);
    return {
      query: `UPDATE tracking.visits SET labels = labels - ?, utm = {} WHERE ${VISIT_KEY}`,
      values: [removed, ...keyValues],
    };
  }
  const visit = visitContents(history, row, steps);
  return insertion("visits", change === "rewrite", {
    ...keyColumns(key),
    company_id: visit.companyId,
    started_at: new Date(key.startedAtMillis),
    duration_seconds: visit.durationSeconds,
    referrer: visit.referrer,
    page_count: visit.pageCount,
    utm: Object.keys(visit.utm).length === 0 ? null : visit.utm,
    labels: visit.labels.length === 0 ? null : visit.labels,
    device: visit.device,
    revenue: visit.revenue === null ? null : types.BigDecimal.fromString(visit.revenue),
  });
}

function pageViewStatement(history: History, row: number, steps: readonly Step[]): Statement {
  const key = pageViewKey(history, row);
  const where = `${VISIT_KEY} AND view_number = ?`;
  const keyValues = [...keyOf(key), key.viewNumber];
  const change = steps.at(-1)?.change ?? "insert";
  if (change === "delete") {
    return { query: `DELETE FROM tracking.page_views WHERE ${where}`, values: keyValues };
  }
  if (change === "null" || change === "shrink") {
    return {
      query: `UPDATE tracking.page_views SET title = null, scroll = null WHERE ${where}`,
      values: keyValues,
    };
  }
  const view = pageViewContents(history, row, steps);
  return insertion("page_views", change === "rewrite", {
    ...keyColumns(key),
    view_number: key.viewNumber,
    viewed_at: new Date(view.viewedAtMillis),
    url: view.url,
    title: view.title,
    load_ms: view.loadMillis,
    scroll: view.scroll,
    sequence: types.Long.fromString(String(view.sequence)),
  });
}

/** @param overwrites whether nulls must be written; where no row was, they would only leave tombstones */
function insertion(
  table: string,
  overwrites: boolean,
  columns: Readonly<Record<string, unknown>>,
): Statement {
  const names = Object.keys(columns);
  const blanks = names.map(() => "?").join(", ");
  return {
    query: `INSERT INTO tracking.${table} (${names.join(", ")}) VALUES (${blanks})`,
    values: Object.values(columns).map((value) =>
      value === null && !overwrites ? types.unset : value,
    ),
  };
}

function keyColumns(key: VisitKey): Record<"account_id" | "day" | "visit_id", unknown> {
  return {
    account_id: key.accountId,
    day: types.LocalDate.fromString(key.day),
    visit_id: types.TimeUuid.fromString(key.visitId),
  };
}

function keyOf(key: VisitKey): unknown[] {
  return Object.values(keyColumns(key));
}

async function executeAll(client: Client, todo: Iterable<Statement>): Promise<void> {
  await Promise.all(
    Array.from({ length: STATEMENTS_AT_ONCE }, async () => {
      // One iterator for all: whoever is free takes the next statement.
      for (const { query, values } of todo) {
        await client.execute(query, [...values], { prepare: true });
      }
    }),
  );
}

async function withClient(
  target: CassandraTarget,
  use: (client: Client) => Promise<void>,
): Promise<void> {
  const { access } = target;
  const client = new Client({
    contactPoints: [...target.contactPoints],
    localDataCenter: target.localDataCenter,
    protocolOptions: { port: target.port },
    socketOptions: { readTimeout: REQUEST_TIMEOUT_MILLIS },
    pooling: { maxRequestsPerConnection: 2 * STATEMENTS_AT_ONCE },
    ...(access === undefined
      ? {}
      : {
          authProvider: new auth.PlainTextAuthProvider(access.username, access.password),
          sslOptions: { ca: [access.ca], rejectUnauthorized: true },
        }),
  });
  try {
    await client.connect();
    await use(client);
  } finally {
    await client.shutdown();
  }
}
