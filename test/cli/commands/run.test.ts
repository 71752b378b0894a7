// What `sluice run` refuses before it does anything.
import { expect, test } from "vitest";
import { UsageError } from "../../../cli/arguments.ts";
import { run } from "../../../cli/commands/run.ts";

test.each([
  ["--elasticsearch", "http://127.0.0.1:9200"],
  ["--cassandra", "127.0.0.1:9042/datacenter1"],
  ["--set", "warehouse=none"],
])("%s, which a deployment would ignore, is refused with --deployed", async (option, value) => {
  const refused = run(["--deployed", "prod", option, value]);
  await expect(refused).rejects.toThrow(UsageError);
  await expect(refused).rejects.toThrow(`${option} is of the stack on this machine`);
});
