// The example's catalog in another folder, with another load budget: for tests and measurements that need another pace.
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LoadBudget } from "../../../catalog/table.ts";
import { projectFolder } from "../../../local/state.ts";

const BUDGET = /const demoBudget = \{[^}]*\} as const;/;

/**
 * Writes the catalog's files into a new folder.
 *
 * @returns the path of its index, for the choice `catalog`
 * @throws Error if catalog/sources.ts has no `demoBudget` to replace
 */
export function writePacedCatalog(folder: string, budget: LoadBudget): string {
  mkdirSync(folder, { recursive: true });
  // A link, so that imports from the schema find the project's packages.
  symlinkSync(join(projectFolder, "catalog"), join(folder, "schema"));
  for (const name of ["index.ts", "sources.ts", "tables", "models"]) {
    cpSync(join(projectFolder, "catalog", name), join(folder, name), { recursive: true });
  }
  const sources = join(folder, "sources.ts");
  const text = readFileSync(sources, "utf8");
  if (!BUDGET.test(text)) throw new Error("catalog/sources.ts has no demoBudget to replace");
  writeFileSync(
    sources,
    text.replace(BUDGET, `const demoBudget = ${JSON.stringify(budget)} as const;`),
  );
  return join(folder, "index.ts");
}
