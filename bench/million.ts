// A million documents and a million rows through the whole stack: time of each step, peak memory of each part, and the answers checked.
import { GetExecutionHistoryCommand, type HistoryEvent } from "@aws-sdk/client-sfn";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { targetsOf } from "../cli/commands/demo.ts";
import { connect, type Connection } from "../cli/connection.ts";
import { formatBytes, formatCount, formatTable, Output } from "../cli/output.ts";
import { runPipeline, type FinishedRun } from "../cli/pipeline.ts";
import { answerTexts, queryWarehouse } from "../cli/warehouse.ts";
import { startStack, stopStack } from "../local/control.ts";
import { change, generate } from "../examples/web-analytics/sample-data/generate.ts";
import { SAMPLE_TABLES, type History } from "../examples/web-analytics/sample-data/history.ts";
import { writePacedCatalog } from "../examples/web-analytics/sample-data/paced-catalog.ts";
import {
  demoQueries,
  exactSumsQuery,
  sameAnswer,
} from "../examples/web-analytics/sample-data/queries.ts";
import { liveCount } from "../examples/web-analytics/sample-data/truth.ts";
import { stateFolder, type RunningStack } from "../local/state.ts";
import { peakResidentBytes, processTree } from "./measure/processes.ts";

const ROWS = { companies: 300_000, leads: 700_000, visits: 600_000, pageViews: 400_000 };
/** As fast as one lane reads: the time of a gentler budget is its pauses. */
const BUDGET = {
  ...{ dutyCycle: 1, maxRowsPerSecond: 1_000_000, maxBytesPerSecond: 1_000_000_000 },
  pageRows: 5000,
};
const STEPS = ["Plan", "Extract", "Commit", "Build", "Load", "Report"];

const memoryLine = z.object({
  part: z.string(),
  name: z.string(),
  peakRssBytes: z.number(),
  seconds: z.number(),
});

const JSON_WANTED = process.argv.includes("--json");
const output = new Output({ json: JSON_WANTED });
// Its own, always: it is removed at the end.
process.env.SLUICE_STATE = join(tmpdir(), `sluice-bench-${String(process.pid)}`);

/** Seconds of each step of a run, from the execution's own history. */
async function stepSeconds(
  connection: Connection,
  run: FinishedRun,
): Promise<Record<string, number>> {
  const executionArn = `${connection.deployment.stateMachineArn.replace(":stateMachine:", ":execution:")}:${run.run}`;
  const events: HistoryEvent[] = [];
  let nextToken: string | undefined;
  do {
    const page = await connection.sfn.send(
      new GetExecutionHistoryCommand({ executionArn, nextToken, maxResults: 1000 }),
    );
    events.push(...(page.events ?? []));
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  const seconds: Record<string, number> = {};
  for (const step of STEPS) {
    const at = (pick: (event: HistoryEvent) => string | undefined): number | undefined =>
      events.find((event) => pick(event) === step)?.timestamp?.getTime();
    const entered = at((event) => event.stateEnteredEventDetails?.name);
    const exited = at((event) => event.stateExitedEventDetails?.name);
    if (entered !== undefined && exited !== undefined) seconds[step] = (exited - entered) / 1000;
  }
  return seconds;
}

/** Peak resident memory of each part: functions and job as the emulator saw them, servers as the kernel did. */
function peakMemory(stack: RunningStack): Record<string, number> {
  const peaks: Record<string, number> = {};
  const lines = readFileSync(join(stack.logFolder, "memory.jsonl"), "utf8").trim().split("\n");
  for (const line of lines) {
    const { part, name, peakRssBytes } = memoryLine.parse(JSON.parse(line));
    const key = `${part} ${name}`;
    peaks[key] = Math.max(peaks[key] ?? 0, peakRssBytes);
  }
  for (const { name, pid } of stack.processes) {
    // A launcher's children are the server; their peaks need not have been at one moment, so this is an upper bound.
    peaks[`server ${name}`] = processTree(pid).reduce(
      (sum, one) => sum + peakResidentBytes(one),
      0,
    );
  }
  return peaks;
}

async function differences(connection: Connection, history: History): Promise<string[]> {
  const wrong: string[] = [];
  for (const table of SAMPLE_TABLES) {
    const answer = await queryWarehouse(connection, `select count(*) as n from mart.${table}`);
    const actual = Number(answer.rows[0]?.[0]);
    const truth = liveCount(history, table);
    if (actual !== truth)
      wrong.push(`${table}: ${String(actual)} rows, the truth has ${String(truth)}`);
  }
  for (const query of [...demoQueries, exactSumsQuery]) {
    const answer = await queryWarehouse(connection, query.sql);
    if (!sameAnswer(answerTexts(answer), query.expected(history)))
      wrong.push(`${query.title}: not the truth's answer`);
  }
  return wrong;
}

async function measure(connection: Connection, name: string, history: History) {
  const run = await runPipeline(connection, [], output);
  const wrong = await differences(connection, history);
  return {
    name,
    status: run.status,
    seconds: run.seconds,
    steps: await stepSeconds(connection, run),
    lanes: run.record?.lanes ?? [],
    tables: (run.record?.tables ?? []).map((table) => ({
      table: table.table,
      rows: table.rowsExtracted,
      bytes: table.bytes,
      winners: table.build?.winners ?? 0,
      buildSeconds: table.build?.seconds ?? 0,
    })),
    wrong,
  };
}

const say = (line: string): void => {
  output.line(line);
};
/** What one run did, as soon as it is over. */
function printRun(run: Awaited<ReturnType<typeof measure>>): void {
  say(
    `\n${run.name}: ${run.status}, ${run.seconds.toFixed(1)} s, ${run.wrong.length === 0 ? "equal to the truth" : run.wrong.join("; ")}`,
  );
  say(
    formatTable(
      ["step", "seconds"],
      Object.entries(run.steps).map(([step, s]) => [step, s.toFixed(1)]),
    ),
  );
  say(
    formatTable(
      ["table", "rows", "size", "winners", "build s"],
      run.tables.map((table) => [
        table.table,
        formatCount(table.rows),
        formatBytes(table.bytes),
        formatCount(table.winners),
        table.buildSeconds.toFixed(1),
      ]),
    ),
  );
  say(
    formatTable(
      ["lane", "rows", "rows/s", "invocations"],
      run.lanes.map((lane) => [
        `${lane.source}/${String(lane.lane)}`,
        formatCount(lane.rows),
        formatCount(Math.round(lane.rowsPerSecond ?? 0)),
        String(lane.invocations),
      ]),
    ),
  );
}

const CATALOG_FOLDER = mkdtempSync(join(tmpdir(), "sluice-bench-catalog-"));
try {
  const index = writePacedCatalog(join(CATALOG_FOLDER, "catalog"), BUDGET);
  const stack = await startStack(
    { secrets: {}, set: { catalog: index }, ownerPid: process.pid },
    say,
  );
  const connection = await connect({ local: stack });
  say(
    `writing ${formatCount(ROWS.companies + ROWS.leads)} documents and ${formatCount(ROWS.visits + ROWS.pageViews)} rows …`,
  );
  const from = Date.now();
  let history = await generate({
    seed: 11,
    edgeCases: true,
    ...ROWS,
    ...targetsOf(stack),
    nowMillis: from,
  });
  const generateSeconds = (Date.now() - from) / 1000;
  say(`written in ${generateSeconds.toFixed(1)} s`);
  const first = await measure(connection, "first load", history);
  printRun(first);
  history = await change({ history, ...targetsOf(stack), nowMillis: Date.now() });
  const second = await measure(connection, "1 % new, 2 % changed, 0.5 % deleted", history);
  printRun(second);
  const result = {
    machine: { cores: cpus().length, model: cpus()[0]?.model ?? "", memoryBytes: totalmem() },
    rows: ROWS,
    generateSeconds,
    runs: [first, second],
    peakRssBytes: peakMemory(stack),
  };
  say("");
  say(
    formatTable(
      ["part", "peak resident"],
      Object.entries(result.peakRssBytes).map(([part, bytes]) => [part, formatBytes(bytes)]),
    ),
  );
  output.result(result);
  if (result.runs.some((run) => run.wrong.length > 0 || run.status !== "SUCCEEDED"))
    process.exitCode = 1;
} finally {
  await stopStack(say);
  rmSync(CATALOG_FOLDER, { recursive: true, force: true });
  rmSync(stateFolder(), { recursive: true, force: true });
}
process.exit();
