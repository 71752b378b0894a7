// Makes sure that no file in catalog/tables and catalog/models was forgotten in the index.
import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { CatalogError } from "./errors.ts";
import type { Mistake } from "../contract/mistake.ts";
import type { Catalog } from "./table.ts";

/**
 * A file is called as its entry, so a file without an entry of its name was forgotten.
 *
 * @param catalogFolder the folder that holds `tables`, `models` and the index
 * @throws CatalogError that names each file, and the line to add
 */
export function checkIndex(catalogFolder: string, catalog: Catalog): void {
  const tables = new Set(catalog.tables.map((table) => table.name));
  const models = new Set(catalog.models.map((model) => model.name));
  const scripts = new Set(catalog.models.map((model) => fileURLToPath(model.script)));
  const mistakes = [
    ...forgotten(catalogFolder, "tables", tables),
    ...forgotten(catalogFolder, "models", models),
    ...unusedScripts(join(catalogFolder, "models"), scripts),
  ];
  if (mistakes.length > 0) throw new CatalogError(mistakes);
}

function* forgotten(
  catalogFolder: string,
  kind: "tables" | "models",
  listed: ReadonlySet<string>,
): Generator<Mistake> {
  for (const file of filesIn(join(catalogFolder, kind))) {
    if (extname(file) !== ".ts") continue;
    const name = basename(file, ".ts");
    if (listed.has(name)) continue;
    const variable = name.replaceAll(/[_-]+(\w)/g, (_, letter: string) => letter.toUpperCase());
    yield {
      place: `${basename(catalogFolder)}/${kind}/${file}`,
      problem: `no ${kind === "tables" ? "table" : "model"} called ${name} is in the index`,
      fix: `in ${basename(catalogFolder)}/index.ts add \`import { ${variable} } from "./${kind}/${file}";\`, and ${variable} to ${kind}; a file is called as its entry`,
    };
  }
}

function* unusedScripts(folder: string, scripts: ReadonlySet<string>): Generator<Mistake> {
  for (const file of filesIn(folder)) {
    if (![".sql", ".py"].includes(extname(file)) || scripts.has(join(folder, file))) continue;
    yield {
      place: `${basename(dirname(folder))}/models/${file}`,
      problem: "no model in the index has this script",
      fix: `name it in a model: script: new URL("${file}", import.meta.url); or remove it`,
    };
  }
}

function filesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}
