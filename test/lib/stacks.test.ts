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
import { resolveSource } from "../../catalog/schema/resolve.ts";
import { readConfig } from "../../lib/config.ts";
import { runTimeoutSeconds } from "../../lib/pipeline-definition.ts";
import { buildStacks } from "../../lib/stacks/build-stacks.ts";
import type { CoreStack } from "../../lib/stacks/core-stack.ts";

const reportSchema = z.object({
  pluginReports: z.array(
    z.object({ pluginName: z.string(), conclusion: z.string(), violations: z.array(z.unknown()) }),
  ),
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

function synthesize(context: Record<string, unknown> = {}): { app: App; core: CoreStack } {
  const app = newApp({ "aws:cdk:bundling-stacks": [], ...context });
  const core = buildStacks(app, readConfig(app.node), catalog);
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

  it("ends a run that hangs, so that its alarm can be raised", () => {
    const [machine] = Object.values(template.findResources("AWS::StepFunctions::StateMachine"));
    const text = JSON.stringify(machine);
    const [, seconds] = /\\"TimeoutSeconds\\":(\d+)/.exec(text) ?? [];
    expect(Number(seconds)).toBe(
      runTimeoutSeconds(catalog.sources.map((source) => resolveSource(source, "sluice").budget)),
    );
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

  it("starts the build job with the Iceberg catalog over Glue", () => {
    template.hasResourceProperties("AWS::Glue::Job", {
      GlueVersion: "5.1",
      DefaultArguments: Match.objectLike({ "--datalake-formats": "iceberg" }),
    });
  });
});

const alarmSchema = z.looseObject({
  AlarmActions: z.array(z.unknown()),
  ComparisonOperator: z.string(),
  Dimensions: z.array(z.looseObject({ Name: z.string(), Value: z.unknown() })),
  EvaluationPeriods: z.int(),
  MetricName: z.string(),
  Namespace: z.string(),
  Period: z.int(),
  Statistic: z.string(),
  Threshold: z.number(),
  TreatMissingData: z.string(),
});

function alarmsOf(context: Record<string, unknown>): Map<string, z.output<typeof alarmSchema>> {
  const template = Template.fromStack(synthesize(context).core);
  const found = Object.values(template.findResources("AWS::CloudWatch::Alarm"));
  return new Map(
    found.map(({ Properties }) => {
      const alarm = alarmSchema.parse(Properties);
      return [`${alarm.Namespace} ${alarm.MetricName}`, alarm];
    }),
  );
}

describe("the alarms", () => {
  const ALWAYS = [
    "AWS/Lambda Errors",
    "AWS/States ExecutionsAborted",
    "AWS/States ExecutionsFailed",
    "AWS/States ExecutionsTimedOut",
  ];

  it("all go to the topic, to which the address is subscribed", () => {
    const context = { enabled: true, alarmEmail: "oncall@example.com" };
    const template = Template.fromStack(synthesize(context).core);
    const [topic] = Object.keys(template.findResources("AWS::SNS::Topic"));
    template.hasResourceProperties("AWS::SNS::Subscription", {
      Protocol: "email",
      Endpoint: "oncall@example.com",
      TopicArn: { Ref: topic },
    });
    const alarms = alarmsOf(context);
    expect([...alarms.keys()].sort()).toEqual([...ALWAYS, "AWS/States ExecutionsSucceeded"].sort());
    for (const alarm of alarms.values()) expect(alarm.AlarmActions).toEqual([{ Ref: topic }]);
  });

  it("tell when Report itself fails", () => {
    const alarm = alarmsOf({}).get("AWS/Lambda Errors");
    expect(alarm).toMatchObject({
      Statistic: "Sum",
      Threshold: 1,
      ComparisonOperator: "GreaterThanOrEqualToThreshold",
      TreatMissingData: "notBreaching",
    });
    expect(JSON.stringify(alarm?.Dimensions)).toMatch(/"FunctionName","Value":\{"Ref":"Report/);
  });

  it.each([
    [{}, 24],
    [{ alarmAfterHours: "168" }, 168],
    [{ alarmAfterHours: 1 }, 1],
  ])("tell when no run succeeded for the hours that %j says", (context, hours) => {
    const alarm = alarmsOf({ enabled: "true", ...context }).get("AWS/States ExecutionsSucceeded");
    expect(alarm).toMatchObject({
      Period: 3600,
      EvaluationPeriods: hours,
      Statistic: "Sum",
      Threshold: 1,
      ComparisonOperator: "LessThanThreshold",
      TreatMissingData: "breaching",
    });
    // Executions of a distributed Map count under `<machine>/<label>`, not under the machine itself.
    expect(alarm?.Dimensions).toEqual([
      { Name: "StateMachineArn", Value: { Ref: expect.stringMatching(/^Pipeline/) as string } },
    ]);
  });

  it.each([{}, { enabled: false }, { enabled: true, schedule: "off" }])(
    "do not expect runs with %j",
    (context) => {
      expect([...alarmsOf(context).keys()].sort()).toEqual(ALWAYS);
    },
  );
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
  it.each([
    [{ deployment: "Bad-Name" }, /deployment = "Bad-Name"/],
    [{ warehouse: "oracle" }, /warehouse = "oracle"/],
    [{ extractTimeoutSeconds: "9000" }, /extractTimeoutSeconds = "9000"/],
    [{ alarmAfterHours: "169" }, /alarmAfterHours = "169".*168/],
    [{ alarmAfterHours: "0" }, /alarmAfterHours = "0"/],
    [{ enabled: "yes" }, /enabled = "yes"/],
  ])("refuses %j with the value and its place", (context, message) => {
    const app = newApp(context);
    expect(() => readConfig(app.node)).toThrow(message);
  });

  it("leaves out the warehouse when told to", () => {
    const { core } = synthesize({ warehouse: "none", schedule: "off" });
    const template = Template.fromStack(core);
    template.resourceCountIs("AWS::RedshiftServerless::Workgroup", 0);
    template.resourceCountIs("AWS::Scheduler::Schedule", 0);
  });
});
