// The CDK app: one core stack and the catalog stacks, for the deployment that is named.
import { App, CloudFormationValidatePlugin, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { CatalogError } from "../catalog/errors.ts";
import { DeploymentError } from "./deployment/errors.ts";
import { namedDeployment } from "./deployment/named.ts";
import { loadCatalog } from "./load-catalog.ts";
import { buildStacks } from "./stacks/build-stacks.ts";
import { APP_PROPS, checkTemplates, TemplateError } from "./template-limits.ts";

try {
  const app = new App(APP_PROPS);
  const config = namedDeployment(app.node);
  buildStacks(app, config, await loadCatalog(config.catalog));
  if (app.node.tryGetContext("nag") === "true") {
    const rules = new CloudFormationValidatePlugin();
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app), {
      name: rules.name,
      validate: (templates) => rules.validate(templates),
    });
  }
  checkTemplates(app.synth());
} catch (error) {
  const isMistake =
    error instanceof DeploymentError ||
    error instanceof CatalogError ||
    error instanceof TemplateError;
  if (!isMistake) throw error;
  // What a person wrote is wrong: where Sluice found it does not help.
  console.error(error.message);
  process.exitCode = 1;
}
