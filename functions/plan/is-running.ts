// Asks Step Functions whether an execution is still running.
import { DescribeExecutionCommand, type SFNClient } from "@aws-sdk/client-sfn";

// An execution is forgotten 90 days after its end; what was never an execution does not run either.
const NOT_AN_EXECUTION = new Set(["ExecutionDoesNotExist", "InvalidArn"]);

export async function isRunning(sfn: SFNClient, execution: string): Promise<boolean> {
  try {
    const { status } = await sfn.send(new DescribeExecutionCommand({ executionArn: execution }));
    return status === "RUNNING";
  } catch (error) {
    if (error instanceof Error && NOT_AN_EXECUTION.has(error.name)) return false;
    throw error;
  }
}
