// `sluice run [tables…]`: one run of the pipeline, here or in AWS.
import { allDeclarations } from "../../sources/declarations.ts";
import { readArguments, UsageError } from "../arguments.ts";
import { COMMANDS } from "../commands.ts";
import { connect, type Connection } from "../connection.ts";
import { withLocalStack } from "../local-stack.ts";
import { logTails } from "../log-tails.ts";
import { Output } from "../output.ts";
import { runPipeline } from "../pipeline.ts";
import { summarizeRun } from "../run-summary.ts";

/** Runs once and reports the outcome; true if it succeeded. */
export async function runOnce(
  connection: Connection,
  tables: readonly string[],
  output: Output,
): Promise<boolean> {
  const finished = await runPipeline(connection, tables, output);
  const succeeded = finished.status === "SUCCEEDED";
  if (finished.record === undefined) {
    output.line(`${finished.run}: ${finished.status}: ${finished.cause ?? "it left no record"}`);
  } else {
    for (const line of summarizeRun(finished.record)) output.line(line);
  }
  if (!succeeded && connection.local !== undefined) {
    const { logFolder } = connection.local;
    const steps = finished.record?.failed.map((failure) => failure.step) ?? [];
    for (const line of logTails(logFolder, steps)) output.line(line);
    output.line(`Logs of every part: ${logFolder}`);
  }
  output.result({
    run: finished.run,
    status: finished.status,
    seconds: finished.seconds,
    cause: finished.cause ?? null,
    record: finished.record ?? null,
  });
  return succeeded;
}

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = readArguments({
    args,
    options: COMMANDS.run.options,
    allowPositionals: true,
  });
  const output = new Output({ json: values.json ?? false });
  const given: Readonly<Record<string, unknown>> = values;
  if (values.deployed !== undefined) {
    for (const name of [...allDeclarations().map((one) => one.name), "set"]) {
      if (given[name] === undefined) continue;
      throw new UsageError(
        `--${name} is for the stack on this machine: leave it out with --deployed ${values.deployed}, because a deployment's sources and choices are in its secrets and its file`,
      );
    }
    const connection = await connect({ deployed: values.deployed });
    return (await runOnce(connection, positionals, output)) ? 0 : 1;
  }
  return withLocalStack(values, output, async (stack) => {
    const connection = await connect({ local: stack });
    return (await runOnce(connection, positionals, output)) ? 0 : 1;
  });
}
