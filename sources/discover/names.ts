// Names for what a source calls otherwise: lower case, with underscores, and none twice.
import { mistakesInFieldName, mistakesInName } from "../../catalog/names.ts";

const MOST_CHARACTERS = 63;

/** A name that a field of a struct may have: `companyId` becomes `company_id`, `@timestamp` becomes `timestamp`. */
export function fieldName(name: string): string {
  if (mistakesInFieldName(name, "").next().done === true) return name;
  const snake = name
    .normalize("NFKD")
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replaceAll(/([A-Z])([A-Z][a-z])/g, "$1_$2")
    .toLowerCase()
    .replaceAll(/\p{M}/gu, "")
    .replaceAll(/[^a-z0-9]+/g, "_")
    .replaceAll(/^_+|_+$/g, "")
    .slice(0, MOST_CHARACTERS);
  if (snake === "") return "field";
  return /^[a-z]/.test(snake) ? snake : `n_${snake}`.slice(0, MOST_CHARACTERS);
}

/**
 * A name that an entry or a column may have, which must not be a reserved word.
 * @param ending what is added to a reserved word
 */
export function columnName(name: string, ending: string): string {
  const simple = fieldName(name);
  return mistakesInName(simple, "").next().done === true ? simple : `${simple}_${ending}`;
}

/** The name, with a number behind it if it is taken. */
export function unrepeated(name: string, taken: readonly string[]): string {
  if (!taken.includes(name)) return name;
  for (let number = 2; ; number += 1) {
    const next = `${name.slice(0, MOST_CHARACTERS - 1 - String(number).length)}_${number}`;
    if (!taken.includes(next)) return next;
  }
}

/** A name as a variable is called: `page_views` becomes `pageViews`. */
export function variableName(name: string): string {
  return name.replaceAll(/_+(\w)/g, (_, letter: string) => letter.toUpperCase());
}
