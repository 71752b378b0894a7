// The state machine that serves every table, as Amazon States Language (JSONata): a pure function of the ARNs it calls.
import { keys } from "../contract/keys.ts";

/** What the state machine calls. */
export interface PipelineTargets {
  readonly planArn: string;
  readonly extractArn: string;
  readonly commitArn: string;
  readonly decideArn: string;
  readonly loadArn: string;
  readonly reportArn: string;
  readonly buildJobName: string;
  readonly bucketName: string;
  /** After which a run that has not ended is ended: `runTimeoutSeconds`. */
  readonly timeoutSeconds: number;
}

/** Lanes that are read at the same time: the limit of an inline Map. */
const LANES_AT_ONCE = 40;

/** Glue's own time-out of the build, and its default. */
export const BUILD_TIMEOUT_MINUTES = 480;

/** The last invocation of a lane, its retries among them, ends so much after the budget's time is over, at the latest. */
const LAST_LINK_SECONDS = 2 * 3600;
/** How long `Build` waits for another run's build: 40 attempts, up to 120 seconds apart. */
const BUILD_QUEUE_SECONDS = 80 * 60;
/** Load gives a table up after 900 polls, each of at most 20 seconds and 10 seconds of waiting. */
const LOAD_SECONDS = 8 * 3600;
/** Plan, Commit and Report with all their retries. */
const OTHER_STEPS_SECONDS = 2 * 3600;

/**
 * How long a run may take, in seconds: longer than the longest that does what it should, so that only one that hangs
 * is ended. Each step has a limit of its own, and this is their sum. With the defaults it is less than a day.
 *
 * A run that is ended so leaves its tables to the next one, which finds that the execution no longer runs; a lane
 * stays taken until its lease ends.
 */
export function runTimeoutSeconds(
  budgets: readonly { readonly lanes: number; readonly maxSecondsPerRun: number }[],
): number {
  const lanes = budgets.reduce((sum, budget) => sum + budget.lanes, 0);
  const longest = Math.max(0, ...budgets.map(({ maxSecondsPerRun }) => maxSecondsPerRun));
  const rounds = Math.max(1, Math.ceil(lanes / LANES_AT_ONCE));
  return Math.ceil(
    rounds * (longest + LAST_LINK_SECONDS) +
      BUILD_QUEUE_SECONDS +
      BUILD_TIMEOUT_MINUTES * 60 +
      LOAD_SECONDS +
      OTHER_STEPS_SECONDS,
  );
}

type State = Record<string, unknown>;

/** Failures of Lambda itself, or of a process that died: trying again is right, whatever it was doing. */
const LAMBDA_FAILURES = [
  "Lambda.ClientExecutionTimeoutException",
  "Lambda.ServiceException",
  "Lambda.AWSLambdaException",
  "Lambda.SdkClientException",
  "Lambda.TooManyRequestsException",
  "Lambda.Unknown",
  "Runtime.ExitError",
  "Runtime.OutOfMemory",
  "Sandbox.Timedout",
];

const retryLambda = {
  ErrorEquals: LAMBDA_FAILURES,
  IntervalSeconds: 2,
  BackoffRate: 2,
  MaxAttempts: 4,
  MaxDelaySeconds: 30,
  JitterStrategy: "FULL",
};

/** `States.ALL` does not catch a response that is too large, so that is named too. It must stand alone and last. */
const catchAll = (next: string, more: State): State[] =>
  [["States.DataLimitExceeded"], ["States.ALL"]].map((errors) => ({
    ErrorEquals: errors,
    Next: next,
    ...more,
  }));

/** Between two checks whether another run's build has ended. */
const OTHER_BUILD_SECONDS = 60;

/** What a Glue job's cause is worth reading for stands deep in it: all that comes before this is left out. */
const GLUE_MESSAGE = `'"ErrorMessage":"'`;

/** Remembers that a step failed, in a few hundred bytes, and goes on. */
const remember = (step: string): State => ({
  Assign: {
    failed: `{% $append($failed, [{"step": "${step}", "error": $states.errorOutput.Error, "cause": $substring($contains($states.errorOutput.Cause, ${GLUE_MESSAGE}) ? $substringBefore($substringAfter($states.errorOutput.Cause, ${GLUE_MESSAGE}), '","') : $states.errorOutput.Cause, 0, 300)}]) %}`,
  },
});

const invoke = (functionArn: string, payload: unknown, more: State): State => ({
  Type: "Task",
  Resource: "arn:aws:states:::lambda:invoke",
  Arguments: { FunctionName: functionArn, Payload: payload },
  ...more,
});

/** The definition, ready to be written as JSON. */
export function pipelineDefinition(targets: PipelineTargets): State {
  const run = "{% $states.context.Execution.Name %}";
  const execution = "{% $states.context.Execution.Id %}";
  return {
    Comment: "One run: plan, extract, commit, build if one is due, load, report",
    QueryLanguage: "JSONata",
    TimeoutSeconds: targets.timeoutSeconds,
    StartAt: "Start",
    States: {
      Start: {
        Type: "Pass",
        Assign: { failed: "{% [] %}", lanes: "{% [] %}", load: "{% [] %}", decision: null },
        Next: "Plan",
      },
      Plan: invoke(
        targets.planArn,
        `{% $merge([{"run": $states.context.Execution.Name, "execution": $states.context.Execution.Id}, $exists($states.input.tables) ? {"tables": [$states.input.tables]} : {}]) %}`,
        {
          Retry: [{ ...retryLambda, ErrorEquals: [...LAMBDA_FAILURES, "StaleProgressError"] }],
          Output: "{% $states.result.Payload %}",
          Catch: catchAll("Report", remember("plan")),
          Next: "Extract",
        },
      ),
      Extract: {
        Type: "Map",
        Items: "{% [$states.input.lanes] %}",
        MaxConcurrency: LANES_AT_ONCE,
        ItemProcessor: {
          ProcessorConfig: { Mode: "INLINE" },
          StartAt: "Invocation",
          States: {
            Invocation: invoke(targets.extractArn, "{% $states.input %}", {
              Retry: [
                {
                  // A stale split was moved by an attempt of the same invocation that had been given up: read on from there.
                  ErrorEquals: ["SourceUnavailableError", "StaleSplitError"],
                  IntervalSeconds: 5,
                  BackoffRate: 2,
                  MaxAttempts: 3,
                  MaxDelaySeconds: 60,
                  JitterStrategy: "FULL",
                },
                retryLambda,
              ],
              Output: "{% $states.result.Payload %}",
              Catch: catchAll("LaneFailed", {
                Output: `{% {"lane": $states.input.lane, "source": $states.input.source, "status": "failed", "error": $states.errorOutput.Error, "cause": $substring($states.errorOutput.Cause, 0, 100)} %}`,
              }),
              Next: "MoreToRead",
            }),
            MoreToRead: {
              Type: "Choice",
              Choices: [{ Condition: "{% $states.input.done %}", Next: "LaneDone" }],
              Default: "Invocation",
            },
            LaneDone: {
              Type: "Pass",
              Output: `{% {"lane": $states.input.lane, "source": $states.input.source, "status": "done", "rows": $states.input.rows, "invocations": $states.input.invocation, "pace": $states.input.pace, "ended": $states.input.ended} %}`,
              End: true,
            },
            LaneFailed: { Type: "Pass", End: true },
          },
        },
        Assign: { lanes: "{% [$states.result] %}" },
        Catch: catchAll("Commit", remember("extract")),
        Next: "Commit",
      },
      Commit: invoke(
        targets.commitArn,
        { run, execution, lanes: "{% $lanes %}" },
        {
          Retry: [retryLambda],
          Catch: catchAll("DecideBuild", remember("commit")),
          Next: "DecideBuild",
        },
      ),
      DecideBuild: invoke(
        targets.decideArn,
        { run },
        {
          Retry: [retryLambda],
          Output: "{% $states.result.Payload %}",
          Assign: { decision: "{% $states.result.Payload %}" },
          // A build too many costs a minute, and one too few would keep data from people.
          Catch: catchAll("Build", {
            Assign: {
              decision:
                '{% {"build": true, "reason": $substring("it could not be decided: " & $states.errorOutput.Error & ": " & $states.errorOutput.Cause, 0, 300)} %}',
            },
          }),
          Next: "IsBuildDue",
        },
      ),
      IsBuildDue: {
        Type: "Choice",
        Choices: [{ Condition: "{% $states.input.build %}", Next: "Build" }],
        Default: "ChooseLoads",
      },
      Build: {
        Type: "Task",
        Resource: "arn:aws:states:::glue:startJobRun.sync",
        Arguments: { JobName: targets.buildJobName, Arguments: { "--run": run } },
        Catch: [
          { ErrorEquals: ["Glue.ConcurrentRunsExceededException"], Next: "WaitForOtherBuild" },
          ...catchAll("ChooseLoads", remember("build")),
        ],
        Next: "ChooseLoads",
      },
      // Another run's build may also build what this run left, so it is decided again.
      WaitForOtherBuild: { Type: "Wait", Seconds: OTHER_BUILD_SECONDS, Next: "DecideBuild" },
      ChooseLoads: invoke(
        targets.loadArn,
        `{% $states.input.choose = true ? $states.input : {"run": $states.context.Execution.Name, "choose": true, "polls": 0} %}`,
        {
          Retry: [retryLambda],
          Output: "{% $states.result.Payload %}",
          Catch: catchAll("Report", remember("load")),
          Next: "IsLoadDue",
        },
      ),
      IsLoadDue: {
        Type: "Choice",
        Choices: [
          { Condition: "{% $states.input.status = 'wait' %}", Next: "WaitForWarehouse" },
          { Condition: "{% $states.input.tables > 0 %}", Next: "Load" },
        ],
        Default: "Report",
      },
      WaitForWarehouse: {
        Type: "Wait",
        Seconds: "{% $states.input.waitSeconds %}",
        Next: "ChooseLoads",
      },
      Load: {
        Type: "Map",
        ItemReader: {
          Resource: "arn:aws:states:::s3:getObject",
          ReaderConfig: { InputType: "JSON" },
          Arguments: {
            Bucket: targets.bucketName,
            Key: `{% '${keys.runTables("' & $states.context.Execution.Name & '")}' %}`,
          },
        },
        ItemSelector: {
          run,
          table: "{% $states.context.Map.Item.Value.table %}",
          polls: 0,
        },
        MaxConcurrency: 4,
        ToleratedFailurePercentage: 100,
        ItemProcessor: {
          ProcessorConfig: { Mode: "DISTRIBUTED", ExecutionType: "STANDARD" },
          StartAt: "LoadTable",
          States: {
            LoadTable: invoke(targets.loadArn, "{% $states.input %}", {
              Retry: [retryLambda],
              Output: "{% $states.result.Payload %}",
              Catch: catchAll("LoadFailed", {
                Output: `{% {"table": $states.input.table, "status": "failed", "error": $substring($states.errorOutput.Error & ": " & $states.errorOutput.Cause, 0, 100)} %}`,
              }),
              Next: "LoadedYet",
            }),
            LoadedYet: {
              Type: "Choice",
              Choices: [
                { Condition: "{% $states.input.status = 'wait' %}", Next: "WaitForStatement" },
              ],
              Default: "LoadDone",
            },
            WaitForStatement: {
              Type: "Wait",
              Seconds: "{% $states.input.waitSeconds %}",
              Next: "LoadTable",
            },
            LoadDone: { Type: "Pass", End: true },
            LoadFailed: { Type: "Pass", End: true },
          },
        },
        Assign: { load: "{% [$states.result] %}" },
        Catch: catchAll("Report", remember("load")),
        Next: "Report",
      },
      Report: invoke(
        targets.reportArn,
        {
          run,
          execution,
          startedAt: "{% $states.context.Execution.StartTime %}",
          lanes: "{% $lanes %}",
          load: "{% $load %}",
          failed: "{% $failed %}",
          decision: "{% $decision %}",
        },
        {
          Retry: [retryLambda],
          Output: "{% $states.result.Payload %}",
          Next: "Succeeded",
        },
      ),
      Succeeded: {
        Type: "Choice",
        Choices: [{ Condition: "{% $states.input.status = 'failed' %}", Next: "RunFailed" }],
        Default: "RunSucceeded",
      },
      RunFailed: {
        Type: "Fail",
        Error: "RunFailed",
        Cause: "{% 'Failed: ' & $join([$states.input.failed], ', ') %}",
      },
      RunSucceeded: { Type: "Succeed" },
    },
  };
}
