// docs/deploying.md explains every choice of a deployment's file, in the schema's own words, and names every service that a part in the network calls.
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { MAX_ENTRY_NAME_LENGTH } from "../../catalog/names.ts";
import { jsonSchema, parseConfig } from "../../lib/config.ts";
import { FUNCTION_NAMES, mistakesInDeploymentName } from "../../lib/deployment/service-names.ts";

const read = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

/** The cells of each row of each table. */
const rows = read("docs/deploying.md")
  .split("\n")
  .filter((line) => line.startsWith("|"))
  .map((line) =>
    line
      .slice(1, -1)
      .split(" | ")
      .map((cell) => cell.trim()),
  );

const fieldSchema = z.object({
  description: z.string(),
  default: z.unknown().optional(),
  properties: z.record(z.string(), z.object({ description: z.string() })).optional(),
});
const { properties, required } = z
  .object({ properties: z.record(z.string(), fieldSchema), required: z.array(z.string()) })
  .parse(jsonSchema());

describe("the deployment's file", () => {
  it.each(Object.keys(properties))("%s stands in the table, with its default", (name) => {
    const field = properties[name];
    const byDefault = required.includes(name)
      ? "must be given"
      : field?.default === undefined
        ? "none"
        : `\`${typeof field.default === "string" ? field.default : JSON.stringify(field.default)}\``;
    expect(rows).toContainEqual([`\`${name}\``, byDefault, field?.description]);
  });

  it.each(Object.entries(properties.network?.properties ?? {}))(
    "network.%s stands in the table",
    (name, { description }) => {
      expect(rows).toContainEqual([`\`${name}\``, description]);
    },
  );

  it("has a right example", () => {
    const [, example = ""] = /```json\n(.*?)```/s.exec(read("docs/deploying.md")) ?? [];
    expect(parseConfig("name", JSON.parse(example), "docs", () => true).enabled).toBe(false);
  });
});

describe("the network", () => {
  const SERVICES: Readonly<Record<string, string>> = {
    SecretsManager: "Secrets Manager",
    DynamoDB: "DynamoDB",
    S3: "S3",
    Glue: "Glue",
    SFN: "Step Functions",
  };
  const inNetwork = FUNCTION_NAMES.filter((name) => {
    const file = `lib/constructs/functions/${name}-function.ts`;
    return existsSync(new URL(`../../${file}`, import.meta.url)) && read(file).includes("network");
  });

  it("has Plan and Extract in it", () => {
    expect(inNetwork).toEqual(["plan", "extract"]);
  });

  it.each(inNetwork)("every service that %s calls must be reachable", (name) => {
    const clients = [...read(`functions/${name}/handler.ts`).matchAll(/new (\w+?)Client\(/g)].map(
      ([, client = ""]) => SERVICES[client] ?? client,
    );
    const part = name.charAt(0).toUpperCase() + name.slice(1);
    const row = rows.find(([from, to]) => from === part && to?.includes("S3"));
    expect(row?.[1]?.split(", ").sort()).toEqual([...new Set(clients)].sort());
  });
});

it("the limits of names are those that are checked", () => {
  const document = read("docs/deploying.md");
  const fits = (length: number): boolean =>
    [...mistakesInDeploymentName("a".repeat(length), "")].length === 0;
  const lengths = Array.from({ length: 200 }, (_, length) => length).filter(fits);
  expect(document).toContain(
    `A deployment's name is ${String(lengths[0])} to ${String(lengths.at(-1))} lower-case letters`,
  );
  expect(document).toContain(`model's name has at most ${MAX_ENTRY_NAME_LENGTH} characters`);
});
