// Loads the catalog module that a deployment names, and makes sure that no entry's file was forgotten in the index.
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { checkIndex } from "../catalog/index-check.ts";
import type { Catalog } from "../catalog/table.ts";
import { projectHere } from "./project.ts";

function isCatalog(value: unknown): value is Catalog {
  return (
    typeof value === "object" &&
    value !== null &&
    "sources" in value &&
    "tables" in value &&
    "models" in value
  );
}

/**
 * @param path of the module that exports `catalog`, relative to the project's folder
 * @throws Error if there is no such module, it exports no catalog, or a file beside it is not in the index
 */
export async function loadCatalog(path: string): Promise<Catalog> {
  const { catalog, folder } = await importCatalog(path);
  checkIndex(folder, catalog);
  return catalog;
}

/** The catalog while it is being edited: a file that is not in the index yet is not a mistake. */
export async function importCatalog(path: string): Promise<{ catalog: Catalog; folder: string }> {
  const file = resolve(projectHere().folder, path);
  if (!existsSync(file)) {
    throw new Error(`catalog = ${JSON.stringify(path)}: there is no file ${file}`);
  }
  const module: unknown = await import(pathToFileURL(file).href);
  const catalog =
    typeof module === "object" && module !== null && "catalog" in module
      ? module.catalog
      : undefined;
  if (!isCatalog(catalog)) {
    throw new Error(
      `${path} exports no catalog: end it with \`export const catalog = defineCatalog({ sources, tables, models })\``,
    );
  }
  return { catalog, folder: dirname(file) };
}
