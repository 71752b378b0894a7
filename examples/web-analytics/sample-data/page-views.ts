// A sample page view: its key, its contents, and the row that the warehouse should have.
import { fold, rowRandomAt, rowsEver, stepsOf, type History, type Step } from "./history.ts";
import type { TruthRow } from "./truth-row.ts";
import { visitKey, type VisitKey } from "./visits.ts";
import * as words from "./words.ts";

export interface PageViewKey extends VisitKey {
  readonly viewNumber: number;
}

export interface PageView {
  readonly viewedAtMillis: number;
  readonly url: string;
  readonly title: string | null;
  readonly loadMillis: number | null;
  readonly scroll: number | null;
  readonly sequence: bigint;
}

const SECONDS_BETWEEN_VIEWS = 45;

/** Page views go round the first visits: the n-th round holds each visit's n-th page. Those of a deleted visit stay. */
export function pageViewKey(history: History, row: number): PageViewKey {
  const visits = Math.max(1, rowsEver(history, "visits", 0));
  return { ...visitKey(history, row % visits, 0), viewNumber: 1 + Math.floor(row / visits) };
}

function fresh(history: History, row: number, round: number): PageView {
  const random = rowRandomAt(history, "page_views", row, round);
  const key = pageViewKey(history, row);
  return {
    viewedAtMillis: key.startedAtMillis + (key.viewNumber - 1) * SECONDS_BETWEEN_VIEWS * 1000,
    url: `https://${key.accountId}.example/${random.pick(words.WORDS)}?q=${random.integer(0, 999)}&x=%C3%BC`,
    title: random.chance(0.1) ? null : random.chance(0.1) ? "" : words.text(random, "Welcome"),
    loadMillis: random.chance(0.05) ? null : random.integer(5, 5000),
    scroll: random.chance(0.1) ? null : random.integer(0, 64) / 64,
    // As an edge case above 2^53, where neighbours differ by two and a double would round odd ones away.
    sequence: history.edgeCases ? 2n ** 53n + 1n + 2n * BigInt(row) : 1n + BigInt(row),
  };
}

function changed(history: History, row: number, before: PageView, step: Step): PageView {
  switch (step.change) {
    case "null":
    case "shrink":
      return { ...before, title: null, scroll: null };
    case "delete":
      return before;
    case "insert":
    case "reborn":
    case "rewrite":
      return fresh(history, row, step.round);
  }
}

export function pageViewContents(history: History, row: number, steps: readonly Step[]): PageView {
  return (
    fold(
      steps,
      (step) => fresh(history, row, step.round),
      (before, step) => changed(history, row, before, step),
    ) ?? fresh(history, row, 0)
  );
}

export function pageViewRow(history: History, row: number): TruthRow {
  const key = pageViewKey(history, row);
  const view = pageViewContents(history, row, stepsOf(history, "page_views", row));
  return {
    account_id: key.accountId,
    day: key.day,
    visit_id: key.visitId,
    view_number: key.viewNumber,
    viewed_at: words.isoOf(view.viewedAtMillis),
    url: view.url,
    title: view.title,
    load_ms: view.loadMillis,
    scroll: view.scroll,
    sequence: view.sequence,
  };
}
