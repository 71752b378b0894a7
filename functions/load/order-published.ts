// In which order what is published is loaded: a pure decision over the definitions.
import type { Definition, ModelDefinition } from "../../catalog/definition.ts";

/** The published tables and models, each after all that it is derived from. */
export function orderPublished(definitions: readonly Definition[]): string[] {
  const byName = new Map(definitions.map((definition) => [definition.name, definition]));
  const ordered = new Set<string>();
  const visit = (definition: Definition, above: readonly string[]): void => {
    // The build rejects a circle; here it must only not turn round for ever.
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
