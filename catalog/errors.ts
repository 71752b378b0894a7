// The error of a catalog with mistakes, and the mistakes of entries that are not reported yet.
import { describeMistake, type Mistake } from "../contract/mistake.ts";

/** The catalog, or what the Data Catalog holds of it, is wrong. Never retried. */
export class CatalogError extends Error {
  override readonly name = "CatalogError";
  readonly mistakes: readonly Mistake[];

  /** @param mistakes at least one; all of them are in the message, a line each */
  constructor(mistakes: readonly Mistake[]) {
    super(mistakes.map(describeMistake).join("\n"));
    this.mistakes = mistakes;
  }
}

const remembered = new WeakMap<object, readonly Mistake[]>();

/** Keeps the mistakes of an entry until a catalog, or whoever uses the entry alone, reports them. */
export function rememberMistakes(entry: object, mistakes: readonly Mistake[]): void {
  if (mistakes.length > 0) remembered.set(entry, mistakes);
}

/** @throws CatalogError if the entry was defined with mistakes */
export function rejectMistaken(entry: object): void {
  const mistakes = remembered.get(entry);
  if (mistakes !== undefined) throw new CatalogError(mistakes);
}
