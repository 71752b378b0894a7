// A run that has ended, however it ended, holds nothing any more: the next one takes its tables.
import { SFNClient, SFNServiceException } from "@aws-sdk/client-sfn";
import { expect, it } from "vitest";
import { isRunning } from "../../../functions/plan/is-running.ts";

const ARN = "arn:aws:states:eu-central-1:111122223333:execution:sluice:run-1";

function responding(respond: () => Promise<unknown>): SFNClient {
  return Object.assign(new SFNClient({ region: "eu-central-1" }), { send: respond });
}

it.each([
  ["RUNNING", true],
  ["TIMED_OUT", false],
  ["ABORTED", false],
  ["FAILED", false],
  ["SUCCEEDED", false],
])("%s is running: %s", async (status, expected) => {
  const sfn = responding(() => Promise.resolve({ status }));
  expect(await isRunning(sfn, ARN)).toBe(expected);
});

const failing = (name: string): SFNClient =>
  responding(() =>
    Promise.reject(new SFNServiceException({ name, $fault: "client", $metadata: {} })),
  );

it("what is not an execution, or one of long ago, does not run", async () => {
  expect(await isRunning(failing("ExecutionDoesNotExist"), ARN)).toBe(false);
});

it("says nothing where Step Functions does not respond", async () => {
  await expect(isRunning(failing("ThrottlingException"), ARN)).rejects.toThrow();
});
