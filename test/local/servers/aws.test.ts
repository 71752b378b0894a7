// Tests that the local AWS is started as its command line says, and that a broken one is shown.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CreateBucketCommand, ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { startAws, type AwsOptions } from "../../../local/servers/aws.ts";
import { startPostgres } from "../../../local/servers/postgres.ts";
import { describeCost, expectCleanStop, running } from "./running.ts";
import { scratchFolder } from "./scratch.ts";

const deadlineMilliseconds = 300_000;

test(
  "the local AWS answers an AWS client and leaves no process",
  { timeout: deadlineMilliseconds },
  async () => {
    const folder = scratchFolder();
    const { logFolder, report } = optionsIn(folder);
    const dataFolder = join(folder, "postgres");
    const postgres = await running(startPostgres({ dataFolder, logFolder, port: 0, report }));
    const begun = Date.now();
    const options = { ...optionsIn(folder), postgresUrl: postgres.address };
    const server = await running(startAws(options));
    console.log(describeCost(server, begun));
    const client = new S3Client({
      endpoint: server.address,
      region: "us-east-1",
      forcePathStyle: true,
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
    });
    await client.send(new CreateBucketCommand({ Bucket: "things" }));
    const { Buckets } = await client.send(new ListBucketsCommand({}));
    expect(Buckets?.map(({ Name }) => Name)).toContain("things");
    await expectCleanStop(server);
  },
);

test("an emulator that dies is shown from its log", { timeout: deadlineMilliseconds }, async () => {
  const folder = scratchFolder();
  const packageFolder = emulatorThat(folder, 'raise SystemExit("no room for buckets")');
  const start = startAws({ ...optionsIn(folder), packageFolder });
  await expect(start).rejects.toThrow(/The local AWS exited with 1 before it was ready/);
  await expect(start).rejects.toThrow("no room for buckets");
  await expect(start).rejects.toThrow(join(folder, "logs", "aws.log"));
});

test(
  "the emulator sees nothing of the user's AWS credentials",
  { timeout: deadlineMilliseconds },
  async () => {
    const folder = scratchFolder();
    const script = `
import os, time
print(sorted(name for name in os.environ if name.startswith("AWS_")), os.environ["HOME"])
print("ready")
time.sleep(1000)
`;
    const packageFolder = emulatorThat(folder, script);
    process.env.AWS_SESSION_TOKEN = "the user's";
    const server = await running(startAws({ ...optionsIn(folder), packageFolder }));
    delete process.env.AWS_SESSION_TOKEN;
    expect(readFileSync(server.logFile, "utf8")).toContain(`[] ${join(folder, "work")}\n`);
  },
);

function optionsIn(folder: string): AwsOptions {
  return {
    port: 0,
    logFolder: join(folder, "logs"),
    workFolder: join(folder, "work"),
    postgresUrl: "postgresql://sluice@127.0.0.1:1/warehouse",
    report: console.log,
  };
}

function emulatorThat(folder: string, script: string): string {
  const packageFolder = join(folder, "package");
  mkdirSync(join(packageFolder, "emulator"), { recursive: true });
  writeFileSync(join(packageFolder, "emulator", "__init__.py"), "");
  writeFileSync(join(packageFolder, "emulator", "__main__.py"), script);
  return packageFolder;
}
