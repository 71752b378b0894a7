// What `sluice init` writes, and what it leaves alone. That it works is tested with the package, in test/stack.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { init } from "../../../cli/commands/init.ts";
import { projectFiles } from "../../../cli/new-project.ts";
import { jsonSchema, parseConfig } from "../../../lib/config.ts";

let folder: string;
const manifestSchema = z.looseObject({
  type: z.string(),
  sluice: z.object({ catalog: z.string() }),
  scripts: z.record(z.string(), z.string()),
  dependencies: z.record(z.string(), z.string()),
});
const asked = { dependencies: { sluice: "file:../sluice.tgz" } };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-init-"));
  vi.spyOn(process.stdout, "write").mockReturnValue(true);
});
afterEach(() => {
  rmSync(folder, { recursive: true });
  vi.restoreAllMocks();
});

const write = (name: string, value: unknown): void => {
  writeFileSync(join(folder, name), JSON.stringify(value));
};
const manifest = (): z.infer<typeof manifestSchema> =>
  manifestSchema.parse(JSON.parse(readFileSync(join(folder, "package.json"), "utf8")));

describe("the files", () => {
  it("name the sources that were asked for", () => {
    const files = projectFiles("warehouse", [
      { name: "search", system: "elasticsearch" },
      { name: "page_events", system: "cassandra" },
    ]);
    expect(files.get("catalog/index.ts")).toContain("sources: [search, pageEvents],");
    expect(files.get("catalog/sources.ts")).toContain("export const pageEvents = defineSource({");
    expect(files.get("README.md")).toMatch(/^# warehouse\n/);
    expect([...files.keys()]).toContain(".gitignore");
  });

  it("have an example for whom none was asked for", () => {
    const files = projectFiles("warehouse", []);
    expect(files.get("catalog/index.ts")).toContain("sources: [],");
    expect(files.get("catalog/sources.ts")).toMatch(/^\/\/ export const search = defineSource/m);
  });

  it("have a deployment's file that is right", () => {
    const text = projectFiles("warehouse", []).get("deployments/dev.json") ?? "";
    const config = parseConfig("dev", JSON.parse(text), "deployments/dev.json", () => true);
    expect(config).toMatchObject({ catalog: "catalog/index.ts", enabled: false });
    expect(Object.keys(z.looseObject({}).parse(JSON.parse(text)))).toEqual(
      expect.arrayContaining(
        z.object({ required: z.array(z.string()) }).parse(jsonSchema()).required,
      ),
    );
  });
});

describe("a package.json that is there", () => {
  it("is completed, and what it says stays", async () => {
    write("package.json", { ...asked, name: "ours", scripts: { test: "other" } });
    expect(await init([folder])).toBe(0);
    expect(manifest()).toMatchObject({
      ...{ name: "ours", type: "module", sluice: { catalog: "catalog/index.ts" } },
      dependencies: asked.dependencies,
      scripts: { test: "other", sluice: "sluice" },
    });
    expect(manifest().dependencies["aws-cdk-lib"]).toMatch(/^\d/);
  });

  it.each([
    [{ ...asked, sluice: { catalog: "index.ts" } }, /is a project already/],
    [{ ...asked, type: "commonjs" }, /type: "commonjs" is given\. Fix: write "module"/],
  ])("like %j is rejected, and nothing is written", async (own, message) => {
    write("package.json", own);
    await expect(async () => init([folder])).rejects.toThrow(message);
    expect(readdirSync(folder)).toEqual(["package.json"]);
  });
});

it("a file that is there is named and stays, and nothing is written", async () => {
  write("package.json", asked);
  mkdirSync(join(folder, "catalog"));
  write("catalog/index.ts", "mine");
  await expect(async () => init([folder])).rejects.toThrow(/has catalog\/index\.ts already/);
  expect(readdirSync(folder).sort()).toEqual(["catalog", "package.json"]);
  expect(readdirSync(join(folder, "catalog"))).toEqual(["index.ts"]);
});

it.each([
  [[], /must be given one folder/],
  [["a", "b"], /must be given one folder/],
  [["a", "--source", "search"], /--source "search": must be NAME=elasticsearch or NAME=cassandra/],
  [["a", "--source", "search=mysql"], /--source "search=mysql": must be/],
  [["a", "--source", "Search=cassandra"], /--source.*"?Search/],
  [["a", "--source", "s=cassandra", "--source", "s=cassandra"], /--source s is given twice/],
])("%j is rejected", async (args, message) => {
  await expect(async () => init(args)).rejects.toThrow(message);
});
