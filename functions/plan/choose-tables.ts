// Which tables a run reads: a pure decision over the definitions.
import type { Definition, TableDefinition } from "../../catalog/definition.ts";
import type { BrokenDefinition } from "../../stores/data-catalog/read-definitions.ts";

/**
 * The tables that a run was asked for, or all of them.
 * @throws Error that names what is unknown and what is known
 */
export function chooseTables(
  definitions: readonly Definition[],
  broken: readonly BrokenDefinition[],
  requested: readonly string[] | undefined,
): TableDefinition[] {
  const tables = definitions.filter((definition) => definition.kind === "table");
  if (requested === undefined) return tables;
  const known = new Set([...tables.map(({ name }) => name), ...broken.map(({ name }) => name)]);
  const unknown = requested.filter((name) => !known.has(name));
  if (unknown.length > 0) {
    const models = new Set(definitions.filter(({ kind }) => kind === "model").map((m) => m.name));
    const isModel = unknown.every((name) => models.has(name));
    throw new Error(
      `${JSON.stringify(unknown)}: ${isModel ? "models are built in every run and cannot be extracted" : "there is no such table"}. ` +
        `Tables are ${JSON.stringify([...known].sort())}.`,
    );
  }
  return tables.filter(({ name }) => requested.includes(name));
}
