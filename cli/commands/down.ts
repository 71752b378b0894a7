// `sluice down`: ends the stack on this machine.
import { stopStack } from "../../local/control.ts";
import { readArguments } from "../arguments.ts";
import { COMMANDS } from "../commands.ts";
import { Output } from "../output.ts";

export async function down(args: string[]): Promise<number> {
  const { values } = readArguments({ args, options: COMMANDS.down.options });
  const output = new Output({ json: values.json ?? false });
  const ended = await stopStack((line) => {
    output.line(line);
  });
  output.line(ended === 0 ? "nothing was running" : "down");
  output.result({ ended });
  return 0;
}
