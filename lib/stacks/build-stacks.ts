// Puts a catalog into stacks: the core, and catalog stacks of a bounded number of entries each (CloudFormation allows 500 resources).
import { Annotations, type App } from "aws-cdk-lib";
import type { Catalog } from "../../catalog/schema/table.ts";
import type { Config } from "../config.ts";
import { checkCatalog, sourcesReadTooLong } from "../deployment/check-catalog.ts";
import { CatalogStack } from "./catalog-stack.ts";
import { CoreStack } from "./core-stack.ts";

const ENTRIES_A_STACK = 200;

/** @throws CatalogError that lists every mistake in how the catalog fits the deployment */
export function buildStacks(app: App, config: Config, catalog: Catalog): CoreStack {
  checkCatalog(config, catalog);
  const prefix = config.deployment.replaceAll("_", "-");
  const core = new CoreStack(app, `${prefix}-core`, { config, catalog });
  for (const warning of sourcesReadTooLong(config, catalog))
    Annotations.of(core).addWarningV2("sluice:source-read-too-long", warning);
  const entries = [...catalog.tables, ...catalog.models];
  for (let first = 0; first < entries.length; first += ENTRIES_A_STACK) {
    const number = first / ENTRIES_A_STACK + 1;
    new CatalogStack(app, `${prefix}-catalog-${number}`, {
      config,
      core,
      entries: entries.slice(first, first + ENTRIES_A_STACK),
    });
  }
  return core;
}
