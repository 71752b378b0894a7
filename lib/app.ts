// The CDK app: one core stack and as many catalog stacks as the catalog needs, for the deployment that is named.
import { App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { CatalogError } from "../catalog/schema/errors.ts";
import { DeploymentError } from "./deployment/errors.ts";
import { namedDeployment } from "./deployment/named.ts";
import { loadCatalog } from "./load-catalog.ts";
import { buildStacks } from "./stacks/build-stacks.ts";

try {
  const app = new App();
  const config = namedDeployment(app.node);
  buildStacks(app, config, await loadCatalog(config.catalog));
  if (app.node.tryGetContext("nag") === "true") {
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  }
  app.synth();
} catch (error) {
  if (!(error instanceof DeploymentError || error instanceof CatalogError)) throw error;
  // What a person wrote is wrong: where Sluice found it does not help.
  console.error(error.message);
  process.exitCode = 1;
}
