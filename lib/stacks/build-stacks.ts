// Puts a catalog into stacks: the core, and catalog stacks of a bounded number of entries each (CloudFormation allows 500 resources).
import type { App } from "aws-cdk-lib";
import type { Catalog } from "../../catalog/schema/table.ts";
import type { Config } from "../config.ts";
import { CatalogStack } from "./catalog-stack.ts";
import { CoreStack } from "./core-stack.ts";

const ENTRIES_A_STACK = 200;

export function buildStacks(app: App, config: Config, catalog: Catalog): CoreStack {
  const prefix = config.deployment.replaceAll("_", "-");
  const core = new CoreStack(app, `${prefix}-core`, { config, catalog });
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
