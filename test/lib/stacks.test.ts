// The synthesized stacks: cdk-nag's rules, the limits of CloudFormation, and what must never change by accident.
import { App, Validations, type Stack } from "aws-cdk-lib";
import { Match, Template } from "aws-cdk-lib/assertions";
import { AwsSolutionsChecks } from "cdk-nag";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { catalog } from "../shop/index.ts";
import { resolveSource } from "../../catalog/resolve.ts";
import { runTimeoutSeconds } from "../../lib/pipeline-definition.ts";
import { buildStacks } from "../../lib/stacks/build-stacks.ts";
import { RIGHT, testConfig } from "./deployment-fixture.ts";
import { SynthesizedTemplate, type TemplateResource } from "./template-policies.ts";

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

function synthesize({ deployment, import: importing, ...choices }: Record<string, unknown> = {}): {
  app: App;
  core: Stack;
} {
  const app = newApp({
    "aws:cdk:bundling-stacks": [],
    ...(importing === undefined ? {} : { import: importing }),
  });
  const config = testConfig(choices);
  const named = typeof deployment === "string" ? { ...config, deployment } : config;
  const core = buildStacks(app, named, catalog);
  return { app, core };
}

describe("the core stack", () => {
  let core: Stack;
  let template: Template;
  beforeAll(() => {
    ({ core } = synthesize());
    template = Template.fromStack(core);
  });

  it("stays far below CloudFormation's 500 resources", () => {
    expect(Object.keys(template.toJSON().Resources as object).length).toBeLessThan(150);
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

  it("gives job and decision the same hash of the build's code", () => {
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
      .filter(([id]) => id.startsWith("SluiceBuildRole"))
      .flatMap(([, policy]) => policySchema.parse(policy).Properties.PolicyDocument.Statement)
      .filter(({ Action }) => JSON.stringify(Action).includes("logs:"));
    expect(statements).toHaveLength(4);
    const resources = JSON.stringify(statements.map(({ Resource }) => Resource));
    expect(resources).not.toContain("*");
    for (const group of groups) expect(resources).toContain(`:log-group:${group}"`);
    expect(resources.match(/Logs[0-9A-F]{8}","Arn"/g)).toHaveLength(2);
  });
});

describe("what outlives the stack", () => {
  const RETAINED = [
    "AWS::DynamoDB::Table sluice-ledger",
    "AWS::Glue::Database sluice_lake",
    `AWS::S3::Bucket sluice-data-${RIGHT.account}-eu-central-1`,
    `AWS::S3::Bucket sluice-logs-${RIGHT.account}-eu-central-1`,
    "AWS::SecretsManager::Secret sluice/source/events",
    "AWS::SecretsManager::Secret sluice/source/search",
    "AWS::SecretsManager::Secret sluice/warehouse",
  ];
  const NAMES = ["TableName", "BucketName", "Name"];
  const synthesized = new Map<string, SynthesizedTemplate>();
  const templateOf = (context: Record<string, unknown> = {}): SynthesizedTemplate => {
    const key = JSON.stringify(context);
    const known =
      synthesized.get(key) ??
      new SynthesizedTemplate(Template.fromStack(synthesize(context).core).toJSON());
    synthesized.set(key, known);
    return known;
  };
  const nameOf = (template: SynthesizedTemplate, { Properties }: TemplateResource): string => {
    const { Name } = z
      .looseObject({ Name: z.unknown().optional() })
      .parse(Properties.DatabaseInput ?? {});
    const given = NAMES.map((name) => Properties[name]).find((name) => name !== undefined);
    return template.text(given ?? Name);
  };
  const retainedOf = (template: SynthesizedTemplate): [string, TemplateResource][] =>
    Object.entries(template.resources).filter(
      ([, { DeletionPolicy }]) => DeletionPolicy !== undefined && DeletionPolicy !== "Delete",
    );
  const namesSchema = z.array(
    z.object({ kind: z.string(), name: z.unknown(), logicalId: z.string(), isData: z.string() }),
  );
  const checkOf = (template: SynthesizedTemplate): [string, TemplateResource] => {
    const [check] = template.ofType("AWS::CloudFormation::CustomResource");
    if (check === undefined) throw new Error("there is no preflight");
    return check;
  };

  it("is the data and the secrets, but not what a failed first deployment made", () => {
    const template = templateOf();
    const found = retainedOf(template);
    expect(
      found.map(([, resource]) => `${resource.Type} ${nameOf(template, resource)}`).sort(),
    ).toEqual(RETAINED);
    for (const [, { DeletionPolicy, UpdateReplacePolicy }] of found) {
      expect(DeletionPolicy).toBe("RetainExceptOnCreate");
      expect(UpdateReplacePolicy).toBe("Retain");
    }
  });

  it("is a snapshot of the warehouse, named anew for each stack", () => {
    const template = templateOf({ deployment: "a_b" });
    const [[, namespace] = ["", undefined]] = template.ofType("AWS::RedshiftServerless::Namespace");
    const name = template.text(namespace?.Properties.FinalSnapshotName);
    expect(name).toMatch(/^a-b-final-0a1b2c3d-/);
    expect(name).toMatch(/^[a-z](-?[a-z0-9])+$/);
    expect(namespace?.Properties.FinalSnapshotRetentionPeriod).toBe(90);
  });

  it("is what the preflight looks for", () => {
    const template = templateOf();
    const [, { Properties }] = checkOf(template);
    const names = namesSchema.parse(Properties.names);
    expect(names.map(({ logicalId }) => logicalId).sort()).toEqual(
      retainedOf(template)
        .map(([id]) => id)
        .sort(),
    );
    for (const { name, logicalId } of names) {
      const resource = template.resources[logicalId];
      expect(template.text(name)).toBe(resource && nameOf(template, resource));
    }
    const data = names.filter(({ isData }) => isData === "true").map(({ kind }) => kind);
    expect(data.sort()).toEqual(["bucket", "database", "table"]);
  });

  it.each([
    [{}, []],
    [{ adopt: true }, []],
    [{ adopt: true, import: "true" }, RETAINED],
  ])("comes after the preflight, as all else does: %j", (context, exceptions) => {
    const template = templateOf(context);
    const [check] = checkOf(template);
    const own = Object.keys(template.resources).filter((id) => id.startsWith("SluicePreflight"));
    const free = Object.entries(template.resources).filter(
      ([id, { DependsOn }]) => !own.includes(id) && !DependsOn.includes(check),
    );
    expect(
      free.map(([, resource]) => `${resource.Type} ${nameOf(template, resource)}`).sort(),
    ).toEqual(exceptions);
    expect(own).toContain(check);
  });

  it("has names that fit, for the longest name of a deployment too", () => {
    const template = templateOf({ deployment: "a".repeat(30) });
    for (const [id] of template.ofType("AWS::S3::Bucket")) {
      const name = template.text({ Ref: id }).replace("eu-central-1", "ap-northeast-1");
      expect(name.length).toBeLessThanOrEqual(63);
      expect(name).toMatch(/^[a-z0-9][a-z0-9-]+[a-z0-9]$/);
    }
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

  it("go off when Report itself fails", () => {
    const alarm = alarmsOf({}).get("AWS/Lambda Errors");
    expect(alarm).toMatchObject({
      Statistic: "Sum",
      Threshold: 1,
      ComparisonOperator: "GreaterThanOrEqualToThreshold",
      TreatMissingData: "notBreaching",
    });
    expect(JSON.stringify(alarm?.Dimensions)).toMatch(
      /"FunctionName","Value":\{"Ref":"SluiceReport/,
    );
  });

  it.each([
    [{}, 24],
    [{ alarmAfterHours: 168 }, 168],
    [{ alarmAfterHours: 1 }, 1],
  ])("go off when no run succeeded for the hours that %j says", (context, hours) => {
    const alarm = alarmsOf({ enabled: true, ...context }).get("AWS/States ExecutionsSucceeded");
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
      {
        Name: "StateMachineArn",
        Value: { Ref: expect.stringMatching(/^SluicePipelineMachine/) as string },
      },
    ]);
  });

  it.each([{ enabled: false }, { enabled: true, schedule: "off" }])(
    "do not expect runs with %j",
    (context) => {
      expect([...alarmsOf(context).keys()].sort()).toEqual(ALWAYS);
    },
  );
});

describe("cdk-nag", () => {
  it("finds nothing that is not fixed or acknowledged with a reason", () => {
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

  it("leaves out the warehouse when configured so", () => {
    const { core } = synthesize({ warehouse: "none", schedule: "off" });
    const template = Template.fromStack(core);
    template.resourceCountIs("AWS::RedshiftServerless::Workgroup", 0);
    template.resourceCountIs("AWS::Scheduler::Schedule", 0);
  });
});
