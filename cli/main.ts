// The `sluice` command: finds the command, runs it, and turns its outcome into an exit code.
import { readFileSync } from "node:fs";
import { errorMessage } from "../contract/error-message.ts";
import { UsageError } from "./arguments.ts";
import { commandHelp, COMMANDS, help, isCommand, type CommandName } from "./commands.ts";
import { Interrupted } from "./interruption.ts";

type Run = (args: string[]) => Promise<number>;

/** Each command's module is loaded only when it is asked for: `query` needs no CDK. */
const runs: Record<CommandName, () => Promise<Run>> = {
  up: async () => (await import("./commands/up.ts")).up,
  down: async () => (await import("./commands/down.ts")).down,
  run: async () => (await import("./commands/run.ts")).run,
  status: async () => (await import("./commands/status.ts")).status,
  discover: async () => (await import("./commands/discover.ts")).discover,
  query: async () => (await import("./commands/query.ts")).query,
  demo: async () => (await import("./commands/demo.ts")).demo,
  test: async () => (await import("./commands/test.ts")).test,
  bench: async () => (await import("./commands/bench.ts")).bench,
};

function version(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  const parsed: unknown = JSON.parse(text);
  return typeof parsed === "object" && parsed !== null && "version" in parsed
    ? String(parsed.version)
    : "unknown";
}

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === "--version") {
    console.log(version());
    return 0;
  }
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    console.log(help());
    return name === undefined ? 2 : 0;
  }
  if (!isCommand(name)) {
    throw new UsageError(
      `there is no command ${JSON.stringify(name)}; there are ${Object.keys(COMMANDS).join(", ")}`,
    );
  }
  if (rest.includes("--help") || rest.includes("-h")) {
    console.log(commandHelp(COMMANDS[name]));
    return 0;
  }
  const run = await runs[name]();
  return run(rest);
}

try {
  process.exitCode = await main(process.argv.slice(2));
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
