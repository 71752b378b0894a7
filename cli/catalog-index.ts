// Adds a table to the index of a catalog, where that has the form in which `sluice init` writes it.

const TABLES = /^( *tables: \[)([\w$,\s]*)\]/gm;
const LAST_IMPORT = /(?:^import [^;]*;\n)(?![^]*^import )/m;

/**
 * The index with one table more, or undefined if it is not sure where that belongs: a person then adds it.
 *
 * @param variable what the table's file exports
 * @param importLine which is added after the last import
 */
export function indexWithTable(
  text: string,
  variable: string,
  importLine: string,
): string | undefined {
  const lists = [...text.matchAll(TABLES)];
  const isTaken = new RegExp(`(?<![\\w$])${variable.replaceAll("$", "\\$")}(?![\\w$])`).test(text);
  if (lists.length !== 1 || isTaken || !LAST_IMPORT.test(text)) return undefined;
  return text
    .replace(TABLES, (_, start: string, listed: string) => {
      const before = listed.trim().replace(/,$/, "");
      return `${start}${before === "" ? "" : `${before}, `}${variable}]`;
    })
    .replace(LAST_IMPORT, (line) => `${line}${importLine}\n`);
}
