// Who is measured: the extractor and the tools that people use in its place, each as a command that writes files.
import { fileURLToPath } from "node:url";
import type { Invocation } from "../../local/servers/unprivileged.ts";
import type { Report } from "../../local/toolchain/cache.ts";
import { unthrottled } from "../extractor/budgets.ts";
import type { ExtractorSettings } from "../extractor/settings.ts";
import type { OutputForm } from "../measure/count-rows.ts";
import { ensureCqlsh } from "./cqlsh.ts";
import { ensureDsbulk } from "./dsbulk.ts";
import { ensureElasticdump } from "./elasticdump.ts";
import type { LiveSource } from "../sources/live-source.ts";
import type { System } from "../sources/table.ts";

/** One way to read the whole table of a source into files. */
export interface Contestant {
  readonly name: string;
  readonly isOurs: boolean;
  /** Its settings, for whoever reads the results. */
  readonly settings: string;
  readonly form: OutputForm;
  /** It takes part in the first repeats only, because it is slow. */
  readonly mostRepeats?: number;
  /** The processes that read the table together into the folder, which exists. */
  readonly commands: (source: LiveSource, folder: string) => Invocation[];
}

/** The extractor's program as it is written; what is deployed is bundled from it. */
export const EXTRACTOR_SOURCE = fileURLToPath(new URL("../extractor/process.ts", import.meta.url));
// As the Lambda has it, whose memory is 512 MB.
const HEAP_MEGABYTES = 512;

const oursForm: OutputForm = { kind: "lines", headerRows: 0, files: /\.ndjson\.gz$/ };

/** The command of one lane of the extractor. */
export function extractorCommand(
  program: string,
  settings: ExtractorSettings,
  nodeArguments: readonly string[] = [],
): Invocation {
  return {
    program: process.execPath,
    args: [
      `--max-old-space-size=${HEAP_MEGABYTES}`,
      ...nodeArguments,
      program,
      JSON.stringify(settings),
    ],
  };
}

/** The extractor with no budget to hold it, in so many lanes. */
export function ours(
  program: string,
  lanes: number,
  nodeArguments: readonly string[] = [],
): Contestant {
  return {
    name: lanes === 1 ? "Sluice" : `Sluice, ${lanes} lanes`,
    isOurs: true,
    settings: `${lanes} process${lanes === 1 ? "" : "es"}, duty cycle 1, no caps, pages of 5,000, gzip level 1`,
    form: oursForm,
    commands: (source, folder) =>
      Array.from({ length: lanes }, (_, lane) =>
        extractorCommand(
          program,
          {
            ...{ system: source.system, secretText: source.secretText },
            ...{
              budget: unthrottled(source.system, lanes),
              lane,
              lanes,
              plannedAt: Math.floor(Date.now() / 60_000) * 60_000,
            },
            ...{ folder, mode: "once" },
          },
          nodeArguments,
        ),
      ),
  };
}

/** Everybody who reads this system, ours first; downloads what is missing. */
export async function contestantsOf(
  system: System,
  program: string,
  report: Report,
): Promise<Contestant[]> {
  if (system === "elasticsearch") {
    const elasticdump = await ensureElasticdump(report);
    return [ours(program, 1), ours(program, 2), elasticdump()];
  }
  const dsbulk = await ensureDsbulk(report);
  const cqlsh = await ensureCqlsh(report);
  return [
    ours(program, 1),
    ours(program, 2),
    dsbulk({ connector: "json" }),
    dsbulk({ connector: "csv" }),
    cqlsh(),
  ];
}
