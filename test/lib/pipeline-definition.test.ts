// The state machine's definition: every state is reached, every name exists, results stay small.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  BUILD_TIMEOUT_MINUTES,
  pipelineDefinition,
  runTimeoutSeconds,
} from "../../lib/pipeline-definition.ts";

const stateSchema = z.looseObject({
  Type: z.string(),
  Next: z.string().optional(),
  Default: z.string().optional(),
  End: z.boolean().optional(),
  Choices: z.array(z.looseObject({ Next: z.string() })).optional(),
  Catch: z.array(z.looseObject({ ErrorEquals: z.array(z.string()), Next: z.string() })).optional(),
  ItemProcessor: z.unknown().optional(),
});
const machineSchema = z.looseObject({
  StartAt: z.string(),
  States: z.record(z.string(), stateSchema),
});
type Machine = z.infer<typeof machineSchema>;

const definition = machineSchema.parse(
  pipelineDefinition({
    planArn: "plan",
    extractArn: "extract",
    commitArn: "commit",
    decideArn: "decide",
    loadArn: "load",
    reportArn: "report",
    buildJobName: "build",
    bucketName: "bucket",
    timeoutSeconds: 3600,
  }),
);

function machines(machine: Machine): Machine[] {
  const inner = Object.values(machine.States).flatMap((state) =>
    state.ItemProcessor === undefined ? [] : machines(machineSchema.parse(state.ItemProcessor)),
  );
  return [machine, ...inner];
}

const nextOf = (state: z.infer<typeof stateSchema>): string[] =>
  [
    state.Next,
    state.Default,
    ...(state.Choices ?? []).map((choice) => choice.Next),
    ...(state.Catch ?? []).map((caught) => caught.Next),
  ].filter((name) => name !== undefined);

describe.each(machines(definition))("machine that starts at $StartAt", (machine) => {
  it("names only states that exist, and reaches each", () => {
    const reached = new Set<string>();
    const queue = [machine.StartAt];
    for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
      if (reached.has(name)) continue;
      reached.add(name);
      const state = machine.States[name];
      expect(state, `state ${name}`).toBeDefined();
      if (state !== undefined) queue.push(...nextOf(state));
    }
    expect([...reached].sort()).toEqual(Object.keys(machine.States).sort());
  });

  it("catches a response that is too large wherever it catches everything", () => {
    for (const state of Object.values(machine.States)) {
      const caught = (state.Catch ?? []).flatMap((one) => one.ErrorEquals);
      expect(caught.includes("States.ALL")).toBe(caught.includes("States.DataLimitExceeded"));
      // The States Language: States.ALL stands alone, in the last catcher.
      const all = (state.Catch ?? []).findIndex((one) => one.ErrorEquals.includes("States.ALL"));
      if (all >= 0) {
        expect(state.Catch?.[all]?.ErrorEquals).toEqual(["States.ALL"]);
        expect(all).toBe((state.Catch?.length ?? 0) - 1);
      }
    }
  });
});

describe("the build", () => {
  const stateOf = (name: string) => definition.States[name] ?? { Type: "none" };

  it("is started only if it is due, or if that cannot be decided", () => {
    const before = Object.entries(definition.States).filter(([, state]) =>
      nextOf(state).includes("Build"),
    );
    expect(before.map(([name]) => name)).toEqual(["DecideBuild", "IsBuildDue"]);
    expect(stateOf("DecideBuild").Next).toBe("IsBuildDue");
    expect((stateOf("DecideBuild").Catch ?? []).map(({ Next }) => Next)).toEqual([
      "Build",
      "Build",
    ]);
    expect(nextOf(stateOf("Commit"))).toEqual(["DecideBuild", "DecideBuild", "DecideBuild"]);
  });

  it("waits for another run's, and then decides again", () => {
    const [other] = stateOf("Build").Catch ?? [];
    expect(other?.ErrorEquals).toEqual(["Glue.ConcurrentRunsExceededException"]);
    expect(nextOf(stateOf(other?.Next ?? ""))).toEqual(["DecideBuild"]);
  });
});

it("is loaded into the warehouse only what was chosen", () => {
  const { ChooseLoads, IsLoadDue } = definition.States;
  expect(nextOf(ChooseLoads ?? { Type: "none" })).toEqual(["IsLoadDue", "Report", "Report"]);
  const choices = (IsLoadDue?.Choices ?? []).map(({ Condition, Next }) => [Condition, Next]);
  expect(choices).toContainEqual(["{% $states.input.tables > 0 %}", "Load"]);
  expect(IsLoadDue?.Default).toBe("Report");
});

it("is the same size whatever the catalog: no table is named in it", () => {
  expect(JSON.stringify(definition).length).toBeLessThan(16_384);
});

describe("the time-out of a run", () => {
  const budget = (maxSecondsPerRun: number, lanes = 1) => ({ maxSecondsPerRun, lanes });
  const A_YEAR = 365 * 24 * 3600;

  it("outlasts the longest extraction and the longest build together", () => {
    for (const seconds of [60, 3600, 604_800]) {
      const timeout = runTimeoutSeconds([budget(10), budget(seconds)]);
      expect(timeout).toBeGreaterThan(seconds + BUILD_TIMEOUT_MINUTES * 60);
      // Step Functions runs an execution for a year at most.
      expect(timeout).toBeLessThan(A_YEAR);
    }
  });

  it("counts the rounds in which lanes are read, 40 lanes at once", () => {
    const one = runTimeoutSeconds([budget(3600, 40)]);
    expect(runTimeoutSeconds([budget(3600, 1)])).toBe(one);
    expect(runTimeoutSeconds([budget(3600, 40), budget(60, 1)]) - one).toBeGreaterThanOrEqual(3600);
  });

  it("is there without sources", () => {
    expect(runTimeoutSeconds([])).toBeGreaterThan(BUILD_TIMEOUT_MINUTES * 60);
  });

  it("is the machine's", () => {
    expect(definition.TimeoutSeconds).toBe(3600);
  });
});

/** All texts in a value. */
function texts(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(texts) : [];
}

it.each(["done", "failed"])(
  "passes on of a lane that is %s what Commit and Report read",
  (status) => {
    const file = new URL("../../contract/examples/lane-results.json", import.meta.url);
    const examples = z
      .array(z.looseObject({ status: z.string() }))
      .parse(JSON.parse(readFileSync(file, "utf8")));
    const ofLanes = texts(definition).filter(
      (text) => text.includes('"lane":') && text.includes(`"status": "${status}"`),
    );
    const passed = ofLanes.map((text) => [...text.matchAll(/"(\w+)":/g)].map(([, name]) => name));
    const example = examples.find((one) => one.status === status);
    expect(passed).not.toEqual([]);
    for (const names of passed) expect(names.sort()).toEqual(Object.keys(example ?? {}).sort());
  },
);
