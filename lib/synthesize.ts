// A CDK app as a whole: one core stack and the catalog stacks, for the deployment that is named.
import { App, CloudFormationValidatePlugin, Validations, type AppProps } from "aws-cdk-lib";
import type { CloudAssembly } from "aws-cdk-lib/cx-api";
import { CatalogError } from "../catalog/errors.ts";
import { DeploymentError } from "./deployment/errors.ts";
import { namedDeployment } from "./deployment/named.ts";
import { loadCatalog } from "./load-catalog.ts";
import { buildStacks } from "./stacks/build-stacks.ts";
import { APP_PROPS, checkTemplates, TemplateError } from "./template-limits.ts";

/**
 * Synthesizes the deployment that the context value `deployment` names, with the catalog that its file names. With the
 * context value `nag` (`-c nag=true`) the rules of cdk-nag are applied, which must be installed for it.
 *
 * @param props of the CDK app, such as `context` and `outdir`
 * @throws DeploymentError, CatalogError or TemplateError, whose message lists every mistake with its place and its fix
 */
export async function synthesize(props: AppProps = {}): Promise<CloudAssembly> {
  const app = new App({
    ...APP_PROPS,
    ...props,
    context: { ...APP_PROPS.context, ...props.context },
  });
  const config = namedDeployment(app.node);
  buildStacks(app, config, await loadCatalog(config.catalog));
  if (app.node.tryGetContext("nag") === "true") {
    const { AwsSolutionsChecks } = await import("cdk-nag");
    const rules = new CloudFormationValidatePlugin();
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app), {
      name: rules.name,
      validate: (templates) => rules.validate(templates),
    });
  }
  const assembly = app.synth();
  checkTemplates(assembly);
  return assembly;
}

/** A whole CDK app: synthesizes, or prints what a person wrote wrongly and has the process exit with 1. */
export async function runApp(): Promise<void> {
  try {
    await synthesize();
  } catch (error) {
    const isMistake =
      error instanceof DeploymentError ||
      error instanceof CatalogError ||
      error instanceof TemplateError;
    if (!isMistake) throw error;
    // Where Sluice found it does not help.
    console.error(error.message);
    process.exitCode = 1;
  }
}
