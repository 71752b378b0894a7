// The CDK app: one core stack and as many catalog stacks as the catalog needs.
import { App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { readConfig } from "./config.ts";
import { loadCatalog } from "./load-catalog.ts";
import { buildStacks } from "./stacks/build-stacks.ts";

const app = new App();
const config = readConfig(app.node);
const catalog = await loadCatalog(config.catalog);
buildStacks(app, config, catalog);
if (app.node.tryGetContext("nag") === "true") {
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
}
app.synth();
