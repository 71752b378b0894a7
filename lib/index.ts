// What a project's CDK app and its tests import: `import { runApp } from "sluice/cdk"`.
export { deploymentNames } from "./deployment/read.ts";
export { namedDeployment } from "./deployment/named.ts";
export { loadCatalog } from "./load-catalog.ts";
export { buildStacks } from "./stacks/build-stacks.ts";
export { runApp, synthesize } from "./synthesize.ts";
