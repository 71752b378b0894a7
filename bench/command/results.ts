// Where a benchmark keeps what it measured: written again after each step, so that a broken run leaves what it had.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ENGINE_FOLDER } from "../../local/state.ts";

/** The file of a benchmark that begins now. */
export function resultFile(name: string): string {
  const folder = join(ENGINE_FOLDER, ".sluice", "bench");
  mkdirSync(folder, { recursive: true });
  const at = new Date().toISOString().replaceAll(":", "").slice(0, 15);
  return join(folder, `${name}-${at}.json`);
}

export function writeResult(file: string, result: unknown): void {
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
}

/** A Markdown table, as in docs/benchmarks.md. */
export function markdownTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(headings), line(headings.map(() => "---")), ...rows.map(line)].join("\n");
}

/** 12,345 or 12.3 or 0.123, with three digits where there are fewer. */
export function shortNumber(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-US");
  return value.toPrecision(3);
}
