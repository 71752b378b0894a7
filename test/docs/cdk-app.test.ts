// The CDK app that docs/deploying.md shows is the one in cdk-app.ts, and it synthesizes what the text says.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";

const file = fileURLToPath(new URL("cdk-app.ts", import.meta.url));
const manifestSchema = z.object({
  artifacts: z.record(
    z.string(),
    z.looseObject({
      type: z.string(),
      properties: z.looseObject({ stackName: z.string().optional() }).optional(),
    }),
  ),
});

test("the document shows the app that is tested", () => {
  const [, ...code] = readFileSync(file, "utf8").split("\n");
  const shown = code.join("\n").replace('"../shop/', '"./catalog/');
  const document = readFileSync(new URL("../../docs/deploying.md", import.meta.url), "utf8");
  expect(document).toContain(`\`\`\`ts\n${shown}\`\`\``);
});

test("it synthesizes, with the stacks that the document names", () => {
  const outdir = mkdtempSync(join(tmpdir(), "sluice-cdk-app-"));
  onTestFinished(() => {
    rmSync(outdir, { recursive: true, force: true });
  });
  const ran = spawnSync(process.execPath, [file], {
    encoding: "utf8",
    env: {
      ...process.env,
      CDK_OUTDIR: outdir,
      CDK_CONTEXT_JSON: JSON.stringify({ "aws:cdk:bundling-stacks": [] }),
    },
  });
  expect(ran.status, ran.stderr).toBe(0);
  const { artifacts } = manifestSchema.parse(
    JSON.parse(readFileSync(join(outdir, "manifest.json"), "utf8")),
  );
  const stacks = Object.entries(artifacts)
    .filter(([, { type }]) => type === "aws:cloudformation:stack")
    .map(([id, { properties }]) => properties?.stackName ?? id);
  expect(stacks.sort()).toEqual([
    ...[0, 1, 2, 3].map((number) => `analytics-catalog-${number}`),
    "data-platform",
  ]);
});
