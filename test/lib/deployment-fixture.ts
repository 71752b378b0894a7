// A deployment's file for tests, with every choice that must be made.
import { parseConfig, type Config } from "../../lib/config.ts";

export const RIGHT = {
  account: "123456789012",
  region: "eu-central-1",
  catalog: "catalog/index.ts",
  enabled: true,
} as const;

/** What a deployment called `sluice` chooses, with changes. */
export function testConfig(choices: Readonly<Record<string, unknown>> = {}): Config {
  return parseConfig("sluice", { ...RIGHT, ...choices }, "deployments/sluice.json", () => true);
}
