// The catalog is right, its names fit every deployment, and every deployment's templates can be made.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { deploymentNames, synthesize } from "sluice/cdk";

const FOLDER = mkdtempSync(join(tmpdir(), "synth-"));
after(() => {
  rmSync(FOLDER, { recursive: true });
});

for (const deployment of deploymentNames()) {
  void test(`deployment ${deployment}`, async () => {
    await synthesize({ context: { deployment }, outdir: join(FOLDER, deployment) });
  });
}
