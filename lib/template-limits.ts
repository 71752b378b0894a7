// Rejects, before anything is deployed, templates that CloudFormation would reject.
import type { cx_api } from "aws-cdk-lib";
import { statSync } from "node:fs";
import { z } from "zod";
import { MAX_CATALOG_STACKS } from "../catalog/placement.ts";

/**
 * "Template body size in an Amazon S3 object: 1 MB" (CloudFormation user guide, quotas), which does not say which of the
 * two megabytes: CDK warns at the smaller one.
 */
export const MAX_TEMPLATE_BYTES = 1_000_000;

/** "Resources: maximum number that you can declare in your template: 500" (the same page). */
export const MAX_RESOURCES = 500;

/**
 * What an app is made with, so that this check reports too many resources: CDK's does not say what to do.
 * CDK's rules for templates, which only warn, take longer than all the rest for a large catalog; the app adds them where
 * it adds cdk-nag.
 */
export const APP_PROPS = {
  context: { "@aws-cdk/core:stackResourceLimit": 0 },
  builtinCloudFormationValidation: false,
} as const;

/** Templates that CloudFormation would reject. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
}

const templateSchema = z.object({ Resources: z.record(z.string(), z.unknown()).default({}) });

/** What a catalog stack's template says of their number: see `encodeStamp`. */
const stampSchema = z.object({
  Stamp: z.object({
    Properties: z.object({
      TableInput: z.object({
        Parameters: z.object({ "sluice.stacks": z.coerce.number() }),
      }),
    }),
  }),
});

/**
 * Measures each template as it was written, those of stages too.
 * @throws TemplateError naming each stack above a limit, its size, the limit and what to do
 */
export function checkTemplates(assembly: cx_api.CloudAssembly): void {
  const mistakes: string[] = [];
  for (const stack of assembly.stacksRecursively) {
    const { size } = statSync(stack.templateFullPath);
    const { Resources: resources } = templateSchema.parse(stack.template);
    const count = Object.keys(resources).length;
    const over = [
      ...(size > MAX_TEMPLATE_BYTES
        ? [
            `has ${thousands(size)} bytes, and CloudFormation takes ${thousands(MAX_TEMPLATE_BYTES)}`,
          ]
        : []),
      ...(count > MAX_RESOURCES
        ? [`has ${count} resources, and CloudFormation takes ${MAX_RESOURCES}`]
        : []),
    ];
    if (over.length === 0) continue;
    const times = Math.max(size / MAX_TEMPLATE_BYTES, count / MAX_RESOURCES);
    mistakes.push(
      `  the template of ${stack.stackName} ${over.join("; it ")}. ${fix(resources, times)}`,
    );
  }
  if (mistakes.length === 0) return;
  throw new TemplateError(`The stacks are too large to be deployed:\n${mistakes.join("\n")}`);
}

/** @param times how often the template would have to be divided */
function fix(resources: Readonly<Record<string, unknown>>, times: number): string {
  const stamp = stampSchema.safeParse(resources).data?.Stamp;
  if (stamp === undefined) {
    return "Put what is not Sluice's into another stack, or divide the catalog's sources into two deployments.";
  }
  const catalogStacks = stamp.Properties.TableInput.Parameters["sluice.stacks"];
  const bytes = Object.entries(resources).map(([id, resource]): [string, number] => [
    id,
    Buffer.byteLength(JSON.stringify(resource)),
  ]);
  const [largest, size] = bytes.reduce((a, b) => (b[1] > a[1] ? b : a), ["", 0]);
  if (size > MAX_TEMPLATE_BYTES / 2) {
    return `Its largest resource, ${largest}, has ${thousands(size)} of them: declare fewer columns in it, or shorter descriptions.`;
  }
  const enough = catalogStacks * 2 ** Math.ceil(Math.log2(times));
  return enough > MAX_CATALOG_STACKS
    ? "Divide the catalog into two deployments."
    : `Raise catalogStacks in the deployment's configuration from ${catalogStacks} to ${enough}.`;
}

function thousands(count: number): string {
  return count.toLocaleString("en-US");
}
