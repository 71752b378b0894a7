// The command line of the benchmarks.
import { parseArgs } from "node:util";
import { SYSTEMS, type System } from "../sources/table.ts";

/** What may be measured beside the idle source, the control and the default budget. */
const FURTHER_READERS = ["ours", "peer", "held"] as const;
export type FurtherReader = (typeof FURTHER_READERS)[number];

export interface BenchArguments {
  readonly json: boolean;
  readonly profile: boolean;
  readonly systems: readonly System[];
  readonly rows: number | null;
  readonly repeats: number | null;
  readonly minutes: number | null;
  readonly requests: number | null;
  readonly windowSeconds: number | null;
  readonly further: readonly FurtherReader[];
}

/** @throws Error that says what is wrong */
export function readBenchArguments(args: readonly string[]): BenchArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: "boolean" },
      profile: { type: "boolean" },
      only: { type: "string" },
      rows: { type: "string" },
      repeats: { type: "string" },
      minutes: { type: "string" },
      requests: { type: "string" },
      window: { type: "string" },
      further: { type: "string" },
    },
  });
  const only = SYSTEMS.find((system) => system === values.only);
  if (values.only !== undefined && only === undefined)
    throw new Error(`--only ${JSON.stringify(values.only)}: write one of ${SYSTEMS.join(", ")}`);
  return {
    json: values.json ?? false,
    profile: values.profile ?? false,
    systems: only === undefined ? SYSTEMS : [only],
    rows: numberOf("rows", values.rows, 1),
    repeats: numberOf("repeats", values.repeats, 1),
    minutes: numberOf("minutes", values.minutes, 0.01),
    requests: numberOf("requests", values.requests, 1),
    windowSeconds: numberOf("window", values.window, 0.1),
    further: furtherOf(values.further),
  };
}

function furtherOf(text: string | undefined): readonly FurtherReader[] {
  if (text === undefined) return FURTHER_READERS;
  if (text === "none") return [];
  return text.split(",").map((name) => {
    const found = FURTHER_READERS.find((reader) => reader === name);
    if (found !== undefined) return found;
    throw new Error(
      `--further ${JSON.stringify(text)}: write none, or some of ${FURTHER_READERS.join(",")}`,
    );
  });
}

function numberOf(name: string, text: string | undefined, least: number): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (Number.isFinite(value) && value >= least) return value;
  throw new Error(`--${name} ${JSON.stringify(text)}: write a number from ${least}`);
}
