// A sample visit: its key, its contents, and the row that the warehouse should have.
import { accountId } from "./accounts.ts";
import { companyId } from "./companies.ts";
import { fold, nowOf, rowRandomAt, type History, type RowRandom, type Step } from "./history.ts";
import { randomAt, type Random } from "./random.ts";
import type { TruthRow } from "./truth-row.ts";
import * as words from "./words.ts";

export interface VisitKey {
  readonly accountId: string;
  /** `YYYY-MM-DD` */
  readonly day: string;
  readonly visitId: string;
  readonly startedAtMillis: number;
}

interface Device {
  readonly os: string;
  readonly browser: string | null;
  readonly screen: { readonly width: number; readonly height: number } | null;
}

export interface Visit {
  readonly companyId: string | null;
  readonly durationSeconds: number | null;
  readonly referrer: string | null;
  readonly pageCount: number | null;
  readonly utm: Readonly<Record<string, string>>;
  /** Each once, in the order of their UTF-8 bytes, as Cassandra keeps a set. */
  readonly labels: readonly string[];
  readonly device: Device | null;
  /** With four digits after the point. */
  readonly revenue: string | null;
}

const DAYS = 60;
const DAY_MILLIS = 86_400_000;
const FIRST_VISIT_ROUND = 0;
/** Milliseconds from the beginning of the Gregorian calendar, where a time-based UUID counts from, to 1970. */
const GREGORIAN_OFFSET_MILLIS = 12_219_292_800_000n;

/** Never changes: it is drawn from the row's number and the clock of the round that it was born in. */
export function visitKey(history: History, row: number, bornRound: number): VisitKey {
  const random = randomAt(history.seed, "visits/key", row);
  const now = nowOf(history, bornRound);
  const account = accountId(history, random);
  const age =
    bornRound === FIRST_VISIT_ROUND
      ? random.unit() * DAYS * DAY_MILLIS
      : random.unit() * DAY_MILLIS;
  // As an edge case: imported from a system whose clock stood before 1970.
  const isBefore1970 = history.edgeCases && row % 500 === 17;
  const startedAtMillis = isBefore1970 ? -random.integer(1, DAY_MILLIS) : Math.floor(now - age);
  return {
    accountId: account,
    day: words.dayOf(startedAtMillis),
    visitId: timeUuid(startedAtMillis, random),
    startedAtMillis,
  };
}

/** A version 1 UUID of a moment; what else distinguishes it from others is drawn. */
function timeUuid(millis: number, random: Random): string {
  const ticks =
    (BigInt(millis) + GREGORIAN_OFFSET_MILLIS) * 10_000n + BigInt(random.integer(0, 9999));
  const time = ticks.toString(16).padStart(15, "0");
  const hex = (digits: number): string =>
    random
      .integer(0, 16 ** digits - 1)
      .toString(16)
      .padStart(digits, "0");
  const clock = (0x8000 + random.integer(0, 0x3fff)).toString(16);
  return `${time.slice(7)}-${time.slice(3, 7)}-1${time.slice(0, 3)}-${clock}-${hex(6)}${hex(6)}`;
}

function fresh(history: History, row: number, round: number): Visit {
  const random = rowRandomAt(history, "visits", row, round);
  const labels = Array.from({ length: random.integer(0, 3) }, () =>
    words.text(random, random.pick(words.WORDS)),
  );
  return {
    companyId: random.chance(0.4) ? null : companyId(random.integer(0, history.rows.companies)),
    durationSeconds: random.chance(0.05) ? null : Math.floor(3600 * random.unit() ** 3),
    referrer: referrer(random),
    pageCount: random.chance(0.02) ? null : random.integer(1, 20),
    utm: random.chance(0.6)
      ? {}
      : {
          source: words.text(random, "newsletter"),
          "Kampagne/ü": random.chance(0.2) ? "" : `c${row % 13}`,
        },
    labels: [...new Set(labels)].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
    device: random.chance(0.1) ? null : device(random),
    revenue: random.chance(0.8) ? null : revenue(random),
  };
}

/** An empty text and null mean different things here: typed by hand, and not known. */
function referrer(random: RowRandom): string | null {
  if (random.chance(0.2)) return null;
  return random.chance(0.3)
    ? ""
    : words.text(random, `https://${random.pick(words.WORDS)}.example/`);
}

function device(random: RowRandom): Device {
  return {
    os: random.pick(["Linux", "macOS", "Windows", "Android", "iOS", ""]),
    browser: random.chance(0.1) ? null : random.pick(["Firefox", "Chrome", "Safari"]),
    screen: random.chance(0.2)
      ? null
      : { width: random.integer(320, 3840), height: random.integer(480, 2160) },
  };
}

function revenue(random: RowRandom): string {
  if (random.edge(0.01)) return "12345678901234.5678";
  return words.decimalText(random, random.pick([49, 99, 199, 999]), 4);
}

function changed(history: History, row: number, before: Visit, step: Step): Visit {
  switch (step.change) {
    case "null":
      return { ...before, durationSeconds: null, device: null };
    case "shrink":
      return { ...before, labels: before.labels.slice(1), utm: {} };
    case "delete":
      return before;
    case "insert":
    case "reborn":
    case "rewrite":
      return fresh(history, row, step.round);
  }
}

export function visitContents(history: History, row: number, steps: readonly Step[]): Visit {
  return (
    fold(
      steps,
      (step) => fresh(history, row, step.round),
      (before, step) => changed(history, row, before, step),
    ) ?? fresh(history, row, 0)
  );
}

export function visitRow(history: History, row: number, steps: readonly Step[]): TruthRow {
  const key = visitKey(history, row, steps[0]?.round ?? 0);
  const visit = visitContents(history, row, steps);
  return {
    account_id: key.accountId,
    day: key.day,
    visit_id: key.visitId,
    company_id: visit.companyId,
    started_at: words.isoOf(key.startedAtMillis),
    duration_seconds: visit.durationSeconds,
    referrer: visit.referrer,
    page_count: visit.pageCount,
    // Cassandra cannot distinguish an empty collection from a missing one.
    utm: Object.keys(visit.utm).length === 0 ? null : visit.utm,
    labels: visit.labels.length === 0 ? null : visit.labels,
    device: visit.device && { ...visit.device },
    revenue: visit.revenue,
  };
}
