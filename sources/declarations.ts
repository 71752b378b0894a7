// The source systems that there are, as the catalog and the command line know them: a line each.
import { SourceConfigurationError } from "../contract/errors.ts";
import { cassandra } from "./cassandra/declaration.ts";
import type { SourceDeclaration } from "./declaration.ts";
import { elasticsearch } from "./elasticsearch/declaration.ts";

const BUILT_IN = { elasticsearch, cassandra };
type BuiltIn = typeof BUILT_IN;

/** The systems by name. A module that registers another one adds it to the catalog's types by declaration merging. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- a type alias can't be merged with
export interface SourceSystems extends BuiltIn {}

/** What `system` of a source may say. */
export type SourceSystem = keyof SourceSystems;

const declarations = new Map<string, SourceDeclaration>(
  Object.values(BUILT_IN).map((declaration) => [declaration.name, declaration]),
);

/** Makes a system known to the catalog and the command line; its client is registered with `sources/clients.ts`. */
export function registerDeclaration(declaration: SourceDeclaration): void {
  declarations.set(declaration.name, declaration);
}

/** All systems, in the order in which they were registered. */
export function allDeclarations(): readonly SourceDeclaration[] {
  return [...declarations.values()];
}

export function isSystem(name: string): name is SourceSystem {
  return declarations.has(name);
}

/** @throws SourceConfigurationError if there is no such system */
export function declarationOf(system: string): SourceDeclaration {
  const declaration = declarations.get(system);
  if (declaration !== undefined) return declaration;
  throw new SourceConfigurationError(
    `There is no source system ${JSON.stringify(system)}. Declare one of ${[...declarations.keys()].join(", ")} in the source.`,
  );
}
