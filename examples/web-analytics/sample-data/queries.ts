// The demo's queries, with the answers that the truth gives.
import type { History } from "./history.ts";
import type { TruthRow } from "./truth-row.ts";
import { liveRows } from "./truth.ts";

/** A row of an answer, each value as text; the demo turns what the warehouse sends into the same. */
export type AnswerRow = readonly (string | null)[];

export interface DemoQuery {
  readonly title: string;
  /** Understood by Redshift and PostgreSQL alike. */
  readonly sql: string;
  /** Reads every row of the truth that it needs: seconds for a million. */
  readonly expected: (history: History) => AnswerRow[];
}

export const demoQueries: readonly DemoQuery[] = [
  {
    title: "Visits and sales by the visitors' industry",
    sql: `select coalesce(industry, 'not known') as industry,
  cast(sum(visits) as bigint) as visits,
  cast(sum(duration_seconds) as bigint) as duration_seconds,
  cast(sum(revenue) as decimal(38,4)) as revenue
from mart.daily_company_visits
group by 1
order by 2 desc, 1`,
    expected: visitsByIndustry,
  },
  {
    title: "The ten accounts with the most visits",
    sql: `select account_id, visits, companies, page_views, leads, won_leads,
  cast(best_score as decimal(10,3)) as best_score
from mart.account_engagement
order by visits desc, account_id
limit 10`,
    expected: busiestAccounts,
  },
  {
    title: "Page views by month",
    sql: `select to_char(day, 'YYYY-MM') as month,
  count(*) as page_views,
  count(distinct visit_id) as visits,
  cast(sum(load_ms) as bigint) / count(load_ms) as average_load_ms
from mart.page_views
group by 1
order by 1`,
    expected: pageViewsByMonth,
  },
];

/** Sums that no double holds, and of fractions: for histories with edge cases. */
export const exactSumsQuery: DemoQuery = {
  title: "Exact sums of page views by month",
  sql: `select to_char(day, 'YYYY-MM') as month,
  cast(sum(cast(sequence as decimal(38,0))) as decimal(38,0)) as sequences,
  cast(sum(cast(scroll as decimal(12,6))) as decimal(38,6)) as scrolled
from mart.page_views
group by 1
order by 1`,
  expected: exactSumsByMonth,
};

/** Whether two answers have the same rows. The order is left out: collations differ between warehouses. */
export function sameAnswer(actual: readonly AnswerRow[], expected: readonly AnswerRow[]): boolean {
  const sorted = (rows: readonly AnswerRow[]): string[] =>
    rows.map((row) => JSON.stringify(row)).sort();
  return JSON.stringify(sorted(actual)) === JSON.stringify(sorted(expected));
}

interface IndustrySums {
  visits: number;
  seconds: bigint | null;
  /** In units of 0.0001. */
  revenue: bigint | null;
}

function visitsByIndustry(history: History): AnswerRow[] {
  const industries = new Map<string, string>();
  for (const { company_id: company, industry } of liveRows(history, "companies")) {
    if (typeof company === "string" && typeof industry === "string")
      industries.set(company, industry);
  }
  const groups = new Map<string, IndustrySums>();
  for (const visit of liveRows(history, "visits")) {
    if (typeof visit.company_id !== "string") continue;
    const industry = industries.get(visit.company_id) ?? "not known";
    const sums = entry(groups, industry, () => ({ visits: 0, seconds: null, revenue: null }));
    sums.visits++;
    sums.seconds = added(sums.seconds, wholeNumber(visit, "duration_seconds"));
    sums.revenue = added(sums.revenue, unscaled(visit, "revenue"));
  }
  return [...groups].map(([industry, { visits, seconds, revenue }]) => [
    industry,
    String(visits),
    seconds === null ? null : String(seconds),
    revenue === null ? null : scaled(revenue, 4),
  ]);
}

interface Engagement {
  visits: number;
  companies: Set<string>;
  pageViews: number;
  leads: number;
  wonLeads: number;
  bestScore: number | null;
}

function busiestAccounts(history: History): AnswerRow[] {
  const accounts = new Map<string, Engagement>();
  const none = (): Engagement => ({
    visits: 0,
    companies: new Set(),
    pageViews: 0,
    leads: 0,
    wonLeads: 0,
    bestScore: null,
  });
  for (const visit of liveRows(history, "visits")) {
    const account = entry(accounts, textOf(visit, "account_id"), none);
    account.visits++;
    if (typeof visit.company_id === "string") account.companies.add(visit.company_id);
  }
  for (const lead of liveRows(history, "leads")) {
    const account = entry(accounts, textOf(lead, "account_id"), none);
    account.leads++;
    if (lead.status === "won") account.wonLeads++;
    const score = lead.score;
    if (typeof score === "number") account.bestScore = Math.max(account.bestScore ?? score, score);
  }
  for (const view of liveRows(history, "page_views")) {
    const account = accounts.get(textOf(view, "account_id"));
    if (account !== undefined) account.pageViews++;
  }
  return [...accounts]
    .sort(([a, { visits: ofA }], [b, { visits: ofB }]) => ofB - ofA || (a < b ? -1 : 1))
    .slice(0, 10)
    .map(([account, { visits, companies, pageViews, leads, wonLeads, bestScore }]) => [
      account,
      ...[visits, companies.size, pageViews, leads, wonLeads].map(String),
      bestScore === null ? null : bestScore.toFixed(3),
    ]);
}

interface MonthLoads {
  pageViews: number;
  visits: Set<string>;
  loads: bigint;
  loadMillis: bigint;
}

function pageViewsByMonth(history: History): AnswerRow[] {
  const months = new Map<string, MonthLoads>();
  for (const view of liveRows(history, "page_views")) {
    const month = entry(months, monthOf(view), () => ({
      pageViews: 0,
      visits: new Set<string>(),
      loads: 0n,
      loadMillis: 0n,
    }));
    month.pageViews++;
    month.visits.add(textOf(view, "visit_id"));
    const millis = wholeNumber(view, "load_ms");
    if (millis === null) continue;
    month.loads++;
    month.loadMillis += millis;
  }
  // Division of whole numbers leaves the rest out, here as in SQL.
  return [...months].map(([month, { pageViews, visits, loads, loadMillis }]) => [
    month,
    String(pageViews),
    String(visits.size),
    loads === 0n ? null : String(loadMillis / loads),
  ]);
}

interface MonthSums {
  sequences: bigint;
  /** In units of 0.000001. */
  scrolled: bigint | null;
}

function exactSumsByMonth(history: History): AnswerRow[] {
  const months = new Map<string, MonthSums>();
  for (const view of liveRows(history, "page_views")) {
    const sums = entry(months, monthOf(view), () => ({ sequences: 0n, scrolled: null }));
    sums.sequences += wholeNumber(view, "sequence") ?? 0n;
    // 64ths have six digits after the point, so nothing is rounded here or there.
    const scroll = view.scroll;
    if (typeof scroll === "number") {
      sums.scrolled = added(sums.scrolled, BigInt(Math.round(scroll * 1_000_000)));
    }
  }
  return [...months].map(([month, { sequences, scrolled }]) => [
    month,
    String(sequences),
    scrolled === null ? null : scaled(scrolled, 6),
  ]);
}

function entry<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
}

/** `YYYY-MM`. */
function monthOf(view: TruthRow): string {
  return textOf(view, "day").slice(0, "YYYY-MM".length);
}

/** As SQL adds: null only where every value is. */
function added(sum: bigint | null, value: bigint | null): bigint | null {
  return value === null ? sum : (sum ?? 0n) + value;
}

function textOf(row: TruthRow, column: string): string {
  const value = row[column];
  if (typeof value === "string") return value;
  throw new Error(`the truth has no text in ${column}`);
}

function wholeNumber(row: TruthRow, column: string): bigint | null {
  const value = row[column];
  return typeof value === "number" || typeof value === "bigint" ? BigInt(value) : null;
}

/** A decimal text without its point. */
function unscaled(row: TruthRow, column: string): bigint | null {
  const value = row[column];
  return typeof value === "string" ? BigInt(value.replace(".", "")) : null;
}

function scaled(units: bigint, digitsAfterPoint: number): string {
  const digits = String(units < 0n ? -units : units).padStart(digitsAfterPoint + 1, "0");
  const point = digits.length - digitsAfterPoint;
  return `${units < 0n ? "-" : ""}${digits.slice(0, point)}.${digits.slice(point)}`;
}
