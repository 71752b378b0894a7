// What the files of the catalog call: typed identity functions that check at once.
import { existsSync } from "node:fs";
import { CatalogError, type Mistake } from "./errors.ts";
import type { Catalog, Model, Source, Table } from "./table.ts";
import { mistakesInCatalog, mistakesInEntry, mistakesInSource } from "./validate.ts";

/** @throws CatalogError that lists every mistake in the source */
export function defineSource<const Defined extends Source>(source: Defined): Defined {
  return checked(source, mistakesInSource(source));
}

/** @throws CatalogError that lists every mistake in the table */
export function defineTable<const Defined extends Table>(table: Defined): Defined {
  return checked(table, mistakesInEntry(table, existsSync));
}

/** @throws CatalogError that lists every mistake in the model */
export function defineModel<const Defined extends Model>(model: Defined): Defined {
  return checked(model, mistakesInEntry(model, existsSync));
}

/** @throws CatalogError that lists every mistake in the catalog */
export function defineCatalog(catalog: Catalog): Catalog {
  return checked(catalog, mistakesInCatalog(catalog, existsSync));
}

function checked<Defined>(defined: Defined, mistakes: Iterable<Mistake>): Defined {
  const found = [...mistakes];
  if (found.length > 0) throw new CatalogError(found);
  return defined;
}
