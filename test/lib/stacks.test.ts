// The synthesized stacks: cdk-nag's rules, the limits of CloudFormation, and what must never change by accident.
import { App, Validations } from "aws-cdk-lib";
import { Match, Template } from "aws-cdk-lib/assertions";
import { AwsSolutionsChecks } from "cdk-nag";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { catalog } from "../../catalog/index.ts";
import { buildStacks } from "../../lib/stacks/build-stacks.ts";
import type { CoreStack } from "../../lib/stacks/core-stack.ts";
import { RIGHT, testConfig } from "./deployment-fixture.ts";

const reportSchema = z.object({
  pluginReports: z.array(
    z.object({ pluginName: z.string(), conclusion: z.string(), violations: z.array(z.unknown()) }),
  ),
});

const policySchema = z.object({
  Properties: z.object({
    PolicyDocument: z.object({
      Statement: z.array(z.object({ Action: z.unknown(), Resource: z.unknown() })),
    }),
  }),
});

const outputs = mkdtempSync(join(tmpdir(), "sluice-synth-"));
let apps = 0;
afterAll(() => {
  rmSync(outputs, { recursive: true, force: true });
});

function newApp(context: Record<string, unknown>): App {
  apps += 1;
  return new App({ context, outdir: join(outputs, String(apps)) });
}

function synthesize(choices: Record<string, unknown> = {}): { app: App; core: CoreStack } {
  const app = newApp({ "aws:cdk:bundling-stacks": [] });
  const core = buildStacks(app, testConfig(choices), catalog);
  return { app, core };
}

describe("the core stack", () => {
  let core: CoreStack;
  let template: Template;
  beforeAll(() => {
    ({ core } = synthesize());
    template = Template.fromStack(core);
  });

  it("stays far below CloudFormation's 500 resources", () => {
    expect(Object.keys(template.toJSON().Resources as object).length).toBeLessThan(150);
  });

  it("keeps data when the stack is deleted", () => {
    template.allResources("AWS::S3::Bucket", { DeletionPolicy: "Retain" });
    template.allResources("AWS::DynamoDB::Table", { DeletionPolicy: "Retain" });
  });

  it("has no password in it", () => {
    const text = JSON.stringify(template.toJSON());
    expect(text).toContain("{{resolve:secretsmanager:");
    expect(text).not.toMatch(/"(AdminUserPassword|Password)":"[^{]/);
  });

  it("gives each function its own role", () => {
    const functions = Object.values(template.findResources("AWS::Lambda::Function"));
    const roles = functions.map((fn) => JSON.stringify((fn.Properties as { Role: unknown }).Role));
    expect(new Set(roles).size).toBe(functions.length);
  });

  it("tells job and decision the same hash of the build's code", () => {
    const [job] = Object.values(template.findResources("AWS::Glue::Job"));
    const { DefaultArguments } = z
      .object({ DefaultArguments: z.looseObject({ "--job-version": z.string().length(64) }) })
      .parse(job?.Properties);
    template.hasResourceProperties("AWS::Lambda::Function", {
      Environment: {
        Variables: Match.objectLike({ SLUICE_BUILD_VERSION: DefaultArguments["--job-version"] }),
      },
    });
  });

  it("starts the build job with the Iceberg catalog over Glue", () => {
    template.hasResourceProperties("AWS::Glue::Job", {
      GlueVersion: "5.1",
      DefaultArguments: Match.objectLike({ "--datalake-formats": "iceberg" }),
    });
  });

  it("has the build job log into groups of its own, which are kept for a while, and nowhere else", () => {
    template.hasResourceProperties("AWS::Glue::Job", {
      DefaultArguments: Match.objectLike({ "--custom-logGroup-prefix": "/sluice/sluice/build" }),
    });
    const groups = ["output", "error"].map((name) => `/sluice/sluice/build/${name}`);
    for (const LogGroupName of groups) {
      template.hasResourceProperties("AWS::Logs::LogGroup", { LogGroupName, RetentionInDays: 90 });
    }
    const statements = Object.entries(template.findResources("AWS::IAM::Policy"))
      .filter(([id]) => id.startsWith("BuildRole"))
      .flatMap(([, policy]) => policySchema.parse(policy).Properties.PolicyDocument.Statement)
      .filter(({ Action }) => JSON.stringify(Action).includes("logs:"));
    expect(statements).toHaveLength(4);
    const resources = JSON.stringify(statements.map(({ Resource }) => Resource));
    expect(resources).not.toContain("*");
    for (const group of groups) expect(resources).toContain(`:log-group:${group}"`);
    expect(resources.match(/Logs[0-9A-F]{8}","Arn"/g)).toHaveLength(2);
  });
});

describe("cdk-nag", () => {
  it("finds nothing that is not mended or acknowledged with a reason", () => {
    const { app } = synthesize();
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    // A finding fails the synthesis.
    const assembly = app.synth();
    const report = reportSchema.parse(
      JSON.parse(readFileSync(`${assembly.directory}/validation-report.json`, "utf8")),
    );
    const nag = report.pluginReports.find((plugin) => plugin.pluginName === "AwsSolutions");
    expect(nag?.conclusion).toBe("success");
    expect(nag?.violations).toEqual([]);
  });
});

describe("the configuration", () => {
  it("pins account and region in every stack", () => {
    const { app } = synthesize();
    const { stacks } = app.synth();
    expect(stacks.length).toBeGreaterThan(1);
    for (const { environment } of stacks)
      expect(environment).toMatchObject({ account: RIGHT.account, region: RIGHT.region });
  });

  it.each([
    [true, "ENABLED"],
    [false, "DISABLED"],
  ])("enabled: %s makes the schedule %s", (enabled, state) => {
    const { core } = synthesize({ enabled });
    const schedules = Template.fromStack(core).findResources("AWS::Scheduler::Schedule");
    expect(Object.keys(schedules)).toHaveLength(1);
    for (const { Properties } of Object.values(schedules) as { Properties: { State: string } }[])
      expect(Properties.State).toBe(state);
  });

  it("leaves out the warehouse when told to", () => {
    const { core } = synthesize({ warehouse: "none", schedule: "off" });
    const template = Template.fromStack(core);
    template.resourceCountIs("AWS::RedshiftServerless::Workgroup", 0);
    template.resourceCountIs("AWS::Scheduler::Schedule", 0);
  });
});
