// Every role of the synthesized template, its policies evaluated statement by statement: what a part does is allowed,
// all else is denied; once for what Sluice makes, and once for what it is given in its place. What the parts do with
// the bucket and the ledger is read from docs/architecture.md.
import { App, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { catalog } from "../shop/index.ts";
import { Sluice } from "../../lib/sluice.ts";
import { buildStacks } from "../../lib/stacks/build-stacks.ts";
import { testConfig } from "./deployment-fixture.ts";
import { GIVEN_WORKGROUP, givenResources } from "./given-resources.ts";
import { decide, type AccessRequest, type Decision } from "./policy-evaluator.ts";
import { ACCOUNT, REGION, SynthesizedTemplate } from "./template-policies.ts";

const outdir = mkdtempSync(join(tmpdir(), "sluice-permissions-"));
afterAll(() => {
  rmSync(outdir, { recursive: true, force: true });
});

const NETWORK = {
  vpcId: "vpc-0a1b2c3d",
  availabilityZones: ["eu-central-1a", "eu-central-1b", "eu-central-1c"],
  subnetIds: ["subnet-0a1b2c3d", "subnet-1a1b2c3d", "subnet-2a1b2c3d"],
  securityGroupIds: ["sg-0a1b2c3d"],
};

/** A synthesized template, and what in it stands for what a part uses. */
interface World {
  readonly template: SynthesizedTemplate;
  /** Ids of the data bucket, and of that of its access logs, if there is one. */
  readonly buckets: readonly string[];
  readonly copyRole: string;
  readonly workgroup: string;
  /** The name of the loader's secret. */
  readonly loader: string;
  readonly key: string | undefined;
}

const newApp = (folder: string): App =>
  new App({ context: { "aws:cdk:bundling-stacks": [] }, outdir: join(outdir, folder) });

const idsOf = (template: SynthesizedTemplate, ...beginnings: string[]): string[] =>
  beginnings.map((beginning) => {
    const found = Object.keys(template.resources).find((id) => id.startsWith(beginning));
    if (found === undefined) throw new Error(`no resource ${beginning}`);
    return found;
  });
const onlyId = (template: SynthesizedTemplate, type: string): string => {
  const [[id] = [""], ...more] = template.ofType(type);
  if (id === "" || more.length > 0) throw new Error(`one ${type} was expected`);
  return id;
};

function made(): World {
  const choices = { account: ACCOUNT, region: REGION, network: NETWORK };
  const config = testConfig({ ...choices, alarmEmail: "oncall@example.com" });
  const core = buildStacks(newApp("made"), config, catalog);
  const template = new SynthesizedTemplate(Template.fromStack(core).toJSON());
  const namespace = onlyId(template, "AWS::RedshiftServerless::Namespace");
  return {
    template,
    buckets: idsOf(template, "SluiceStorageData", "SluiceStorageAccessLogs"),
    copyRole: template.text(template.resources[namespace]?.Properties.DefaultIamRoleArn),
    workgroup: template.arnOf(onlyId(template, "AWS::RedshiftServerless::Workgroup")),
    loader: "sluice/warehouse",
    key: undefined,
  };
}

function given(): World {
  const env = { account: ACCOUNT, region: REGION };
  const stack = new Stack(newApp("given"), "platform", { env });
  new Sluice(stack, "Sluice", {
    ...{ deployment: "sluice", catalog, enabled: true },
    ...givenResources(stack),
  });
  const template = new SynthesizedTemplate(Template.fromStack(stack).toJSON());
  const [copyRole = ""] = idsOf(template, "GivenCopyRole");
  return {
    template,
    buckets: idsOf(template, "GivenBucket"),
    copyRole: template.arnOf(copyRole),
    workgroup: GIVEN_WORKGROUP,
    loader: "platform/loader",
    key: template.arnOf(onlyId(template, "AWS::KMS::Key")),
  };
}

// --- the parts and their roles ------------------------------------------------------------------------------------

const PARTS = [
  "Plan",
  "Extract",
  "Commit",
  "Decide",
  "Load",
  "Report",
  "Build",
  "COPY",
  "state machine",
  "schedule",
  "Preflight",
] as const;
type Part = (typeof PARTS)[number];

// --- what docs/architecture.md says -------------------------------------------------------------------------------

const ROW = /^\| `([a-z]+)(\/|#…)?` +\| ([^|]*) \| ([^|]*) \| ([^|]*) \|$/gm;
const documented = [
  ...(readFileSync(new URL("../../docs/architecture.md", import.meta.url), "utf8")
    .split("### Who may do what")[1]
    ?.split("\n#")[0]
    ?.matchAll(ROW) ?? []),
].map(([, what = "", ending, ...columns]) => {
  const [read = [], written = [], deleted = []] = columns.map((column) =>
    column
      .split(",")
      .map((part) => part.trim())
      .filter((part) => part !== ""),
  );
  return { what, isPrefix: ending === "/", read, written, deleted };
});
const prefixes = documented.filter(({ isPrefix }) => isPrefix);
const items = documented.filter(({ isPrefix }) => !isPrefix);

it("reads the documented table, whose parts all exist", () => {
  expect(prefixes.map(({ what }) => what)).toContain("raw");
  expect(items.map(({ what }) => what)).toEqual(["table", "source", "run"]);
  for (const { read, written, deleted } of documented) {
    for (const part of [...read, ...written, ...deleted]) expect(PARTS).toContain(part);
  }
});

it("documents every prefix that has keys in the bucket", () => {
  const keys = readFileSync(new URL("../../docs/architecture.md", import.meta.url), "utf8")
    .split("### Keys in the data bucket")[1]
    ?.split("\n#")[0]
    ?.matchAll(/\| `([a-z]+)\//g);
  const named = new Set([...(keys ?? [])].map(([, prefix = ""]) => prefix));
  expect(named.size).toBeGreaterThan(5);
  expect([...named].sort()).toEqual(prefixes.map(({ what }) => what).sort());
});

describe.each([
  ["what Sluice makes", made()],
  ["what it is given", given()],
])("%s", (_, world) => {
  const { template, buckets, loader } = world;
  const only = (type: string): string => onlyId(template, type);
  const property = (id: string, name: string): unknown => template.resources[id]?.Properties[name];
  const functionId = (name: string): string => template.idOf(lambda(name));
  const lambda = (name: string): string =>
    `arn:aws:lambda:${REGION}:${ACCOUNT}:function:sluice-${name}`;

  const roleArn = (part: Part): string => {
    switch (part) {
      case "Build":
        return template.text(property(only("AWS::Glue::Job"), "Role"));
      case "COPY":
        return world.copyRole;
      case "state machine":
        return template.text(property(only("AWS::StepFunctions::StateMachine"), "RoleArn"));
      case "schedule": {
        const target = z
          .looseObject({ RoleArn: z.unknown() })
          .parse(property(only("AWS::Scheduler::Schedule"), "Target"));
        return template.text(target.RoleArn);
      }
      case "Plan":
      case "Extract":
      case "Commit":
      case "Decide":
      case "Load":
      case "Report":
      case "Preflight":
        return template.text(property(functionId(part.toLowerCase()), "Role"));
    }
  };
  const roleIds = new Map(PARTS.map((part) => [part, template.idOf(roleArn(part))]));

  it("gives each part a role of its own, and has no other roles", () => {
    expect([...roleIds.values()].sort()).toEqual(
      template
        .ofType("AWS::IAM::Role")
        .map(([id]) => id)
        .sort(),
    );
    expect(new Set(roleIds.values()).size).toBe(PARTS.length);
  });

  // --- deciding -----------------------------------------------------------------------------------------------------

  const [dataId = "", logsId] = buckets;
  const DATA = template.arnOf(dataId);
  const LEDGER = template.arnOf(only("AWS::DynamoDB::Table"));
  const TOPIC = template.arnOf(only("AWS::SNS::Topic"));
  const ASSETS = `arn:aws:s3:::cdk-hnb659fds-assets-${ACCOUNT}-${REGION}`;

  const statements = new Map(
    PARTS.map((part) => [part, template.statementsOf(template.idOf(roleArn(part)))]),
  );
  const resourceStatements = new Map(
    [...buckets, only("AWS::SNS::Topic")].map((id) => [
      template.arnOf(id),
      template.resourceStatements(id),
    ]),
  );

  function decideFor(part: Part, request: Omit<AccessRequest, "caller">): Decision {
    const [, resource] =
      [...resourceStatements].find(
        ([arn]) => request.resource === arn || request.resource.startsWith(`${arn}/`),
      ) ?? [];
    return decide(
      {
        ...request,
        caller: roleArn(part),
        context: { "aws:SecureTransport": "true", ...request.context },
      },
      { identity: statements.get(part) ?? [], resource: resource ?? [] },
    );
  }

  /** A request and how this test names it. */
  type Case = readonly [name: string, request: Omit<AccessRequest, "caller">];

  /** Those of the cases that a part is allowed. */
  const allowed = (part: Part, cases: readonly Case[]): string[] =>
    cases
      .filter(([, request]) => decideFor(part, request) === "allowed")
      .map(([name]) => name)
      .sort();

  // --- the data bucket ----------------------------------------------------------------------------------------------

  const PREFIXES = [...prefixes.map(({ what }) => what), "other"];
  const BUCKET_CASES: Case[] = PREFIXES.flatMap((prefix): Case[] => [
    ...["Get", "Put", "Delete"].map((verb): Case => [
      `s3:${verb}Object ${prefix}/`,
      { action: `s3:${verb}Object`, resource: `${DATA}/${prefix}/orders/1.x` },
    ]),
    ...["ListBucket", "ListBucketMultipartUploads"].map((action): Case => [
      `s3:${action} ${prefix}/`,
      { action: `s3:${action}`, resource: DATA, context: { "s3:prefix": `${prefix}/orders/` } },
    ]),
    ...["AbortMultipartUpload", "ListMultipartUploadParts"].map((action): Case => [
      `s3:${action} ${prefix}/`,
      { action: `s3:${action}`, resource: `${DATA}/${prefix}/orders/1.x` },
    ]),
    // Hadoop's S3A looks whether something is in the way of the folder.
    [`s3:GetObject ${prefix}`, { action: "s3:GetObject", resource: `${DATA}/${prefix}` }],
    ...["PutObject", "DeleteObject"].map((action): Case => [
      `s3:${action} ${prefix}`,
      { action: `s3:${action}`, resource: `${DATA}/${prefix}` },
    ]),
  ]);
  const WRITES_IN_PARTS: Partial<Record<Part, readonly string[]>> = { Build: ["lake", "deltas"] };

  describe("objects of the data bucket", () => {
    it.each(PARTS)("%s", (part) => {
      const expected = prefixes.flatMap(({ what, read, written, deleted }) => [
        ...(read.includes(part) ? [`s3:GetObject ${what}/`, `s3:ListBucket ${what}/`] : []),
        ...(written.includes(part) ? [`s3:PutObject ${what}/`] : []),
        ...(deleted.includes(part) ? [`s3:DeleteObject ${what}/`] : []),
        ...(WRITES_IN_PARTS[part]?.includes(what) === true
          ? [
              `s3:AbortMultipartUpload ${what}/`,
              `s3:ListMultipartUploadParts ${what}/`,
              `s3:ListBucketMultipartUploads ${what}/`,
              `s3:GetObject ${what}`,
            ]
          : []),
      ]);
      expect(allowed(part, BUCKET_CASES)).toEqual(expected.sort());
    });

    it.each(PARTS)("%s learns that an object is missing only if it reads objects", (part) => {
      // S3 requires permission to list, without a prefix, before it says that there is no such object.
      // The preflight only checks whether the bucket exists, unless the bucket is given.
      const looks = part === "Preflight" && logsId !== undefined;
      const reads = looks || prefixes.some(({ read }) => read.includes(part));
      const decision = decideFor(part, { action: "s3:ListBucket", resource: DATA });
      expect(decision).toBe(reads ? "allowed" : "implicitly denied");
    });

    it.each(PARTS)("%s may read the bucket's region only if it writes in parts", (part) => {
      const decision = decideFor(part, { action: "s3:GetBucketLocation", resource: DATA });
      expect(decision).toBe(WRITES_IN_PARTS[part] === undefined ? "implicitly denied" : "allowed");
    });

    it.each(PARTS)("%s reaches nothing without TLS", (part) => {
      for (const [name, { action, resource, context }] of BUCKET_CASES) {
        const plain = { ...context, "aws:SecureTransport": "false" };
        expect(decideFor(part, { action, resource, context: plain }), name).toBe(
          "explicitly denied",
        );
      }
    });

    it.each(PARTS)("%s changes no bucket, and reads no access logs", (part) => {
      const cases: Case[] = [
        ...[
          "PutBucketPolicy",
          "DeleteBucketPolicy",
          "DeleteBucket",
          "PutLifecycleConfiguration",
        ].map((action): Case => [action, { action: `s3:${action}`, resource: DATA }]),
        ...(logsId === undefined ? [] : ["GetObject", "PutObject", "DeleteObject"]).map(
          (action): Case => [
            `${action} of the access logs`,
            { action: `s3:${action}`, resource: `${template.arnOf(logsId ?? "")}/2026-01-01` },
          ],
        ),
        ["everything", { action: "s3:ListBucket", resource: DATA, context: { "s3:prefix": "" } }],
      ];
      expect(allowed(part, cases)).toEqual([]);
    });

    it.each(PARTS)("%s reads assets only if it runs them", (part) => {
      const { DefaultArguments, Command } = template.resources[only("AWS::Glue::Job")]
        ?.Properties as { DefaultArguments: Record<string, unknown>; Command: object };
      const { ScriptLocation } = Command as { ScriptLocation: unknown };
      const own = [ScriptLocation, DefaultArguments["--extra-py-files"]].map((url) =>
        template.text(url).replace("s3://", "arn:aws:s3:::"),
      );
      expect(own[0]).toContain(`${ASSETS}/`);
      const script = `${ASSETS}/${"a".repeat(64)}`;
      const cases: Case[] = [...own, `${script}.sql`, `${script}.py`, `${script}.zip`].flatMap(
        (resource) =>
          ["GetObject", "PutObject"].map((action): Case => [
            `${action} ${resource}`,
            { action: `s3:${action}`, resource },
          ]),
      );
      const expected = [...own, `${script}.sql`, `${script}.py`].map((arn) => `GetObject ${arn}`);
      expect(allowed(part, cases)).toEqual(part === "Build" ? expected.sort() : []);
    });
  });

  // --- the ledger ---------------------------------------------------------------------------------------------------

  const ITEM_ACTIONS = {
    read: ["GetItem", "BatchGetItem", "Query"],
    written: ["PutItem", "UpdateItem", "ConditionCheckItem"],
    deleted: ["DeleteItem"],
  } as const;
  const EXAMPLE_KEYS: Readonly<Record<string, string>> = {
    table: "table#orders",
    source: "source#events",
    run: "run",
    other: "other",
  };
  const LEDGER_CASES: Case[] = [
    ...Object.entries(EXAMPLE_KEYS).flatMap(([what, key]) =>
      Object.values(ITEM_ACTIONS)
        .flat()
        .map((action): Case => [
          `${action} ${what}`,
          {
            action: `dynamodb:${action}`,
            resource: LEDGER,
            context: { "dynamodb:LeadingKeys": [key] },
          },
        ]),
    ),
    ...["Scan", "BatchWriteItem", "PartiQLSelect", "DeleteTable", "UpdateTable"].map(
      (action): Case => [action, { action: `dynamodb:${action}`, resource: LEDGER }],
    ),
  ];
  /** What a part that reads or writes some items does not need of the actions above. */
  const NOT_NEEDED: Partial<Record<Part, readonly string[]>> = {
    Extract: [
      "BatchGetItem table",
      "BatchGetItem source",
      "Query source",
      "ConditionCheckItem source",
    ],
    Plan: ["BatchGetItem table", "BatchGetItem source", "ConditionCheckItem source"],
    Commit: [
      ...["BatchGetItem table", "BatchGetItem source", "Query source"],
      ...["PutItem source", "ConditionCheckItem source"],
    ],
    Decide: ["GetItem table", "Query table"],
    Build: ["BatchGetItem table", "PutItem table", "ConditionCheckItem table"],
    Load: ["BatchGetItem table", "Query table", "ConditionCheckItem table"],
    Report: [
      ...["BatchGetItem table", "BatchGetItem source"],
      ...["Query table", "PutItem table", "ConditionCheckItem table"],
      ...["Query source", "PutItem source", "ConditionCheckItem source"],
      ...["UpdateItem run", "ConditionCheckItem run"],
    ],
  };

  describe("items of the ledger", () => {
    it.each(PARTS)("%s", (part) => {
      const expected = items
        .flatMap(({ what, ...columns }) =>
          (["read", "written", "deleted"] as const).flatMap((column) =>
            columns[column].includes(part)
              ? ITEM_ACTIONS[column].map((action) => `${action} ${what}`)
              : [],
          ),
        )
        .filter((name) => NOT_NEEDED[part]?.includes(name) !== true);
      expect(allowed(part, LEDGER_CASES)).toEqual(expected.sort());
    });
  });

  // --- all else -----------------------------------------------------------------------------------------------------

  const glueArn = (resource: string): string => `arn:aws:glue:${REGION}:${ACCOUNT}:${resource}`;
  const TABLE_ACTIONS = ["GetTable", "GetTables", "CreateTable", "UpdateTable", "DeleteTable"];
  const FUNCTIONS = ["plan", "extract", "commit", "decide", "load", "report"];
  const LEDGER_NAME = "sluice-ledger";
  const secretArn = (name: string): string =>
    `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:${name}-AbCdEf`;
  const MACHINE = `arn:aws:states:${REGION}:${ACCOUNT}:stateMachine:sluice`;
  const EXECUTION = `arn:aws:states:${REGION}:${ACCOUNT}:execution:sluice:run-1`;
  const JOB = glueArn("job/sluice-build");
  const WORKGROUP = world.workgroup;
  const sources = catalog.sources.map(({ name }) => `sluice/source/${name}`);

  const KEY = world.key ?? `arn:aws:kms:${REGION}:${ACCOUNT}:key/1`;

  const OTHER_CASES: Case[] = [
    ...["definitions_000", "definitions_007", "lake", "default"].flatMap((name) => {
      const database = name === "default" ? name : `sluice_${name}`;
      return [
        ...TABLE_ACTIONS.map((action): Case => [
          `glue:${action} ${name}`,
          { action: `glue:${action}`, resource: glueArn(`table/${database}/orders`) },
        ]),
        ...["GetDatabase", "DeleteDatabase"].map((action): Case => [
          `glue:${action} ${name}`,
          { action: `glue:${action}`, resource: glueArn(`database/${database}`) },
        ]),
      ];
    }),
    ...["StartJobRun", "GetJobRun", "GetJobRuns", "BatchStopJobRun", "UpdateJob"].flatMap(
      (action) =>
        [JOB, glueArn("job/another")].map((resource): Case => [
          `glue:${action} ${resource === JOB ? "own" : "another"}`,
          { action: `glue:${action}`, resource },
        ]),
    ),
    ...[...FUNCTIONS, "another"].flatMap((name) =>
      ["InvokeFunction", "UpdateFunctionCode"].map((action): Case => [
        `lambda:${action} ${name}`,
        { action: `lambda:${action}`, resource: lambda(name) },
      ]),
    ),
    ...[...sources, loader, "another"].flatMap((name) =>
      ["GetSecretValue", "PutSecretValue", "DeleteSecret"].map((action): Case => [
        `secretsmanager:${action} ${name}`,
        { action: `secretsmanager:${action}`, resource: secretArn(name) },
      ]),
    ),
    ["states:StartExecution", { action: "states:StartExecution", resource: MACHINE }],
    ["states:UpdateStateMachine", { action: "states:UpdateStateMachine", resource: MACHINE }],
    [
      "states:StartExecution another",
      { action: "states:StartExecution", resource: MACHINE.replace("sluice", "another") },
    ],
    ...["DescribeExecution", "StopExecution"].flatMap((action) =>
      [EXECUTION, EXECUTION.replace("sluice", "another")].map((resource): Case => [
        `states:${action}${resource === EXECUTION ? "" : " another"}`,
        { action: `states:${action}`, resource },
      ]),
    ),
    ["sns:Publish", { action: "sns:Publish", resource: TOPIC }],
    ["sns:Subscribe", { action: "sns:Subscribe", resource: TOPIC }],
    ...["ExecuteStatement", "BatchExecuteStatement"].flatMap((action) =>
      [WORKGROUP, `${WORKGROUP}x`].map((resource): Case => [
        `redshift-data:${action} ${resource === WORKGROUP ? "own" : "another"}`,
        { action: `redshift-data:${action}`, resource },
      ]),
    ),
    ...["DescribeStatement", "GetStatementResult", "CancelStatement"].map((action): Case => [
      `redshift-data:${action}`,
      { action: `redshift-data:${action}`, resource: "*" },
    ]),
    ["ec2:CreateNetworkInterface", { action: "ec2:CreateNetworkInterface", resource: "*" }],
    ["xray:PutTraceSegments", { action: "xray:PutTraceSegments", resource: "*" }],
    ["logs:CreateLogDelivery", { action: "logs:CreateLogDelivery", resource: "*" }],
    ...["iam:PassRole", "sts:AssumeRole"].flatMap((action) =>
      PARTS.map((part): Case => [`${action} ${part}`, { action, resource: roleArn(part) }]),
    ),
    ...[LEDGER_NAME, "another"].map((name): Case => [
      `dynamodb:DescribeTable ${name}`,
      {
        action: "dynamodb:DescribeTable",
        resource: `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/${name}`,
      },
    ]),
    ...[...new Set([...sources, "sluice/warehouse", loader, "another/source/events"])].map(
      (name): Case => [
        `secretsmanager:DescribeSecret ${name}`,
        { action: "secretsmanager:DescribeSecret", resource: secretArn(name) },
      ],
    ),
    ["kms:Decrypt", { action: "kms:Decrypt", resource: KEY }],
    ...["s3", "dynamodb", "secretsmanager", "ec2"].flatMap((service) =>
      ["Decrypt", "GenerateDataKey", "ScheduleKeyDeletion", "CreateGrant"].map((action): Case => [
        `kms:${action} by ${service}`,
        {
          ...{ action: `kms:${action}`, resource: KEY },
          context: { "kms:ViaService": `${service}.${REGION}.amazonaws.com` },
        },
      ]),
    ),
    ["cloudformation:UpdateStack", { action: "cloudformation:UpdateStack", resource: "*" }],
  ];

  const READ_DEFINITIONS = ["definitions_000", "definitions_007"].flatMap((database) => [
    `glue:GetTable ${database}`,
    `glue:GetTables ${database}`,
  ]);
  // The CDK's grantRead of a secret allows to describe it too.
  const readSecret = (name: string): string[] =>
    ["GetSecretValue", "DescribeSecret"].map((action) => `secretsmanager:${action} ${name}`);
  const READ_SOURCES = sources.flatMap(readSecret);
  /** Of those that are encrypted with the key: a given loader's secret is not. */
  const READS_SECRETS: readonly Part[] = ["Plan", "Extract"];
  const IN_NETWORK = ["ec2:CreateNetworkInterface"];

  const DOES: Record<Part, readonly string[]> = {
    Plan: [...READ_DEFINITIONS, ...READ_SOURCES, ...IN_NETWORK, "states:DescribeExecution"],
    Extract: [...READ_DEFINITIONS, ...READ_SOURCES, ...IN_NETWORK],
    Commit: [],
    Decide: [...READ_DEFINITIONS, "glue:GetTables lake"],
    Load: [
      ...READ_DEFINITIONS,
      "glue:GetTable lake",
      "glue:GetTables lake",
      ...readSecret(loader),
      "redshift-data:ExecuteStatement own",
      "redshift-data:BatchExecuteStatement own",
      "redshift-data:DescribeStatement",
      "redshift-data:GetStatementResult",
      "redshift-data:CancelStatement",
    ],
    Report: ["sns:Publish"],
    Build: [
      ...READ_DEFINITIONS,
      "glue:GetDatabase lake",
      "glue:GetTable lake",
      "glue:CreateTable lake",
      "glue:UpdateTable lake",
    ],
    COPY: [],
    "state machine": [
      ...FUNCTIONS.map((name) => `lambda:InvokeFunction ${name}`),
      "glue:StartJobRun own",
      "glue:GetJobRun own",
      "glue:GetJobRuns own",
      "glue:BatchStopJobRun own",
      "states:StartExecution",
      "states:DescribeExecution",
      "states:StopExecution",
      "xray:PutTraceSegments",
      "logs:CreateLogDelivery",
    ],
    schedule: ["states:StartExecution"],
    Preflight: [
      "glue:GetDatabase lake",
      `dynamodb:DescribeTable ${LEDGER_NAME}`,
      ...[...sources, "sluice/warehouse"].map((name) => `secretsmanager:DescribeSecret ${name}`),
    ],
  };

  /** What a part does with a key, if there is one: through the services alone whose data it reads or writes. */
  function keyUses(part: Part): string[] {
    if (world.key === undefined) return [];
    const reads = prefixes.some(({ read }) => read.includes(part));
    const writes = prefixes.some(({ written }) => written.includes(part));
    const acts = items.some(({ read, written }) => [...read, ...written].includes(part));
    return [
      ...(reads ? ["kms:Decrypt by s3"] : []),
      ...(writes ? ["kms:GenerateDataKey by s3"] : []),
      ...(acts ? ["kms:Decrypt by dynamodb", "kms:GenerateDataKey by dynamodb"] : []),
      ...(READS_SECRETS.includes(part) ? ["kms:Decrypt by secretsmanager"] : []),
    ];
  }

  describe("everything else", () => {
    it.each(PARTS)("%s", (part) => {
      expect(allowed(part, OTHER_CASES)).toEqual([...DOES[part], ...keyUses(part)].sort());
    });

    it.each([...FUNCTIONS, "preflight"])("%s writes its own log group only", (name) => {
      const part = PARTS.find((one) => one.toLowerCase() === name) ?? "Plan";
      const logging = z
        .looseObject({ LogGroup: z.unknown() })
        .parse(property(functionId(name), "LoggingConfig"));
      const own = template.text(logging.LogGroup);
      const cases = template.ofType("AWS::Logs::LogGroup").map(([id]): Case => {
        const resource = template.arnOf(id).replace(/\*$/, "log-stream:1");
        return [template.text({ Ref: id }), { action: "logs:PutLogEvents", resource }];
      });
      expect(cases.length).toBeGreaterThan(FUNCTIONS.length);
      expect(allowed(part, cases)).toEqual([own]);
    });

    it("Build writes the two log groups that Glue makes of its prefix only", () => {
      const groups = ["build/error", "build/output", "build", "another/output"].map(
        (name) => `/sluice/sluice/${name}`,
      );
      const arn = (group: string): string => `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:${group}`;
      const cases = [...groups, "/aws-glue/jobs/output"].flatMap((group): Case[] => [
        [`make ${group}`, { action: "logs:CreateLogGroup", resource: arn(group) }],
        [`stream ${group}`, { action: "logs:CreateLogStream", resource: `${arn(group)}:*` }],
        [`put ${group}`, { action: "logs:PutLogEvents", resource: `${arn(group)}:log-stream:1` }],
      ]);
      const expected = groups
        .slice(0, 2)
        .flatMap((group) => [`make ${group}`, `stream ${group}`, `put ${group}`]);
      expect(allowed("Build", cases)).toEqual(expected.sort());
    });
  });

  // --- the topic ----------------------------------------------------------------------------------------------------

  describe("the topic of alarms", () => {
    const publish = (caller: string, context: AccessRequest["context"]): Decision =>
      decide(
        { action: "sns:Publish", resource: TOPIC, caller, context: { ...context } },
        { identity: [], resource: template.resourceStatements(only("AWS::SNS::Topic")) },
      );
    const alarmOf = (account: string): Record<string, string> => ({
      "aws:SecureTransport": "true",
      "aws:SourceAccount": account,
      "aws:SourceArn": `arn:aws:cloudwatch:${REGION}:${account}:alarm:sluice-core-RunsFailed`,
    });

    it("takes what CloudWatch says about alarms of this account", () => {
      expect(publish("cloudwatch.amazonaws.com", alarmOf(ACCOUNT))).toBe("allowed");
    });

    it("takes nothing from another account, service or resource, nor without TLS", () => {
      expect(publish("cloudwatch.amazonaws.com", alarmOf("999988887777"))).toBe(
        "implicitly denied",
      );
      expect(publish("cloudwatch.amazonaws.com", {})).toBe("implicitly denied");
      expect(publish("events.amazonaws.com", alarmOf(ACCOUNT))).toBe("implicitly denied");
      const rule = `arn:aws:events:${REGION}:${ACCOUNT}:rule/any`;
      expect(
        publish("cloudwatch.amazonaws.com", { ...alarmOf(ACCOUNT), "aws:SourceArn": rule }),
      ).toBe("implicitly denied");
      expect(
        publish("cloudwatch.amazonaws.com", {
          ...alarmOf(ACCOUNT),
          "aws:SecureTransport": "false",
        }),
      ).toBe("explicitly denied");
    });
  });
});
