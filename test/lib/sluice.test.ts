// Sluice in another team's CDK app: in a stack, under a stage, beside another one, and with what is there already.
import {
  App,
  DefaultStackSynthesizer,
  NestedStack,
  Stack,
  Stage,
  Tags,
  Validations,
  type IReusableStackSynthesizer,
  type StackProps,
} from "aws-cdk-lib";
import { Annotations, Match, Template } from "aws-cdk-lib/assertions";
import { SecurityGroup, Subnet, Vpc, type ISecurityGroup, type IVpc } from "aws-cdk-lib/aws-ec2";
import { Key } from "aws-cdk-lib/aws-kms";
import { Bucket, type IBucket } from "aws-cdk-lib/aws-s3";
import { Topic } from "aws-cdk-lib/aws-sns";
import { AwsSolutionsChecks } from "cdk-nag";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { catalog } from "../shop/index.ts";
import { Sluice } from "../../lib/sluice.ts";
import { buildStacks } from "../../lib/stacks/build-stacks.ts";
import { testConfig } from "./deployment-fixture.ts";
import { givenResources } from "./given-resources.ts";
import { ACCOUNT, REGION, SynthesizedTemplate } from "./template-policies.ts";

const env = { account: ACCOUNT, region: REGION };
const REQUIRED = { deployment: "sluice", catalog, enabled: false } as const;

const outputs = mkdtempSync(join(tmpdir(), "sluice-construct-"));
let apps = 0;
afterAll(() => {
  rmSync(outputs, { recursive: true, force: true });
});

function newApp(): App {
  apps += 1;
  return new App({
    context: { "aws:cdk:bundling-stacks": [] },
    builtinCloudFormationValidation: false,
    outdir: join(outputs, String(apps)),
  });
}
const newStack = (props: StackProps = { env }): Stack => new Stack(newApp(), "platform", props);

/** How often each type is in a stack's template. */
function typesIn(stack: Stack): Map<string, number> {
  const counts = new Map<string, number>();
  const { resources } = new SynthesizedTemplate(Template.fromStack(stack).toJSON());
  for (const { Type } of Object.values(resources)) counts.set(Type, (counts.get(Type) ?? 0) + 1);
  return counts;
}

describe("in a stack", () => {
  it("makes what the deployment's file makes", () => {
    const stack = newStack();
    new Sluice(stack, "Anything", REQUIRED);
    const choices = { account: ACCOUNT, region: REGION, enabled: false };
    const core = buildStacks(newApp(), testConfig(choices), catalog);
    expect(typesIn(stack)).toEqual(typesIn(core));
  });

  it("is beside others, which do not wait for its preflight", () => {
    const stack = newStack();
    const others = new Bucket(stack, "Other");
    const sluice = new Sluice(stack, "Sluice", REQUIRED);
    others.node.addDependency(sluice.stateMachine);
    const { resources } = new SynthesizedTemplate(Template.fromStack(stack).toJSON());
    const waiting = Object.entries(resources).filter(([, { DependsOn }]) =>
      DependsOn.some((id) => id.startsWith("SluicePreflightCheck")),
    );
    expect(waiting.length).toBeGreaterThan(50);
    for (const [id] of waiting) expect(id).toMatch(/^Sluice/);
  });

  it("can be without an account and a region", () => {
    const stack = newStack({});
    new Sluice(stack, "Sluice", REQUIRED);
    Template.fromStack(stack).hasResourceProperties("AWS::S3::Bucket", {
      BucketName: {
        "Fn::Join": ["", ["sluice-data-", { Ref: "AWS::AccountId" }, "-", { Ref: "AWS::Region" }]],
      },
    });
  });

  it("can be there twice, with two names", () => {
    const stack = newStack();
    const first = new Sluice(stack, "First", { ...REQUIRED, catalogStacks: 1 });
    const second = new Sluice(stack, "Second", {
      ...REQUIRED,
      ...{ deployment: "second", catalogStacks: 2 },
    });
    expect(first.catalogStacks.map(({ stackName }) => stackName)).toEqual(["sluice-catalog-0"]);
    expect(second.catalogStacks.map(({ stackName }) => stackName)).toEqual([
      "second-catalog-0",
      "second-catalog-1",
    ]);
    const template = Template.fromStack(stack);
    const machines = template.findResources("AWS::StepFunctions::StateMachine");
    expect(Object.keys(machines)).toHaveLength(2);
    for (const [id, { DependsOn }] of Object.entries(machines) as [string, TemplatePart][]) {
      const own = id.startsWith("First") ? /^First/ : /^Second/;
      for (const other of DependsOn) expect(other).toMatch(own);
    }
  });

  it("warns of a source that may be read for too long", () => {
    const stack = newStack();
    new Sluice(stack, "Sluice", { ...REQUIRED, schedule: "rate(5 minutes)" });
    Annotations.fromStack(stack).hasWarning("*", Match.stringLikeRegexp("a run may read it for"));
  });
});

interface TemplatePart {
  readonly DependsOn: readonly string[];
}

describe("the stacks of the catalog", () => {
  it("are called alike in an app and under a stage, and come after the stack around Sluice", () => {
    const app = newApp();
    const stage = new Stage(app, "Prod", { env });
    const stack = new Stack(stage, "platform");
    const sluice = new Sluice(stack, "Sluice", { ...REQUIRED, catalogStacks: 4 });
    Tags.of(sluice).add("team", "data");
    const assembly = app.synth();
    const stacks = assembly.stacksRecursively.map((one) => [one.stackName, one.hierarchicalId]);
    expect(stacks.sort()).toEqual([
      ["Prod-platform", "Prod/platform"],
      ...[0, 1, 2, 3].map((n) => [`sluice-catalog-${n}`, `Prod/platform/Sluice/Catalog/${n}`]),
    ]);
    const [core, ...others] = assembly.getNestedAssembly("assembly-Prod").stacks;
    expect(core?.stackName).toBe("Prod-platform");
    for (const other of others) {
      expect(other.dependencies.map(({ id }) => id)).toContain(core?.id);
      expect(other.environment).toMatchObject(env);
      expect(other.tags).toEqual({ team: "data" });
    }
    // An entry is created where it goes before it is deleted where it was.
    const order = others.map(({ stackName }) => stackName.slice(-1));
    expect(order.indexOf("2")).toBeLessThan(order.indexOf("0"));
    expect(order.indexOf("3")).toBeLessThan(order.indexOf("1"));
  });
});

describe("with what is there already", () => {
  const stack = newStack();
  const given = givenResources(stack);
  const sluice = new Sluice(stack, "Sluice", { ...REQUIRED, ...given });
  const template = Template.fromStack(stack);
  const synthesized = new SynthesizedTemplate(template.toJSON());

  it("makes none of it again", () => {
    for (const type of [
      ...["AWS::S3::Bucket", "AWS::SNS::Topic", "AWS::KMS::Key", "AWS::EC2::SecurityGroup"],
      ...["AWS::EC2::VPC"],
    ]) {
      template.resourceCountIs(type, 1);
    }
    template.resourceCountIs("AWS::RedshiftServerless::Namespace", 0);
    template.resourceCountIs("AWS::RedshiftServerless::Workgroup", 0);
    const secrets = synthesized.ofType("AWS::SecretsManager::Secret");
    expect(secrets.map(([id]) => id.replace(/[0-9A-F]{8}$/, "")).sort()).toEqual([
      ...["GivenLoader", "SluiceSourcesevents", "SluiceSourcessearch"],
    ]);
  });

  it("hands it out", () => {
    expect(sluice.bucket).toBe(given.bucket);
    expect(sluice.topic).toBe(given.topic);
    expect(sluice.warehouse).toBe(given.warehouse);
    expect(sluice.connections.securityGroups).toEqual(given.securityGroups);
    expect([...sluice.sourceSecrets.keys()].sort()).toEqual(["events", "search"]);
  });

  it("passes it to every function", () => {
    const [bucket] = synthesized.ofType("AWS::S3::Bucket").map(([id]) => id);
    const names = synthesized
      .ofType("AWS::Lambda::Function")
      .map(([, { Properties }]) =>
        z
          .looseObject({ Environment: z.object({ Variables: z.looseObject({}) }) })
          .parse(Properties),
      )
      .map(({ Environment }) => Environment.Variables)
      .filter((variables) => "SLUICE_BUCKET" in variables);
    expect(names).toHaveLength(6);
    for (const variables of names) expect(variables.SLUICE_BUCKET).toEqual({ Ref: bucket });
    expect(names.find((variables) => "SLUICE_WORKGROUP" in variables)).toMatchObject({
      SLUICE_WORKGROUP: "analytics",
      SLUICE_DATABASE: "sluice",
      SLUICE_WAREHOUSE_SECRET_ARN: { Ref: expect.stringMatching(/^GivenLoader/) as string },
      SLUICE_COPY_ROLE_ARN: {
        "Fn::GetAtt": [expect.stringMatching(/^GivenCopyRole/) as string, "Arn"],
      },
    });
  });

  it("puts Plan and Extract alone into the network", () => {
    const inside = synthesized
      .ofType("AWS::Lambda::Function")
      .filter(([, { Properties }]) => Properties.VpcConfig !== undefined);
    expect(inside.map(([, { Properties }]) => Properties.FunctionName)).toEqual([
      "sluice-plan",
      "sluice-extract",
    ]);
    for (const [, { Properties }] of inside) {
      expect(Properties.VpcConfig).toEqual({
        SubnetIds: [1, 2, 3].map((n) => ({
          Ref: expect.stringMatching(`^GivenVpcDataSubnet${n}Subnet`) as string,
        })),
        SecurityGroupIds: [
          { "Fn::GetAtt": [expect.stringMatching(/^GivenGroup/) as string, "GroupId"] },
        ],
      });
    }
  });

  it("sends all alarms to the topic, and lets them in", () => {
    const [topic] = synthesized.ofType("AWS::SNS::Topic").map(([id]) => id);
    const alarms = synthesized.ofType("AWS::CloudWatch::Alarm");
    expect(alarms.length).toBeGreaterThan(3);
    for (const [, { Properties }] of alarms) {
      expect(Properties.AlarmActions).toEqual([{ Ref: topic }]);
    }
    expect(
      synthesized.resourceStatements(topic ?? "").map((statement) => statement.Effect),
    ).toEqual(["Deny", "Allow"]);
  });

  it("has the preflight look for what Sluice makes alone", () => {
    const [[, check] = ["", undefined]] = synthesized.ofType("AWS::CloudFormation::CustomResource");
    const names = z
      .array(z.looseObject({ kind: z.string(), logicalId: z.string() }))
      .parse(check?.Properties.names);
    expect(names.map(({ kind }) => kind).sort()).toEqual([
      ...["database", "secret", "secret", "table"],
    ]);
    for (const { logicalId } of names) {
      expect(synthesized.resources[logicalId]).toBeDefined();
      expect(logicalId).toMatch(/^Sluice/);
    }
  });
});

describe("with a key", () => {
  const keyArn = `arn:aws:kms:${REGION}:${ACCOUNT}:key/0a1b2c3d-0000-1111-2222-333344445555`;

  it("encrypts bucket, ledger, secrets and warehouse with it", () => {
    const stack = newStack();
    const encryptionKey = Key.fromKeyArn(stack, "Key", keyArn);
    new Sluice(stack, "Sluice", { ...REQUIRED, encryptionKey });
    const template = Template.fromStack(stack);
    template.hasResourceProperties("AWS::S3::Bucket", {
      BucketName: `sluice-data-${ACCOUNT}-${REGION}`,
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [
          {
            BucketKeyEnabled: true,
            ServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms", KMSMasterKeyID: keyArn },
          },
        ],
      },
    });
    template.hasResourceProperties("AWS::DynamoDB::Table", {
      SSESpecification: { KMSMasterKeyId: keyArn, SSEEnabled: true, SSEType: "KMS" },
    });
    template.allResourcesProperties("AWS::SecretsManager::Secret", { KmsKeyId: keyArn });
    template.resourceCountIs("AWS::SecretsManager::Secret", 3);
    template.hasResourceProperties("AWS::RedshiftServerless::Namespace", { KmsKeyId: keyArn });
  });

  it("lets who reads a secret decrypt it, where the key's policy is not the app's", () => {
    const stack = newStack();
    const encryptionKey = Key.fromKeyArn(stack, "Key", keyArn);
    new Sluice(stack, "Sluice", { ...REQUIRED, encryptionKey });
    for (const part of ["Plan", "Extract", "Load"]) {
      const policies = Template.fromStack(stack).findResources("AWS::IAM::Policy");
      const [, policy] =
        Object.entries(policies).find(([id]) => id.startsWith(`Sluice${part}Role`)) ?? [];
      expect(JSON.stringify(policy), part).toContain(`secretsmanager.${REGION}.`);
    }
  });
});

describe("with a VPC alone", () => {
  it("takes the private subnets, and makes one security group for all", () => {
    const stack = newStack();
    const vpc = new Vpc(stack, "Vpc", {
      availabilityZones: ["a", "b", "c"].map((zone) => `${REGION}${zone}`),
    });
    const sluice = new Sluice(stack, "Sluice", { ...REQUIRED, vpc: vpc as IVpc });
    expect(sluice.connections.securityGroups).toHaveLength(1);
    const template = Template.fromStack(stack);
    template.resourceCountIs("AWS::EC2::SecurityGroup", 1);
    template.hasResourceProperties("AWS::RedshiftServerless::Workgroup", {
      EnhancedVpcRouting: true,
      SubnetIds: vpc.privateSubnets.map(({ subnetId }) => stack.resolve(subnetId) as unknown),
      SecurityGroupIds: [{ "Fn::GetAtt": [Match.stringLikeRegexp("^SluiceNetwork"), "GroupId"] }],
    });
  });

  it("may be one that the command line has yet to look up", () => {
    const stack = newStack();
    const vpc = Vpc.fromLookup(stack, "Vpc", { vpcId: "vpc-0a1b2c3d" });
    expect(() => new Sluice(stack, "Sluice", { ...REQUIRED, vpc })).not.toThrow();
  });
});

describe("cdk-nag", () => {
  const reportSchema = z.object({
    pluginReports: z.array(z.object({ pluginName: z.string(), violations: z.array(z.unknown()) })),
  });

  /** All findings of an app in which something is Sluice's, or that Sluice adds to. */
  function findings(app: App): string[] {
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    try {
      app.synth();
    } catch {
      // What is given has findings of its own.
    }
    const file = join(app.outdir, "validation-report.json");
    const report = reportSchema.parse(JSON.parse(readFileSync(file, "utf8")));
    const nag = report.pluginReports.find(({ pluginName }) => pluginName === "AwsSolutions");
    return (nag?.violations ?? [])
      .map((violation) => JSON.stringify(violation))
      .filter((text) => /Sluice|GivenCopyRole|TopicPolicy/.test(text));
  }

  it("finds nothing in what is made under a stage", () => {
    const app = newApp();
    const stack = new Stack(new Stage(app, "Prod", { env }), "platform");
    new Sluice(stack, "Sluice", REQUIRED);
    expect(findings(app)).toEqual([]);
  });

  it("finds nothing in what Sluice grants on what it is given", () => {
    const app = newApp();
    const stack = new Stack(app, "platform", { env });
    new Sluice(stack, "Sluice", { ...REQUIRED, ...givenResources(stack) });
    expect(findings(app)).toEqual([]);
  });

  it("finds nothing where the bucket is in another stack, or was imported", () => {
    const app = newApp();
    const bucket = new Bucket(new Stack(app, "storage", { env }), "Bucket");
    new Sluice(new Stack(app, "platform", { env }), "Sluice", {
      ...REQUIRED,
      bucket: bucket as IBucket,
    });
    const other = new Stack(app, "other");
    new Sluice(other, "Sluice", {
      ...{ ...REQUIRED, deployment: "other" },
      bucket: Bucket.fromBucketName(other, "Bucket", "my-bucket"),
    });
    expect(findings(app)).toEqual([]);
  });
});

describe("properties", () => {
  const thrown = (make: () => unknown): string => {
    try {
      make();
    } catch (error) {
      return error instanceof Error ? `${error.name}\n${error.message}` : String(error);
    }
    return "";
  };
  /** The mistakes found in properties, some of which the compiler would reject. */
  const mistakes = (props: Record<string, unknown>, stack = newStack()): string =>
    thrown(() => new Sluice(stack, "Sluice", { ...REQUIRED, ...props }));

  it("are checked by the file's schema, and all mistakes are reported with place, value and fix", () => {
    const all = { deployment: "Prod-x", shedule: "off", catalogStacks: 3, buildWorkers: 1 };
    expect(mistakes(all).split("\n")).toEqual([
      "DeploymentError",
      expect.stringMatching(
        /^Sluice platform\/Sluice, deployment: .*"Prod-x" is not lower-case.*Fix: write "prod_x"$/,
      ),
      'Sluice platform/Sluice, shedule: there is no field "shedule" (its value is "off"). Fix: write "schedule"',
      "Sluice platform/Sluice, catalogStacks: 3 is not a power of two. Fix: write 1, 2, 4, 8 …",
      "Sluice platform/Sluice, buildWorkers: 1 is not allowed here. Fix: write a whole number from 2 to 100",
    ]);
  });

  it("must not be those of a topic twice", () => {
    const stack = newStack();
    const topic = new Topic(stack, "Topic");
    expect(mistakes({ topic, alarmEmail: "a@example.com" }, stack)).toContain(
      'alarmEmail: "a@example.com" is given together with a topic of your own. Fix: leave it out',
    );
  });

  it("must not say where in no VPC", () => {
    expect(mistakes({ vpcSubnets: {}, securityGroups: [] })).toMatch(
      /vpcSubnets: it is given without the VPC.*\n.*securityGroups: it is given without the VPC/,
    );
  });

  it("must name subnets that Redshift takes, unless it is not made", () => {
    const app = newApp();
    const stack = new Stack(app, "platform", { env });
    const vpc = new Vpc(stack, "Vpc", { availabilityZones: [`${REGION}a`, `${REGION}b`] });
    expect(mistakes({ vpc }, stack)).toMatch(
      /vpcSubnets: there are 2, and Redshift Serverless must have 3 in eu-central-1 .*or write warehouse: "none"/,
    );
    expect(mistakes({ vpc, warehouse: "none" }, new Stack(app, "beside", { env }))).toBe("");
  });

  it("must have enough subnets where their zones are not known", () => {
    const stack = newStack();
    const vpc = Vpc.fromVpcAttributes(stack, "Vpc", {
      ...{ vpcId: "vpc-0a1b2c3d", availabilityZones: [`${REGION}a`] },
    });
    const subnets = ["subnet-0a1b2c3d", "subnet-1a1b2c3d"].map((id) =>
      Subnet.fromSubnetId(stack, id, id),
    );
    expect(mistakes({ vpc, vpcSubnets: { subnets } }, stack)).toMatch(/there are 2, and Redshift/);
  });

  it("must not have more security groups than a function takes", () => {
    const stack = newStack();
    const { vpc, vpcSubnets } = givenResources(stack);
    const securityGroups: ISecurityGroup[] = Array.from({ length: 6 }, (_, n) =>
      SecurityGroup.fromSecurityGroupId(stack, `G${n}`, `sg-0a1b2c3${n}`),
    );
    expect(mistakes({ vpc, vpcSubnets, securityGroups }, stack)).toContain(
      "securityGroups: there are 6, and a function has 1 to 5",
    );
  });

  it("must not put it into a nested stack", () => {
    expect(mistakes({}, new NestedStack(newStack(), "Nested"))).toContain(
      "Sluice platform/Nested/Sluice: it is in a nested stack",
    );
  });

  it("must not have the name, or the bucket, of another", () => {
    const app = newApp();
    const stack = new Stack(app, "platform", { env });
    const bucket = Bucket.fromBucketName(stack, "Bucket", "my-bucket");
    new Sluice(stack, "Sluice", { ...REQUIRED, bucket });
    const elsewhere = new Stack(app, "elsewhere", { env: { ...env, region: "eu-west-1" } });
    expect(mistakes({ deployment: "sluice" }, new Stack(app, "other", { env }))).toContain(
      'Sluice other/Sluice, deployment: "sluice" is the name of Sluice platform/Sluice too. Fix: give each a name of its own',
    );
    expect(mistakes({ bucket, deployment: "two" }, new Stack(app, "third", { env }))).toContain(
      "Sluice third/Sluice, bucket: it is the bucket of Sluice platform/Sluice too. Fix: give each a bucket of its own",
    );
    expect(mistakes({ deployment: "sluice" }, elsewhere)).toBe("");
  });

  it("must not stand in a stack whose bootstrap the catalog's stacks do not share", () => {
    const synthesizer = (): IReusableStackSynthesizer =>
      new DefaultStackSynthesizer({ qualifier: "platform" }) as IReusableStackSynthesizer;
    expect(mistakes({}, newStack({ env, synthesizer: synthesizer() }))).toMatch(
      /for the bootstrap "platform", and the catalog's stacks for "hnb659fds"\. Fix: give the synthesizer to the whole app/,
    );
    const app = new App({
      defaultStackSynthesizer: synthesizer(),
      context: { "aws:cdk:bundling-stacks": [] },
    });
    expect(mistakes({}, new Stack(app, "platform", { env }))).toBe("");
  });

  it("cannot bring a catalog with mistakes", () => {
    const name = "a".repeat(600);
    const source = { ...catalog.sources[0], name };
    expect(mistakes({ catalog: { sources: [source], tables: [], models: [] } })).toMatch(
      /^CatalogError\nsource a+: a secret would be called/,
    );
  });
});
