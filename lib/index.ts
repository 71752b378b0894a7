// What a CDK app, of a project or of its own, imports: `import { Sluice } from "sluice/cdk"`.
export { CatalogError } from "../catalog/errors.ts";
export type { ExistingWarehouse } from "./constructs/warehouse.ts";
export { DeploymentError } from "./deployment/errors.ts";
export { namedDeployment } from "./deployment/named.ts";
export { deploymentNames } from "./deployment/read.ts";
export { loadCatalog } from "./load-catalog.ts";
export type { SluiceProps } from "./sluice-props.ts";
export { Sluice } from "./sluice.ts";
export { buildStacks } from "./stacks/build-stacks.ts";
export { runApp, synthesize } from "./synthesize.ts";
export { checkTemplates, TemplateError } from "./template-limits.ts";
