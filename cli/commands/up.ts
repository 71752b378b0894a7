// `sluice up`: starts the stack on this machine and leaves it running.
import { readArguments } from "../arguments.ts";
import { COMMANDS } from "../commands.ts";
import { startLasting } from "../local-stack.ts";
import { describeStack } from "../describe-stack.ts";
import { connect } from "../connection.ts";
import { Output } from "../output.ts";

export async function up(args: string[]): Promise<number> {
  const { values } = readArguments({ args, options: COMMANDS.up.options });
  const output = new Output({ json: values.json ?? false });
  const stack = await startLasting(values, (line) => {
    output.line(line);
  });
  const connection = await connect({ local: stack });
  output.line();
  for (const line of describeStack(connection, stack)) output.line(line);
  output.result({
    deployment: connection.deployment,
    endpoint: stack.endpoint,
    postgres: stack.postgres,
  });
  return 0;
}
