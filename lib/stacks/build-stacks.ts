// Puts a catalog into stacks: the core, and the catalog stacks that the deployment asks for, each entry in its own.
import { Annotations, type App } from "aws-cdk-lib";
import { catalogStackOf, deployedBefore } from "../../catalog/placement.ts";
import type { Catalog, Model, Table } from "../../catalog/table.ts";
import type { Config } from "../config.ts";
import { checkCatalog, sourcesReadTooLong } from "../deployment/check-catalog.ts";
import { hyphened } from "../deployment/service-names.ts";
import { CatalogStack } from "./catalog-stack.ts";
import { CoreStack } from "./core-stack.ts";

/** @throws CatalogError that lists every mistake in how the catalog fits the deployment, and in what Glue takes */
export function buildStacks(app: App, config: Config, catalog: Catalog): CoreStack {
  checkCatalog(config, catalog);
  const core = new CoreStack(app, `${hyphened(config.deployment)}-core`, { config, catalog });
  for (const warning of sourcesReadTooLong(config, catalog))
    Annotations.of(core).addWarningV2("sluice:source-read-too-long", warning);
  for (const stack of buildCatalogStacks(app, config, catalog)) {
    // Roles that read the definitions come first.
    stack.addStackDependency(core);
  }
  return core;
}

/** The stacks of the catalog's entries alone. Throws as `buildStacks` does. */
export function buildCatalogStacks(app: App, config: Config, catalog: Catalog): CatalogStack[] {
  const { catalogStacks } = config;
  const entries: (Table | Model)[][] = Array.from({ length: catalogStacks }, () => []);
  for (const entry of [...catalog.tables, ...catalog.models]) {
    entries[catalogStackOf(entry.name, catalogStacks)]?.push(entry);
  }
  const stacks = entries.map(
    (own, number) =>
      new CatalogStack(app, `${hyphened(config.deployment)}-catalog-${number}`, {
        config,
        number,
        entries: own,
      }),
  );
  for (const [number, stack] of stacks.entries()) {
    for (const before of deployedBefore(number, catalogStacks)) {
      const other = stacks[before];
      if (other !== undefined) stack.addStackDependency(other);
    }
  }
  return stacks;
}
