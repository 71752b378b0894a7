// Finds a command by its name, runs it, and turns its outcome into an exit code.
import { readFileSync } from "node:fs";
import { errorMessage } from "../contract/error-message.ts";
import { UsageError } from "./arguments.ts";
import { commandHelp, help, type CommandHelp } from "./commands.ts";
import { Interrupted } from "./interruption.ts";

type Run = (args: string[]) => Promise<number>;

/** A command: what it takes, and its module, which is loaded only when it is asked for: `query` needs no CDK. */
export interface Command {
  readonly help: CommandHelp;
  readonly load: () => Promise<Run>;
}

type Commands = Readonly<Record<string, Command>>;

function version(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  const parsed: unknown = JSON.parse(text);
  return typeof parsed === "object" && parsed !== null && "version" in parsed
    ? String(parsed.version)
    : "unknown";
}

async function runNamed(args: readonly string[], commands: Commands): Promise<number> {
  const [name, ...rest] = args;
  if (name === "--version") {
    console.log(version());
    return 0;
  }
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    console.log(
      help(Object.fromEntries(Object.entries(commands).map(([key, one]) => [key, one.help]))),
    );
    return name === undefined ? 2 : 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    throw new UsageError(
      `there is no command ${JSON.stringify(name)}; there are ${Object.keys(commands).join(", ")}`,
    );
  }
  if (rest.includes("--help") || rest.includes("-h")) {
    console.log(commandHelp(command.help));
    return 0;
  }
  const run = await command.load();
  return run(rest);
}

/** Runs what the command line names, and ends the process. */
export async function dispatch(commands: Commands): Promise<never> {
  try {
    process.exitCode = await runNamed(process.argv.slice(2), commands);
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`sluice: ${error.message}\nSee \`sluice --help\`.`);
      process.exitCode = 2;
    } else if (error instanceof Interrupted) {
      console.error(`sluice: ${error.message}`);
      process.exitCode = 130;
    } else {
      const debug = process.env.SLUICE_DEBUG !== undefined;
      console.error(
        `sluice: ${debug && error instanceof Error ? (error.stack ?? error.message) : errorMessage(error)}`,
      );
      process.exitCode = 1;
    }
  }
  // Kept-alive connections of AWS clients must not hold the process.
  process.exit();
}
