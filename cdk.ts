// What a CDK app, of a project or of its own, imports: `import { Sluice } from "sluice/cdk"`.
export { CatalogError } from "./catalog/errors.ts";
export type { ExistingWarehouse } from "./lib/constructs/warehouse.ts";
export { DeploymentError } from "./lib/deployment/errors.ts";
export { namedDeployment } from "./lib/deployment/named.ts";
export { deploymentNames } from "./lib/deployment/read.ts";
export { loadCatalog } from "./lib/load-catalog.ts";
export type { SluiceProps } from "./lib/sluice-props.ts";
export { Sluice } from "./lib/sluice.ts";
export { buildStacks } from "./lib/stacks/build-stacks.ts";
export { runApp, synthesize } from "./lib/synthesize.ts";
export { checkTemplates, TemplateError } from "./lib/template-limits.ts";
