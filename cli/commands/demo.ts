// `sluice demo`: the main job on real input, from nothing to answers, on this machine.
import { z } from "zod";
import { runningStack } from "../../local/control.ts";
import { change, generate } from "../../examples/web-analytics/sample-data/generate.ts";
import { SAMPLE_TABLES, type History } from "../../examples/web-analytics/sample-data/history.ts";
import { demoQueries, sameAnswer } from "../../examples/web-analytics/sample-data/queries.ts";
import type { Targets } from "../../examples/web-analytics/sample-data/targets.ts";
import { liveCount } from "../../examples/web-analytics/sample-data/truth.ts";
import type { RunningStack } from "../../local/state.ts";
import { readArguments, UsageError } from "../arguments.ts";
import { REPOSITORY_COMMANDS } from "../commands.ts";
import { connect, type Connection } from "../connection.ts";
import { describeStack } from "../describe-stack.ts";
import { startLasting, withLocalStack } from "../local-stack.ts";
import { formatCount, formatTable, Output } from "../output.ts";
import { answerTexts, queryWarehouse } from "../warehouse.ts";
import { runOnce } from "./run.ts";

const SEED = 20_260_101;
const SMALL_SCALE = 5;
/** Java's options for a Spark job that is mostly start-up. */
export const QUICK_START = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC";
/** Rows at scale 1. */
const ROWS = { companies: 2000, leads: 4000, visits: 8000, pageViews: 8000 };

const targetsSchema = z.object({
  elasticsearch: z.object({ nodes: z.tuple([z.string()], z.string()) }),
  cassandra: z.object({
    contactPoints: z.array(z.string()),
    port: z.int(),
    localDataCenter: z.string(),
  }),
});

/** Where sample data is written to: the servers of the stack. */
export function targetsOf(stack: RunningStack): Targets {
  const { elasticsearch, cassandra } = targetsSchema.parse(stack.secrets);
  return { elasticsearch: { address: elasticsearch.nodes[0] }, cassandra };
}

export async function demo(args: string[]): Promise<number> {
  const { values } = readArguments({ args, options: REPOSITORY_COMMANDS.demo.options });
  const output = new Output({ json: values.json ?? false });
  const scale = Number(values.scale ?? "1");
  if (!Number.isFinite(scale) || scale < 0.01 || scale > 1000) {
    throw new UsageError(
      `--scale ${JSON.stringify(values.scale)}: must be a number from 0.01 to 1000`,
    );
  }
  // A short job spends its time on starting up: a compiler that is quick to warm suits it.
  if (scale <= SMALL_SCALE) process.env.SLUICE_SPARK_JAVA_OPTIONS ??= QUICK_START;
  if (runningStack() !== undefined) {
    throw new Error(
      "A stack runs already, and the demo writes sample data into its sources: end it first with `npm run sluice -- down`.",
    );
  }
  if (values.keep === true) {
    const stack = await startLasting({}, (line) => {
      output.line(line);
    });
    return showStory(stack, scale, true, output);
  }
  return withLocalStack({}, output, (stack) => showStory(stack, scale, false, output));
}

async function showStory(
  stack: RunningStack,
  scale: number,
  keep: boolean,
  output: Output,
): Promise<number> {
  const connection = await connect({ local: stack });
  const targets = targetsOf(stack);
  const quiet = new Output({ json: true });
  const title = (text: string): void => {
    output.line();
    output.line(`── ${text}`);
    output.line();
  };

  title("Sample data: a company that shows its customers which companies visit their web sites");
  const rows = {
    companies: Math.ceil(ROWS.companies * scale),
    leads: Math.ceil(ROWS.leads * scale),
    visits: Math.ceil(ROWS.visits * scale),
    pageViews: Math.ceil(ROWS.pageViews * scale),
  };
  output.line(
    `writing ${formatCount(rows.companies)} companies and ${formatCount(rows.leads)} leads to Elasticsearch, ${formatCount(rows.visits)} visits and ${formatCount(rows.pageViews)} page views to Cassandra …`,
  );
  let history = await generate({
    seed: SEED,
    ...rows,
    ...targets,
    edgeCases: false,
    nowMillis: Date.now(),
  });

  title("First run: everything");
  let good = await runOnce(connection, [], output.json ? quiet : output);

  title("The sources change: new, changed, late and deleted rows, at both");
  history = await change({
    history,
    ...targets,
    nowMillis: Date.now(),
    shares: { inserts: 0.02, updates: 0.03, deletes: 0.01 },
  });
  output.line("done");

  title("Second run: only what changed");
  good = (await runOnce(connection, [], output.json ? quiet : output)) && good;

  title("What the warehouse holds, beside the generator's own record of truth");
  const counts = await compareCounts(connection, history);
  output.line(
    formatTable(
      ["table", "warehouse", "truth", ""],
      counts.map((count) => [
        count.table,
        formatCount(count.warehouse),
        formatCount(count.truth),
        count.warehouse === count.truth ? "equal" : "DIFFERENT",
      ]),
    ),
  );
  const answers = [];
  for (const query of demoQueries) {
    const answer = await queryWarehouse(connection, query.sql);
    const actual = answerTexts(answer);
    const equal = sameAnswer(actual, query.expected(history));
    answers.push({ title: query.title, sql: query.sql, rows: actual, equal });
    output.line();
    output.line(query.title);
    output.line();
    output.line(
      formatTable(
        answer.columns,
        actual.map((row) => row.map((value) => value ?? "∅")),
      ),
    );
    output.line(
      equal
        ? "equal to the truth"
        : "DIFFERENT from the truth, which is: " + JSON.stringify(query.expected(history)),
    );
  }
  good =
    good &&
    counts.every((count) => count.warehouse === count.truth) &&
    answers.every((answer) => answer.equal);
  output.line();
  if (keep) {
    for (const line of describeStack(connection, stack)) output.line(line);
    output.line("  end it           npm run sluice -- down");
  } else {
    output.line(
      "To look further, keep it running: npm run demo -- --keep prints a BI tool's connection line and where the objects are.",
    );
  }
  output.line();
  output.line(good ? "The demo ended well." : "The demo FAILED: see above.");
  output.result({ good, counts, answers });
  return good ? 0 : 1;
}

interface Count {
  readonly table: string;
  readonly warehouse: number;
  readonly truth: number;
}

async function compareCounts(connection: Connection, history: History): Promise<Count[]> {
  const counts: Count[] = [];
  for (const table of SAMPLE_TABLES) {
    const answer = await queryWarehouse(connection, `select count(*) as n from mart.${table}`);
    counts.push({
      table,
      warehouse: Number(answer.rows[0]?.[0] ?? -1),
      truth: liveCount(history, table),
    });
  }
  return counts;
}
