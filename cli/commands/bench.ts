// `sluice bench NAME`: runs `bench/<name>.ts`.
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { ENGINE_FOLDER } from "../../local/state.ts";
import { readArguments, UsageError } from "../arguments.ts";
import { REPOSITORY_COMMANDS } from "../commands.ts";

export function bench(args: string[]): Promise<number> {
  const { values, positionals } = readArguments({
    args,
    options: REPOSITORY_COMMANDS.bench.options,
    allowPositionals: true,
  });
  const [name] = positionals;
  const folder = join(ENGINE_FOLDER, "bench");
  const known = readdirSync(folder)
    .filter((file) => file.endsWith(".ts"))
    .map((file) => file.replace(/\.ts$/, ""));
  if (name === undefined || !known.includes(name)) {
    throw new UsageError(
      `bench ${name === undefined ? "needs a name" : `${JSON.stringify(name)}: there is no such benchmark`}; there are ${known.join(", ")}`,
    );
  }
  const options = Object.entries(values).map(([option, value]) =>
    value === true ? `--${option}` : `--${option}=${String(value)}`,
  );
  return runToItsEnd(join(folder, `${name}.ts`), options);
}

/** Waits for the benchmark also when it is interrupted: it has servers to stop first. */
function runToItsEnd(program: string, options: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [program, ...options], {
    stdio: "inherit",
    cwd: ENGINE_FOLDER,
    env: { SLUICE_JAVA_COMPILER: "full", ...process.env },
  });
  // A terminal has sent it to both already; a second one changes nothing.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}
