// What the files of the catalog call: typed identity functions. The catalog reports the mistakes of all entries at once.
import { existsSync } from "node:fs";
import { CatalogError, rememberMistakes } from "./errors.ts";
import type { Mistake } from "../contract/mistake.ts";
import type { Catalog, Model, Source, Table } from "./table.ts";
import { asFarAsItGoes, mistakesInCatalog, mistakesInEntry, mistakesInSource } from "./validate.ts";

/**
 * Mistakes in the source are reported by {@link defineCatalog}, together with those of all others, and where the source is
 * used without a catalog.
 */
export function defineSource<const Defined extends Source>(source: Defined): Defined {
  return remembering(source, `source ${source.name}`, mistakesInSource(source));
}

/**
 * Mistakes in the table are reported by {@link defineCatalog}, together with those of all others, and where the table is
 * used without a catalog.
 */
export function defineTable<const Defined extends Table>(table: Defined): Defined {
  return remembering(table, `table ${table.name}`, mistakesInEntry(table, existsSync));
}

/**
 * Mistakes in the model are reported by {@link defineCatalog}, together with those of all others, and where the model is
 * used without a catalog.
 */
export function defineModel<const Defined extends Model>(model: Defined): Defined {
  return remembering(model, `model ${model.name}`, mistakesInEntry(model, existsSync));
}

/** @throws CatalogError that lists every mistake in every entry, and in how they fit together */
export function defineCatalog(catalog: Catalog): Catalog {
  const mistakes = [...mistakesInCatalog(catalog, existsSync)];
  if (mistakes.length > 0) throw new CatalogError(mistakes);
  return catalog;
}

function remembering<Defined extends Source | Table | Model>(
  defined: Defined,
  place: string,
  mistakes: Iterable<Mistake>,
): Defined {
  rememberMistakes(defined, [...asFarAsItGoes(place, mistakes)]);
  return defined;
}
