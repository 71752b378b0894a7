// What a project's CDK app and its tests import: `import { runApp } from "sluice/cdk"`.
export { deploymentNames } from "./lib/deployment/read.ts";
export { namedDeployment } from "./lib/deployment/named.ts";
export { loadCatalog } from "./lib/load-catalog.ts";
export { buildStacks } from "./lib/stacks/build-stacks.ts";
export { runApp, synthesize } from "./lib/synthesize.ts";
