// `sluice bench NAME`: runs `bench/<name>.ts`.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { projectFolder } from "../../local/state.ts";
import { readArguments, UsageError } from "../arguments.ts";
import { COMMANDS } from "../commands.ts";

export function bench(args: string[]): Promise<number> {
  const { values, positionals } = readArguments({
    args,
    options: COMMANDS.bench.options,
    allowPositionals: true,
  });
  const [name] = positionals;
  const folder = join(projectFolder, "bench");
  const known = readdirSync(folder)
    .filter((file) => file.endsWith(".ts"))
    .map((file) => file.replace(/\.ts$/, ""));
  if (name === undefined || !known.includes(name) || !existsSync(join(folder, `${name}.ts`))) {
    throw new UsageError(
      `bench ${name === undefined ? "wants a name" : `${JSON.stringify(name)}: there is no such benchmark`}; there are ${known.join(", ")}`,
    );
  }
  const child = spawnSync(
    process.execPath,
    [join(folder, `${name}.ts`), ...(values.json === true ? ["--json"] : [])],
    { stdio: "inherit", cwd: projectFolder },
  );
  return Promise.resolve(child.status ?? 1);
}
