// Tables of the benchmark `extraction`. Pure.
import type { Measurement } from "./run-contestant.ts";
import { spread, type Spread } from "./statistics.ts";
import { markdownTable, shortNumber } from "../command/results.ts";

/** All readings of one contestant, by repeat. */
export interface ContestantResult {
  readonly name: string;
  readonly isOurs: boolean;
  readonly settings: string;
  readonly runs: readonly Measurement[];
}

const MEBIBYTE = 1024 * 1024;

export const rowsPerSecond = (run: Measurement): number => run.rows / run.wallSeconds;
export const rowsPerClientCpuSecond = (run: Measurement): number => run.rows / run.clientCpuSeconds;
const serverMicrosPerRow = (run: Measurement): number => (run.serverCpuSeconds * 1e6) / run.rows;

/** Medians over the repeats, least and most in brackets. */
export function measuredTable(results: readonly ContestantResult[]): string {
  return markdownTable(
    [
      "reader",
      "rows/s",
      "rows per client CPU second",
      "client CPU, s",
      "server CPU, s",
      "server CPU, µs per row",
      "client's peak memory, MiB",
      "bytes out, MiB",
    ],
    results.map(({ name, runs }) => [
      name,
      cell(runs, rowsPerSecond),
      cell(runs, rowsPerClientCpuSecond),
      cell(runs, (run) => run.clientCpuSeconds),
      cell(runs, (run) => run.serverCpuSeconds),
      cell(runs, serverMicrosPerRow),
      shortNumber(spread(runs.map((run) => run.peakResidentBytes / MEBIBYTE)).median),
      shortNumber(spread(runs.map((run) => run.bytesOut / MEBIBYTE)).median),
    ]),
  );
}

/** Ours against each peer, repeat by repeat: the two of one repeat ran within minutes of each other. */
export function ratioTable(results: readonly ContestantResult[]): string {
  const rows = results
    .filter(({ isOurs }) => isOurs)
    .flatMap((mine) =>
      results
        .filter(({ isOurs }) => !isOurs)
        .map((peer) => [
          `${mine.name} / ${peer.name}`,
          ratioText(ratios(mine, peer, rowsPerSecond)),
          ratioText(ratios(mine, peer, rowsPerClientCpuSecond)),
          ratioText(ratios(mine, peer, serverMicrosPerRow)),
        ]),
    );
  return markdownTable(
    ["ours / peer", "rows/s", "rows per client CPU second", "server CPU per row"],
    rows,
  );
}

function ratios(
  mine: ContestantResult,
  peer: ContestantResult,
  value: (run: Measurement) => number,
): Spread {
  return spread(
    mine.runs.flatMap((run, repeat) => {
      const other = peer.runs[repeat];
      return other === undefined ? [] : [value(run) / value(other)];
    }),
  );
}

/** The settings of each reader, as a list. */
export function settingsList(results: readonly ContestantResult[]): string {
  return results.map(({ name, settings }) => `- ${name}: ${settings}`).join("\n");
}

function cell(runs: readonly Measurement[], value: (run: Measurement) => number): string {
  const { median, least, most } = spread(runs.map(value));
  return runs.length < 2
    ? shortNumber(median)
    : `${shortNumber(median)} (${shortNumber(least)}–${shortNumber(most)})`;
}

function ratioText({ median, least, most }: Spread): string {
  return `${median.toFixed(2)} (${least.toFixed(2)}–${most.toFixed(2)})`;
}
