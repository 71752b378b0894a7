// What the stack on this machine chooses in place of a file in deployments/: the same schema, and the same checks.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { configSchema, parseConfig, type Config } from "../lib/config.ts";
import { DeploymentError } from "../lib/deployment/errors.ts";
import { projectHere } from "../lib/project.ts";
import { LOCAL_ACCOUNT, LOCAL_REGION } from "./state.ts";

/** What the deployment on this machine is called. */
export const LOCAL_DEPLOYMENT = "sluice";

/** Beside the catalog, which the project names; schedules do not fire here. */
const LOCAL_CHOICES = {
  account: LOCAL_ACCOUNT,
  region: LOCAL_REGION,
  enabled: false,
  schedule: "rate(1 hour)",
  warehouse: "redshift-serverless",
} as const;

/** What is the emulator's own. */
const FIXED = ["account", "region"] as const;

/**
 * The content of the file that the deployment on this machine is made from.
 *
 * @param set values by their names, as typed
 */
export function localChoices(set: Readonly<Record<string, string>>): Record<string, unknown> {
  const typed = Object.entries(set).map(([name, text]) => [name, valueOf(name, text)] as const);
  return { ...LOCAL_CHOICES, catalog: projectHere().catalog, ...Object.fromEntries(typed) };
}

/**
 * The configuration of the deployment on this machine.
 *
 * @param set values by their names, as typed
 * @throws DeploymentError that lists every mistake
 */
export function localConfig(set: Readonly<Record<string, string>>): Config {
  const fixed = FIXED.filter((name) => Object.hasOwn(set, name));
  if (fixed.length > 0) {
    throw new DeploymentError(
      fixed.map((name) => ({
        place: `--set ${name}`,
        problem: `${JSON.stringify(set[name])} is given, and on this machine it is ${LOCAL_CHOICES[name]}`,
        fix: "leave it out",
      })),
    );
  }
  return parseConfig(LOCAL_DEPLOYMENT, localChoices(set), "--set", (path) =>
    existsSync(resolve(projectHere().folder, path)),
  );
}

/** A typed text as the value that its field takes: text where that is right, else what it says as JSON. */
function valueOf(name: string, text: string): unknown {
  const fields: Readonly<Record<string, { safeParse(value: unknown): { success: boolean } }>> =
    configSchema.shape;
  if (!Object.hasOwn(fields, name) || fields[name]?.safeParse(text).success === true) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The schema says what is wrong with it.
    return text;
  }
}
