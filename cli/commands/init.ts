// `sluice init FOLDER`: makes a project.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { mistakesInName, repeatedNames } from "../../catalog/names.ts";
import { describeMistake } from "../../contract/mistake.ts";
import { allDeclarations, declarationOf, isSystem } from "../../sources/declarations.ts";
import { readArguments, UsageError } from "../arguments.ts";
import { COMMANDS } from "../commands.ts";
import { projectFiles, projectManifest, type NewSource } from "../new-project.ts";
import { Output } from "../output.ts";

export function init(args: string[]): Promise<number> {
  const { values, positionals } = readArguments({
    args,
    options: COMMANDS.init.options,
    allowPositionals: true,
  });
  const output = new Output({ json: values.json ?? false });
  const [typed, ...more] = positionals;
  if (typed === undefined || more.length > 0)
    throw new UsageError("init must be given one folder: sluice init FOLDER, or . for this one");
  const sources = (values.source ?? []).map(readSource);
  const [twice] = repeatedNames(sources.map(({ name }) => name));
  if (twice !== undefined) throw new UsageError(`--source ${twice} is given twice`);
  const folder = resolve(typed);
  const files = projectFiles(folder, sources);
  const taken = [...files.keys()].filter((path) => existsSync(join(folder, path)));
  if (taken.length > 0) {
    throw new Error(
      `${typed} has ${taken.join(", ")} already, which are left as they are. Nothing was written: give another folder, or move them away.`,
    );
  }
  const manifest = projectManifest(folder);
  for (const [path, text] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text, { flag: "wx" });
  }
  writeFileSync(join(folder, "package.json"), manifest);
  const paths = [...files.keys(), "package.json"].sort();
  output.line(`Made a project in ${typed}: ${paths.join(", ")}`);
  for (const line of nextSteps(typed, sources)) output.line(line);
  output.result({ folder, files: paths });
  return Promise.resolve(0);
}

function readSource(pair: string): NewSource {
  const [name = "", system, ...more] = pair.split("=");
  if (system === undefined || !isSystem(system) || more.length > 0) {
    const forms = allDeclarations().map((one) => `NAME=${one.name}`);
    throw new UsageError(`--source ${JSON.stringify(pair)}: must be ${forms.join(" or ")}`);
  }
  const [mistake] = mistakesInName(name, "--source");
  if (mistake !== undefined) throw new UsageError(describeMistake(mistake));
  return { name, system };
}

function nextSteps(folder: string, sources: readonly NewSource[]): string[] {
  const [source] = sources;
  const steps: (readonly [string, string])[] = [
    ...(resolve(folder) === process.cwd() ? [] : ([[`cd ${folder}`, ""]] as const)),
    ["npm install", ""],
    ["npm test", "types, catalog, names, templates"],
    ...(source === undefined
      ? ([["edit catalog/sources.ts", "your databases; list them in catalog/index.ts"]] as const)
      : []),
    ["npx sluice up", "the whole stack on this machine"],
    [
      `npx sluice discover ${source?.name ?? "SOURCE"} ${source === undefined ? "INDEX" : declarationOf(source.system).placeForm} --write`,
      "propose a table",
    ],
    ["npx sluice run", ""],
    ["edit deployments/dev.json", "your account and region; then"],
    ["npx cdk deploy --all -c deployment=dev", ""],
  ];
  const width = Math.max(...steps.map(([step]) => step.length));
  return ["", "Next:", ...steps.map(([step, why]) => `  ${step.padEnd(width)}  ${why}`.trimEnd())];
}
