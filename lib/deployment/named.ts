// Which deployment the command line of CDK names.
import type { Node } from "constructs";
import { configSchema, type Config } from "../config.ts";
import { DeploymentError } from "./errors.ts";
import { readDeployment } from "./read.ts";

/**
 * The deployment that `-c deployment=NAME` names.
 *
 * @throws DeploymentError if none is named, its file has mistakes, or a choice is given beside its file, where it would
 *   be forgotten the next time
 */
export function namedDeployment(node: Node): Config {
  const beside = Object.keys(configSchema.shape).filter(
    (name) => node.tryGetContext(name) !== undefined,
  );
  if (beside.length > 0) {
    throw new DeploymentError(
      beside.map((name) => ({
        place: `the context value ${name}`,
        problem: `${JSON.stringify(node.tryGetContext(name))} is given beside the deployment's file`,
        fix: `write ${JSON.stringify(name)} into the file, and leave -c ${name}=… out (and out of cdk.json)`,
      })),
    );
  }
  const named: unknown = node.tryGetContext("deployment");
  return readDeployment(typeof named === "string" ? named : undefined);
}
