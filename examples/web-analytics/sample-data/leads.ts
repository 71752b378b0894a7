// A sample lead: its contents, the document that search holds, and the row that the warehouse should have.
import { accountId } from "./accounts.ts";
import { companyId } from "./companies.ts";
import type { ExactJson } from "./exact-json.ts";
import { cursorOf, fold, rowRandomAt, type History, type Step } from "./history.ts";
import { randomAt } from "./random.ts";
import type { TruthRow, TruthValue } from "./truth-row.ts";
import * as words from "./words.ts";

interface Lead {
  readonly accountId: string;
  readonly companyId: string | null;
  readonly email: string | null;
  readonly name: string | null;
  readonly status: string;
  readonly score: number | null;
  readonly stages: readonly { readonly stage: string; readonly at: string | null }[] | null;
  readonly attributes: TruthValue;
}

const STATUSES = ["new", "contacted", "qualified", "won", "lost"] as const;
/** 1938, as an edge case, and 2024. */
const EDGE_STAGE_SECONDS = -1_000_000_000;
const EARLIEST_STAGE_SECONDS = 1_704_067_200;

export function leadId(row: number): string {
  return `lead-${row}`;
}

function fresh(history: History, row: number, round: number): Lead {
  const random = rowRandomAt(history, "leads", row, round);
  const stages = Array.from({ length: random.integer(0, 3) }, () => ({
    stage: random.pick(STATUSES),
    at: random.chance(0.05)
      ? null
      : words.isoOf(
          random.integer(
            random.edge(0.5) ? EDGE_STAGE_SECONDS : EARLIEST_STAGE_SECONDS,
            1_750_000_000,
          ) *
            1000 +
            random.integer(0, 999),
        ),
  }));
  return {
    accountId: accountId(history, randomAt(history.seed, "leads/account", row)),
    companyId: random.chance(0.1) ? null : companyId(random.integer(0, history.rows.companies)),
    email: random.chance(0.05) ? null : `person.${row}@${random.pick(words.WORDS)}.example`,
    name: random.chance(0.05) ? null : random.edge(0.03) ? "" : words.personName(random),
    status: random.pick(STATUSES),
    // Eighths are exact in binary, so that sums and comparisons are too.
    score: random.chance(0.1) ? null : random.integer(random.edge(0.1) ? -80 : 0, 800) / 8,
    stages: random.chance(0.1) ? null : stages,
    attributes: attributes(row, random.integer(0, 6)),
  };
}

/** Any JSON at all: what an account's own systems sent. */
function attributes(row: number, form: number): TruthValue {
  switch (form) {
    case 0:
      return null;
    case 1:
      return {};
    case 2:
      return { counter: 2n ** 60n + BigInt(row), note: 'a "quoted" note\nin two lines' };
    case 3:
      return { deep: { list: [1, "two", null, { three: true }], empty: [] }, "dotted.name": -0.5 };
    default:
      return { campaign: `spring-${row % 7}`, budget: row % 1000, Ünïcode: "ключ" };
  }
}

function changed(history: History, row: number, before: Lead, step: Step): Lead {
  switch (step.change) {
    case "null":
      return { ...before, score: null };
    case "shrink":
      return { ...before, stages: before.stages?.slice(1) ?? null };
    case "delete":
      return before;
    case "insert":
    case "reborn":
    case "rewrite":
      return fresh(history, row, step.round);
  }
}

function contents(history: History, row: number, steps: readonly Step[]): Lead {
  return (
    fold(
      steps,
      (step) => fresh(history, row, step.round),
      (before, step) => changed(history, row, before, step),
    ) ?? fresh(history, row, 0)
  );
}

/** The document after the steps; its id is `leadId`. A deleted lead stays, with `deletedAt`. */
export function leadDocument(history: History, row: number, steps: readonly Step[]): ExactJson {
  const lead = contents(history, row, steps);
  const form = randomAt(history.seed, "leads/form", row, steps.length);
  const updatedAt = cursorOf(history, "leads", row, steps);
  const deleted = steps.at(-1)?.change === "delete";
  return {
    ...lead,
    email: lead.email === null && form.chance(0.5) ? undefined : lead.email,
    stages:
      lead.stages?.length === 1 && form.chance(0.5)
        ? { ...lead.stages[0] }
        : (lead.stages?.map((stage) => ({ ...stage })) ?? null),
    attributes: lead.attributes ?? undefined,
    // As the number of milliseconds, where companies have text: Elasticsearch takes both.
    updatedAt,
    deletedAt: deleted ? words.isoOf(updatedAt) : form.chance(0.5) ? null : undefined,
  };
}

export function leadRow(history: History, row: number, steps: readonly Step[]): TruthRow {
  const lead = contents(history, row, steps);
  return {
    lead_id: leadId(row),
    account_id: lead.accountId,
    company_id: lead.companyId,
    email: lead.email,
    name: lead.name,
    status: lead.status,
    score: lead.score,
    stages: lead.stages,
    attributes: lead.attributes,
    updated_at: words.isoOf(cursorOf(history, "leads", row, steps)),
    deleted_at: null,
  };
}
