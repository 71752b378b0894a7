// The CDK app: one core stack and as many catalog stacks as the catalog needs.
import { App, CloudFormationValidatePlugin, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { readConfig } from "./config.ts";
import { loadCatalog } from "./load-catalog.ts";
import { buildStacks } from "./stacks/build-stacks.ts";
import { APP_PROPS, checkTemplates } from "./template-limits.ts";

const app = new App(APP_PROPS);
const config = readConfig(app.node);
const catalog = await loadCatalog(config.catalog);
buildStacks(app, config, catalog);
if (app.node.tryGetContext("nag") === "true") {
  const rules = new CloudFormationValidatePlugin();
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), {
    name: rules.name,
    validate: (templates) => rules.validate(templates),
  });
}
checkTemplates(app.synth(), config.catalogStacks);
