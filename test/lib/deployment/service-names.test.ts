// The names of a deployment's parts: the table of services has all of them, and each service's limit is kept.
import { App } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { catalog } from "../../shop/index.ts";
import {
  mistakesInDeploymentName,
  mistakesInSourceNames,
  NAME_RULES,
} from "../../../lib/deployment/service-names.ts";
import { buildStacks } from "../../../lib/stacks/build-stacks.ts";
import { RIGHT, testConfig } from "../deployment-fixture.ts";

const output = mkdtempSync(join(tmpdir(), "sluice-names-"));
afterAll(() => {
  rmSync(output, { recursive: true, force: true });
});

const resourcesSchema = z.record(
  z.string(),
  z.object({ Type: z.string(), Properties: z.record(z.string(), z.unknown()).optional() }),
);

/** Properties that name what they belong to. */
const NAMING =
  /^(Name|\w*(Function|StateMachine|Namespace|Workgroup|Bucket|Table|Role|Policy|LogGroup|Alarm|Topic|Rule|Parameter|Group|Job|Database|Schedule|Snapshot|Queue|Dashboard)Name)$/;
/** References to other resources, and names inside a container that has one. */
const NOT_NAMES = [
  "AWS::Glue::Table",
  "AWS::IAM::Policy",
  "AWS::RedshiftServerless::Workgroup.NamespaceName",
];

function namesIn(stacks: readonly object[]): Map<string, string[]> {
  const names = new Map<string, string[]>();
  const add = (key: string, name: unknown): void => {
    if (typeof name === "string") names.set(key, [...(names.get(key) ?? []), name]);
  };
  for (const stack of stacks) {
    const { Resources } = z.object({ Resources: resourcesSchema }).parse(stack);
    for (const { Type, Properties = {} } of Object.values(Resources)) {
      if (NOT_NAMES.includes(Type)) continue;
      for (const [property, value] of Object.entries(Properties)) {
        if (property === "DatabaseInput") {
          add(`${Type}.DatabaseInput.Name`, z.object({ Name: z.string() }).parse(value).Name);
        } else if (NAMING.test(property) && !NOT_NAMES.includes(`${Type}.${property}`)) {
          add(`${Type}.${property}`, value);
        }
      }
    }
  }
  return names;
}

it("every name that stands in the templates is in the table, made in the same way", () => {
  const app = new App({ context: { "aws:cdk:bundling-stacks": [] }, outdir: output });
  const core = buildStacks(app, testConfig(), catalog);
  const found = namesIn([Template.fromStack(core).toJSON()]);
  const { account, region } = RIGHT;
  const sources = catalog.sources.map(({ name }) => name);
  const named = { deployment: "sluice", sources, account, region };
  const wanted = new Map(
    NAME_RULES.filter(({ type }) => type !== "AWS::CloudFormation::Stack").map((rule) => [
      `${rule.type}.${rule.property}`,
      [...rule.names(named)].sort(),
    ]),
  );
  const sorted = new Map([...found].map(([key, names]) => [key, [...names].sort()]));
  expect(sorted).toEqual(wanted);
});

describe("a deployment's name", () => {
  const problemsIn = (name: string): string[] =>
    [...mistakesInDeploymentName(name, "here")].map(({ problem, fix }) => `${problem} → ${fix}`);

  it.each(["abc", "sluice", "data_2_go", `a${"b".repeat(29)}`])("may be %s", (name) => {
    expect(problemsIn(name)).toEqual([]);
  });

  it.each([
    ["ab", 'namespace would be called "ab", of 2 characters, and AWS takes 3 to 64'],
    [`a${"b".repeat(30)}`, "a bucket would be called"],
    ["user", "a reserved word of Redshift"],
    ["Prod", "rename the file, such as to prod.json"],
    ["sluice-prod", "rename the file, such as to sluice_prod.json"],
    ["2go", "such as to go.json"],
    ["a__b", "single underscores"],
    ["prod_", "such as to prod.json"],
    ["", "such as to production.json"],
  ])("%j is rejected: %s", (name, words) => {
    expect(problemsIn(name).join("\n")).toContain(words);
  });

  it("too long is reported for each service that would reject it", () => {
    const problems = problemsIn("a".repeat(65)).join("\n");
    for (const words of ["namespace", "workgroup", "-extract", "-all"])
      expect(problems).toContain(words);
    expect(problems).not.toContain("state machine");
  });
});

it("a source's name is part of a secret's name, which has a limit", () => {
  const mistakes = (source: string): string[] =>
    [...mistakesInSourceNames({ ...RIGHT, deployment: "sluice", sources: ["fine", source] })].map(
      ({ place, problem }) => `${place}: ${problem}`,
    );
  expect(mistakes("a".repeat(512 - "sluice/source/".length))).toEqual([]);
  expect(mistakes("a".repeat(513 - "sluice/source/".length)).join()).toMatch(
    /^source a+: a secret would be called .* of 513 characters, and AWS takes 1 to 512/,
  );
});
