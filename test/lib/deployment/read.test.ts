// Finding a deployment by its name: nothing is deployed by default, and nothing of the example unless it is named.
import { App } from "aws-cdk-lib";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { namedDeployment } from "../../../lib/deployment/named.ts";
import { deploymentNames, readDeployment } from "../../../lib/deployment/read.ts";
import { RIGHT } from "../deployment-fixture.ts";

const projectFolder = fileURLToPath(new URL("../../..", import.meta.url));

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), "sluice-deployments-"));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** A project with these deployments, each `{}` or its content. */
function projectWith(files: Readonly<Record<string, string>>): string {
  const folder = temporary();
  mkdirSync(join(folder, "deployments"));
  mkdirSync(join(folder, "catalog"));
  writeFileSync(join(folder, "catalog/index.ts"), "");
  for (const [name, text] of Object.entries(files))
    writeFileSync(join(folder, "deployments", name), text);
  return folder;
}

test("a deployment is read by its name or by its file's path, and is called as its file", () => {
  const folder = projectWith({ "prod.json": JSON.stringify(RIGHT), "notes.txt": "" });
  expect(deploymentNames(folder)).toEqual(["prod"]);
  expect(readDeployment("prod", folder)).toMatchObject({ ...RIGHT, deployment: "prod" });
  expect(readDeployment("deployments/prod.json", folder).deployment).toBe("prod");
  expect(readDeployment(join(folder, "deployments/prod.json"), folder).deployment).toBe("prod");
});

test("without a name the deployments are listed, with how to name one", () => {
  const folder = projectWith({ "prod.json": "{}", "staging.json": "{}" });
  expect(() => readDeployment(undefined, folder)).toThrow(
    /no deployment is named\. Fix: write -c deployment=NAME, .*; there are prod, staging$/,
  );
  expect(() => readDeployment("stagin", folder)).toThrow(
    /deployment "stagin": there is no file deployments\/stagin\.json\. Fix: write staging; there are prod, staging/,
  );
  expect(() => readDeployment(undefined, temporary())).toThrow("there are none: docs/deploying.md");
});

test("a file that is not JSON is named", () => {
  const folder = projectWith({ "prod.json": '{ "account": }' });
  expect(() => readDeployment("prod", folder)).toThrow(
    /^deployments\/prod\.json: it is not JSON: /,
  );
});

test("the file to copy names neither an account nor the example, and is right once both are written", () => {
  expect(() => readDeployment("example")).toThrow(
    /^deployments\/example\.json, account: "000000000000" is a placeholder.*\n.*catalog: there is no file "warehouse\/index\.ts"[^\n]*$/,
  );
  const example = z
    .record(z.string(), z.unknown())
    .parse(JSON.parse(readFileSync(join(projectFolder, "deployments/example.json"), "utf8")));
  expect(example.enabled).toBe(false);
  const own = { ...example, account: RIGHT.account, catalog: "catalog/index.ts" };
  const folder = projectWith({ "own.json": JSON.stringify(own) });
  expect(readDeployment("own", folder)).toMatchObject({ deployment: "own", enabled: false });
});

test("a choice beside the file is a mistake, because the next deploy would forget it", () => {
  const right = { ...RIGHT, catalog: "test/shop/index.ts" };
  const file = join(projectWith({ "prod.json": JSON.stringify(right) }), "deployments/prod.json");
  expect(namedDeployment(new App({ context: { deployment: file } }).node).deployment).toBe("prod");
  const beside = new App({ context: { deployment: file, schedule: "off", enabled: "true" } });
  expect(() => namedDeployment(beside.node)).toThrow(
    /the context value enabled: "true" is given beside the deployment's file.*\nthe context value schedule: "off"/,
  );
});

test("the app ends with the mistakes alone, and writes nothing", () => {
  const folder = temporary();
  const run = (context: object): { status: number | null; stderr: string } =>
    spawnSync(process.execPath, [join(projectFolder, "lib/app.ts")], {
      cwd: projectFolder,
      encoding: "utf8",
      env: {
        ...process.env,
        CDK_OUTDIR: join(folder, "cdk.out"),
        CDK_CONTEXT_JSON: JSON.stringify(context),
      },
    });
  const unnamed = run({});
  expect(unnamed.status).toBe(1);
  expect(unnamed.stderr).toMatch(
    /^the command line: no deployment is named\. [^\n]*example[^\n]*\n$/,
  );
  const wrong = run({ deployment: "exampel" });
  expect(wrong.stderr).toContain("Fix: write example");
  expect(wrong.status).toBe(1);
});
