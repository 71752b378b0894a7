// Which tables a run reads, and in which order what is published is loaded: pure decisions over the definitions.
import type { Definition, ModelDefinition, TableDefinition } from "../../catalog/definition.ts";
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

/** The published tables and models, each after all that it is derived from. */
export function orderPublished(definitions: readonly Definition[]): string[] {
  const byName = new Map(definitions.map((definition) => [definition.name, definition]));
  const ordered = new Set<string>();
  const visit = (definition: Definition, above: readonly string[]): void => {
    // A circle is the build's to refuse; here it must only not turn round for ever.
    if (ordered.has(definition.name) || above.includes(definition.name)) return;
    for (const input of inputsOf(definition)) {
      const upstream = byName.get(input);
      if (upstream !== undefined) visit(upstream, [...above, definition.name]);
    }
    ordered.add(definition.name);
  };
  for (const definition of definitions) visit(definition, []);
  return [...ordered].filter((name) => byName.get(name)?.publish !== null);
}

function inputsOf(definition: Definition): ModelDefinition["inputs"] {
  return definition.kind === "model" ? definition.inputs : [];
}
