// What `sluice run` rejects before it does anything.
import { expect, test } from "vitest";
import { UsageError } from "../../../cli/arguments.ts";
import { run } from "../../../cli/commands/run.ts";

test.each([
  ["--elasticsearch", "http://127.0.0.1:9200"],
  ["--cassandra", "127.0.0.1:9042/datacenter1"],
  ["--set", "warehouse=none"],
])("%s, which a deployment would ignore, is rejected with --deployed", async (option, value) => {
  const rejected = run(["--deployed", "prod", option, value]);
  await expect(rejected).rejects.toThrow(UsageError);
  await expect(rejected).rejects.toThrow(`${option} is for the stack on this machine`);
});
