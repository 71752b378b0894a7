// Prints what the emulator must know of the engine: every resource type and state machine of the synthesized app with
// each of its options, and every kind of statement that Load sends. test_what_the_app_uses.py holds it against that.
import { App } from "aws-cdk-lib";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { catalog } from "../shop/index.ts";
import { allAuditsQuery, allRelationsQuery } from "../../functions/load/all-facts.ts";
import * as sql from "../../functions/load/sql.ts";
import type { Delta } from "../../contract/delta.ts";
import { buildStacks } from "../../lib/stacks/build-stacks.ts";
import { testConfig } from "../lib/deployment-fixture.ts";

/** Each option that adds resources is in one of these with every value. */
const OPTIONS: readonly Record<string, unknown>[] = [
  {},
  {
    warehouse: "none",
    schedule: "off",
    alarmEmail: "team@example.com",
    network: {
      vpcId: "vpc-01234567",
      availabilityZones: ["eu-central-1a", "eu-central-1b", "eu-central-1c"],
      subnetIds: ["subnet-01234567", "subnet-11234567", "subnet-21234567"],
      securityGroupIds: ["sg-01234567"],
    },
  },
];

const templateSchema = z.object({
  Resources: z.record(
    z.string(),
    z.object({ Type: z.string(), Properties: z.record(z.string(), z.unknown()).optional() }),
  ),
});

/** A definition's text; what CloudFormation puts into it is an ARN or a name. */
function definitionText(definition: unknown): string {
  if (typeof definition === "string") return definition;
  const { "Fn::Join": join } = z
    .object({ "Fn::Join": z.tuple([z.string(), z.array(z.unknown())]) })
    .parse(definition);
  return join[1].map((part) => (typeof part === "string" ? part : "aws")).join(join[0]);
}

function synthesized(): { types: string[]; machines: string[] } {
  const types = new Set<string>();
  const machines = new Set<string>();
  const outputs = mkdtempSync(join(tmpdir(), "sluice-synth-"));
  try {
    for (const [number, choices] of OPTIONS.entries()) {
      const app = new App({
        // What the CDK's command line adds to a template unless it is disabled.
        analyticsReporting: true,
        context: { "aws:cdk:bundling-stacks": [] },
        outdir: join(outputs, String(number)),
      });
      buildStacks(app, testConfig(choices), catalog);
      for (const stack of app.synth().stacks) {
        for (const resource of Object.values(templateSchema.parse(stack.template).Resources)) {
          types.add(resource.Type);
          if (resource.Type === "AWS::StepFunctions::StateMachine") {
            machines.add(definitionText(resource.Properties?.DefinitionString));
          }
        }
      }
    }
  } finally {
    rmSync(outputs, { recursive: true, force: true });
  }
  return { types: [...types].sort(), machines: [...machines] };
}

function statements(): string[] {
  const column = { name: "id", redshift: "VARCHAR(65535)" };
  const delta: Delta = {
    format: 1,
    table: "companies",
    kind: "merge",
    snapshot: "2",
    parent: "1",
    createdAt: "2026-07-01T00:00:00Z",
    run: "run-1",
    key: ["id"],
    columns: [{ ...column, type: "string" }],
    files: [{ url: "s3://bucket/part-0.parquet", contentLength: 1, rows: 2 }],
    rows: 1,
    deletes: 1,
  };
  const apply: sql.Apply = {
    delta,
    expected: "1",
    makeTarget: false,
    emptyTarget: false,
    layout: { distribution: { style: "key", column: "id" }, sortKeys: ["id"] },
    viewColumns: ["id"],
    manifestUrl: "s3://bucket/manifest",
    copyRole: "arn:aws:iam::123456789012:role/copy",
  };
  return [
    ...sql.setUpStatements(),
    sql.createLock("companies"),
    sql.relationsQuery("companies"),
    sql.lastAuditQuery("companies"),
    allRelationsQuery(),
    allAuditsQuery(),
    sql.addColumn("companies", column),
    sql.widenColumn("companies", column),
    sql.dropView("companies"),
    ...sql.createView("companies", ["id"]),
    sql.commentOnView("companies", "It's a \\ table"),
    sql.commentOnColumn("companies", "id", "It's a \\ column"),
    ...sql.applyStatements(apply),
    ...sql.applyStatements({ ...apply, expected: null, makeTarget: true, emptyTarget: true }),
    ...sql.applyStatements({ ...apply, emptyTarget: true }),
  ];
}

process.stdout.write(JSON.stringify({ ...synthesized(), statements: statements() }));
