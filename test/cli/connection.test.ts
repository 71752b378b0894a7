// Which region and account a deployed deployment is looked for in: those that its file names.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { connect } from "../../cli/connection.ts";
import { RIGHT } from "../lib/deployment-fixture.ts";

/** Systems Manager, with one parameter; null: with none. */
async function startParameters(account: string | null): Promise<{ regions: string[] }> {
  const regions: string[] = [];
  const server = createServer((request, response) => {
    // The signature's scope: key/date/region/service.
    regions.push(String(request.headers.authorization).split("/")[2] ?? "");
    const value = {
      ...{ format: 1, deployment: "prod", bucket: "b", ledger: "l", buildJob: "j" },
      catalogStacks: 1,
      stateMachineArn: `arn:aws:states:eu-central-1:${String(account)}:stateMachine:prod`,
      warehouse: null,
    };
    response.writeHead(account === null ? 400 : 200, {
      "content-type": "application/x-amz-json-1.1",
    });
    response.end(
      JSON.stringify(
        account === null
          ? { __type: "ParameterNotFound", message: "" }
          : { Parameter: { Value: JSON.stringify(value) } },
      ),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("it has no port");
  vi.stubEnv("AWS_ENDPOINT_URL_SSM", `http://127.0.0.1:${String(address.port)}`);
  return { regions };
}

let project: string;
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "sluice-connection-"));
  for (const folder of ["deployments", "catalog"]) mkdirSync(join(project, folder));
  writeFileSync(join(project, "catalog/index.ts"), "");
  writeFileSync(join(project, "deployments/prod.json"), JSON.stringify(RIGHT));
  vi.stubEnv("AWS_ACCESS_KEY_ID", "key");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret");
  vi.stubEnv("AWS_REGION", "us-west-2");
  onTestFinished(() => {
    vi.unstubAllEnvs();
    rmSync(project, { recursive: true, force: true });
  });
});

test("the region of the deployment's file comes before the one that is configured", async () => {
  const { regions } = await startParameters(RIGHT.account);
  const connection = await connect({ deployed: "prod" }, project);
  expect(regions).toEqual([RIGHT.region]);
  expect(connection.clientConfig).toEqual({ region: RIGHT.region });
  expect(await connection.s3.config.region()).toBe(RIGHT.region);
});

test("a deployment without a file is looked for where AWS is configured", async () => {
  const { regions } = await startParameters(RIGHT.account);
  await connect({ deployed: "elsewhere" }, project);
  expect(regions).toEqual(["us-west-2"]);
});

test("credentials of another account than the file names are rejected", async () => {
  await startParameters("999999999999");
  await expect(connect({ deployed: "prod" }, project)).rejects.toThrow(
    "The credentials are of account 999999999999, and deployments/prod.json names 123456789012",
  );
});

test("where there is no such deployment the region and the account are named", async () => {
  await startParameters(null);
  await expect(connect({ deployed: "prod" }, project)).rejects.toThrow(
    /\/sluice\/prod does not exist in eu-central-1 .*names 123456789012.*cdk deploy --all -c deployment=prod/,
  );
});
