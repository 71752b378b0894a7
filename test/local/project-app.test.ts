// The project's app is run as `cdk synth` would, and again when something that it depends on has changed.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { appFingerprint, synthesizeApp } from "../../local/project-app.ts";

const before = process.cwd();
const WRITE_GIVEN = `import { writeFileSync } from "node:fs";
const { CDK_OUTDIR = "", CDK_CONTEXT_JSON = "" } = process.env;
const node: string = process.version;
writeFileSync(CDK_OUTDIR, JSON.stringify({ node, context: JSON.parse(CDK_CONTEXT_JSON) }));
`;

let folder: string;

const write = (path: string, content: unknown): void => {
  const text = typeof content === "string" ? content : JSON.stringify(content);
  writeFileSync(join(folder, path), text);
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-project-app-"));
  mkdirSync(join(folder, "catalog"));
  mkdirSync(join(folder, "node_modules"));
  write("package.json", { sluice: { catalog: "catalog/index.ts" } });
  write("catalog/index.ts", "1");
  write("app.ts", WRITE_GIVEN);
  write("cdk.json", { app: "node app.ts", context: { own: 1, both: "cdk.json" } });
  process.chdir(folder);
});
afterEach(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true });
});

const synthesized = async (): Promise<unknown> => {
  await synthesizeApp("the-file.json", join(folder, "out"), join(folder, "log"));
  return JSON.parse(readFileSync(join(folder, "out"), "utf8"));
};

describe("the app", () => {
  it("gets the deployment, and the context of the project's files, under the Node that runs this", async () => {
    write("cdk.context.json", { known: 2, both: "cdk.context.json" });
    expect(await synthesized()).toMatchObject({
      node: process.version,
      context: { own: 1, known: 2, both: "cdk.json", deployment: "the-file.json" },
    });
  });

  it.each([
    [{}, /cdk\.json does not say which program is the CDK app\. Fix: write/],
    ["{", /cdk\.json is not JSON/],
    [{ app: "node none.ts" }, /Synthesizing the CDK app failed: .*none\.ts/s],
  ])("with cdk.json %j is an error that says why", async (content, message) => {
    write("cdk.json", content);
    await expect(synthesized()).rejects.toThrow(message);
  });
});

describe("the fingerprint", () => {
  const fingerprint = (): string => appFingerprint("catalog/index.ts");

  it.each(["catalog/index.ts", "catalog/new.sql", "app.ts", "cdk.json", "own-construct.ts"])(
    "is another when %s changes",
    (path) => {
      const first = fingerprint();
      write(path, "changed");
      expect(fingerprint()).not.toBe(first);
    },
  );

  it.each(["node_modules/x.js", ".editor"])("is the same when %s changes", (path) => {
    const first = fingerprint();
    write(path, "changed");
    expect(fingerprint()).toBe(first);
  });

  it("is of a catalog that lies elsewhere, too", () => {
    const elsewhere = mkdtempSync(join(tmpdir(), "sluice-catalog-"));
    try {
      const first = appFingerprint(join(elsewhere, "index.ts"));
      writeFileSync(join(elsewhere, "index.ts"), "1");
      expect(appFingerprint(join(elsewhere, "index.ts"))).not.toBe(first);
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });
});
