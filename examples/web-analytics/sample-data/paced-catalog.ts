// The example's catalog in another folder, with another load budget: for tests and measurements that need another pace.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { LoadBudget } from "../../../catalog/table.ts";
import { linkEngine } from "../../../local/link-engine.ts";

const EXAMPLE = fileURLToPath(new URL("../catalog", import.meta.url));
const BUDGET = /const demoBudget = \{[^}]*\} as const;/;

/**
 * Writes the catalog's files into a new folder.
 *
 * @returns the path of its index, for the choice `catalog`
 * @throws Error if sources.ts has no `demoBudget` to replace
 */
export function writePacedCatalog(folder: string, budget: LoadBudget): string {
  mkdirSync(folder, { recursive: true });
  linkEngine(folder);
  for (const name of ["index.ts", "sources.ts", "tables", "models"]) {
    cpSync(join(EXAMPLE, name), join(folder, name), { recursive: true });
  }
  const sources = join(folder, "sources.ts");
  const text = readFileSync(sources, "utf8");
  if (!BUDGET.test(text)) throw new Error("sources.ts has no demoBudget to replace");
  writeFileSync(
    sources,
    text.replace(BUDGET, `const demoBudget = ${JSON.stringify(budget)} as const;`),
  );
  return join(folder, "index.ts");
}
