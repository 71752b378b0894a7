// A deployment's file: each kind of mistake is found, with the file, the place, the value and what to write.
import { RegionInfo } from "aws-cdk-lib/region-info";
import { describe, expect, it, test } from "vitest";
import { readFileSync } from "node:fs";
import { jsonSchema, parseConfig } from "../../../lib/config.ts";
import { DeploymentError } from "../../../lib/deployment/errors.ts";
import { isRegion } from "../../../lib/deployment/regions.ts";
import { RIGHT, testConfig } from "../deployment-fixture.ts";

const network = {
  vpcId: "vpc-0123456789abcdef0",
  availabilityZones: ["eu-central-1a", "eu-central-1b", "eu-central-1c"],
  subnetIds: ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1", "subnet-12345678"],
  securityGroupIds: ["sg-0123456789abcdef0", "sg-12345678"],
};

function mistakesIn(given: unknown, name = "prod", exists = true): string[] {
  try {
    parseConfig(name, given, `deployments/${name}.json`, () => exists);
    return [];
  } catch (error) {
    if (!(error instanceof DeploymentError)) throw error;
    return error.message.split("\n");
  }
}

const withNetwork = (changes: object): unknown => ({
  ...RIGHT,
  network: { ...network, ...changes },
});

describe("a right file", () => {
  it("is taken, with every default filled in", () => {
    expect(parseConfig("prod", RIGHT, "deployments/prod.json", () => true)).toEqual({
      ...RIGHT,
      deployment: "prod",
      schedule: "rate(1 hour)",
      warehouse: "redshift-serverless",
      extractTimeoutSeconds: 900,
      extractMemoryMegabytes: 512,
      buildWorkers: 2,
      catalogStacks: 4,
      alarmAfterHours: 24,
      adopt: false,
    });
  });

  it.each<[string, object]>([
    ["a network", { network }],
    ["a schema for editors", { $schema: "../lib/deployment.schema.json" }],
    ["no schedule", { schedule: "off" }],
    ["cron", { schedule: "cron(0 5 ? * MON-FRI *)" }],
    ["a mail address", { alarmEmail: "on-call@example.com" }],
    ["the least and the most", { extractTimeoutSeconds: 10, buildWorkers: 100 }],
    [
      "two zones in us-west-1",
      {
        region: "us-west-1",
        network: { ...network, availabilityZones: ["us-west-1a", "us-west-1c"] },
      },
    ],
    [
      "one zone without a warehouse",
      {
        warehouse: "none",
        network: {
          ...network,
          availabilityZones: ["eu-central-1a"],
          subnetIds: ["subnet-12345678"],
        },
      },
    ],
  ])("may have %s", (_, changes) => {
    expect(mistakesIn({ ...RIGHT, ...changes })).toEqual([]);
  });
});

describe("each mistake is reported with its file, place, value and fix", () => {
  it.each<[string, unknown, string]>([
    [
      "an unknown name",
      { ...RIGHT, shedule: "rate(2 hours)" },
      'deployments/prod.json, shedule: there is no field "shedule" (its value is "rate(2 hours)"). Fix: write "schedule"',
    ],
    [
      "an unknown name inside",
      withNetwork({ subnetIDs: [] }),
      'deployments/prod.json, network.subnetIDs: there is no field "subnetIDs" (its value is []). Fix: write "subnetIds"',
    ],
    [
      "a name that is like no other",
      { ...RIGHT, colour: "blue" },
      'deployments/prod.json, colour: there is no field "colour" (its value is "blue"). Fix: remove it; there are $schema, account,',
    ],
    [
      "no account",
      { ...RIGHT, account: undefined },
      'deployments/prod.json, account: it is missing. Fix: add "account": The AWS account',
    ],
    [
      "a misspelled name of what must be there",
      { ...RIGHT, enabled: undefined, enable: true },
      'deployments/prod.json, enable: there is no field "enable" (its value is true). Fix: write "enabled"',
    ],
    ["a list", [RIGHT], "deployments/prod.json: "],
    ["a short account", { ...RIGHT, account: "12345" }, 'account: "12345" is not allowed here'],
    ["a number as account", { ...RIGHT, account: 123456789012 }, "account: 123456789012 is not"],
    [
      "the placeholder",
      { ...RIGHT, account: "000000000000" },
      'account: "000000000000" is a placeholder. Fix: write your account',
    ],
    [
      "a misspelled region",
      { ...RIGHT, region: "eu-cental-1" },
      'region: "eu-cental-1" is not a region. Fix: write "eu-central-1"',
    ],
    ["a zone as region", { ...RIGHT, region: "eu-central-1a" }, "is not a region"],
    ["words for a switch", { ...RIGHT, enabled: "yes" }, 'enabled: "yes" is not allowed here'],
    [
      "a rejected schedule",
      { ...RIGHT, schedule: "rate(1 hours)" },
      'deployments/prod.json, schedule: "rate(1 hours)": the unit of 1 must be singular. Fix: write "rate(1 hour)"',
    ],
    [
      "a misspelled warehouse",
      { ...RIGHT, warehouse: "redshift-severless" },
      'warehouse: "redshift-severless" is not allowed here. Fix: write "redshift-serverless"',
    ],
    [
      "a long time-out",
      { ...RIGHT, extractTimeoutSeconds: 901 },
      "extractTimeoutSeconds: 901 is not allowed here. Fix: write a whole number from 10 to 900",
    ],
    ["a short time-out", { ...RIGHT, extractTimeoutSeconds: 9 }, "from 10 to 900"],
    ["half a worker", { ...RIGHT, buildWorkers: 2.5 }, "from 2 to 100"],
    ["a text as number", { ...RIGHT, buildWorkers: "2" }, 'buildWorkers: "2" is not allowed here'],
    ["no mail address", { ...RIGHT, alarmEmail: "on-call" }, 'alarmEmail: "on-call" is not'],
    ["a wrong VPC", withNetwork({ vpcId: "vpc-xyz" }), 'network.vpcId: "vpc-xyz" is not allowed'],
    [
      "a wrong subnet",
      withNetwork({ subnetIds: [...network.subnetIds, "sg-12345678"] }),
      'network.subnetIds[3]: "sg-12345678" is not allowed here. Fix: write an id such as "subnet-',
    ],
    [
      "a group of nine digits",
      withNetwork({ securityGroupIds: ["sg-123456789"] }),
      'network.securityGroupIds[0]: "sg-123456789" is not allowed here',
    ],
    [
      "two subnets alike",
      withNetwork({ subnetIds: [...network.subnetIds, "subnet-12345678"] }),
      'network.subnetIds[3]: "subnet-12345678" is listed twice. Fix: remove it, or name another subnet',
    ],
    [
      "two security groups alike",
      withNetwork({ securityGroupIds: ["sg-12345678", "sg-12345678"] }),
      'network.securityGroupIds[1]: "sg-12345678" is listed twice',
    ],
    [
      "two zones alike",
      withNetwork({
        availabilityZones: ["eu-central-1a", "eu-central-1b", "eu-central-1b"],
      }),
      'network.availabilityZones[2]: "eu-central-1b" is listed twice',
    ],
    [
      "a zone of another region",
      withNetwork({ availabilityZones: ["eu-central-1a", "eu-central-1b", "eu-west-1c"] }),
      'network.availabilityZones[2]: "eu-west-1c" is not an availability zone of eu-central-1',
    ],
    [
      "too few zones",
      withNetwork({ availabilityZones: ["eu-central-1a", "eu-central-1b"] }),
      "network.availabilityZones: there are 2, and Redshift Serverless must have 3 in eu-central-1",
    ],
    [
      "too few subnets",
      withNetwork({ subnetIds: network.subnetIds.slice(0, 2) }),
      "network.subnetIds: there are 2, and Redshift Serverless must have 3",
    ],
    [
      "more zones than subnets",
      withNetwork({ subnetIds: network.subnetIds.slice(0, 2) }),
      "there are 3 zones and 2 subnets",
    ],
    ["no subnets", withNetwork({ subnetIds: [] }), "name at least one subnet"],
    [
      "more groups than Lambda takes",
      withNetwork({ securityGroupIds: [1, 2, 3, 4, 5, 6].map((n) => `sg-1234567${n}`) }),
      "name at most 5",
    ],
  ])("%s", (_, given, words) => {
    const mistakes = mistakesIn(given);
    expect(mistakes.join("\n")).toContain(words);
    for (const mistake of mistakes) {
      expect(mistake).toMatch(/^deployments\/prod\.json.*: .+\. Fix: .+/);
    }
  });

  it("a catalog that is not there", () => {
    expect(mistakesIn({ ...RIGHT, catalog: "warehouse/index.ts" }, "prod", false)).toEqual([
      expect.stringContaining('catalog: there is no file "warehouse/index.ts"'),
    ]);
  });

  it("all at once, those of single fields and those of how they fit together", () => {
    const mistakes = mistakesIn(
      {
        ...{
          account: "1",
          region: "eu-central-1",
          catalog: "nowhere.ts",
          shedule: "rate(0 hours)",
        },
        schedule: "cron(0 5 * * *)",
        network: { ...network, availabilityZones: ["eu-west-1a"], vpcID: "vpc-12345678" },
      },
      "Prod",
      false,
    );
    const places = mistakes.map((mistake) => mistake.replace(/: .*/, ""));
    expect(new Set(places)).toEqual(
      new Set([
        "deployments/Prod.json",
        ...["account", "shedule", "schedule", "enabled", "catalog", "network.vpcID"].map(
          (field) => `deployments/Prod.json, ${field}`,
        ),
      ]),
    );
  });
});

test("regions that CDK knows are known", () => {
  for (const { name } of RegionInfo.regions) expect([name, isRegion(name)]).toEqual([name, true]);
  for (const name of ["eu-central", "eu-central-0", "us-east-1a", "moon-east-1", ""])
    expect([name, isRegion(name)]).toEqual([name, false]);
});

test("the schema for editors is the one that is checked; `node lib/deployment/write-schema.ts` writes it", () => {
  const file = new URL("../../../lib/deployment.schema.json", import.meta.url);
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(JSON.parse(JSON.stringify(jsonSchema())));
});

test("every field has a description, also inside others", () => {
  const undescribed = (schema: unknown, path: string): string[] => {
    if (typeof schema !== "object" || schema === null || !("properties" in schema)) return [];
    return Object.entries(schema.properties as Record<string, { description?: string }>).flatMap(
      ([name, field]) => [
        ...(field.description === undefined ? [`${path}${name}`] : []),
        ...undescribed(field, `${path}${name}.`),
      ],
    );
  };
  expect(undescribed(jsonSchema(), "")).toEqual([]);
  expect(testConfig().deployment).toBe("sluice");
});
