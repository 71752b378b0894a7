// `sluice status`: the last runs, and how far each table is.
import { Ledger } from "../../functions/ledger/ledger.ts";
import { readArguments } from "../arguments.ts";
import { chooseConnection } from "../choose-connection.ts";
import { COMMANDS } from "../commands.ts";
import { formatCount, formatTable, Output } from "../output.ts";
import { laneTable } from "../run-summary.ts";
import { readTableNames } from "../table-names.ts";
import { driftFileSchema } from "../../functions/plan/drift.ts";
import { keys } from "../../functions/protocol/keys.ts";
import { openPasses } from "../../functions/protocol/passes.ts";
import { JsonStore } from "../../functions/storage/json-store.ts";

const RUNS_SHOWN = 10;

export async function status(args: string[]): Promise<number> {
  const { values } = readArguments({ args, options: COMMANDS.status.options });
  const output = new Output({ json: values.json ?? false });
  const connection = await chooseConnection(values.deployed);
  const ledger = new Ledger({
    client: connection.dynamodb,
    tableName: connection.deployment.ledger,
  });
  const store = new JsonStore({ s3: connection.s3, bucket: connection.deployment.bucket });
  const runs = await ledger.listRuns(RUNS_SHOWN);
  const tables = [];
  for (const name of await readTableNames(connection)) {
    const progress = await ledger.readProgress(name);
    const open = [];
    for (const pass of openPasses(progress)) {
      const splits = await Promise.all(
        pass.splits.map((split) => ledger.readSplit(name, pass.id, split)),
      );
      open.push({
        pass: pass.id,
        splits: splits.length,
        done: splits.filter((split) => split.done).length,
        rows: splits.reduce((sum, split) => sum + split.rows, 0),
      });
    }
    const look = await store.find(keys.drift(name), driftFileSchema);
    const told = [...(look?.faults ?? []), ...(look?.told ?? [])];
    const drift = [...new Map(told.map((one) => [one.message, one])).values()];
    tables.push({
      table: name,
      drift,
      watermark: progress.watermark,
      manifests: progress.lastManifest,
      open,
    });
  }
  output.line(`deployment ${connection.deployment.deployment}`);
  output.line();
  output.line(
    runs.length === 0
      ? "no run has ended yet"
      : formatTable(
          ["run", "status", "seconds", "rows", "failed"],
          runs.map((run) => [
            run.run,
            run.status,
            ((Date.parse(run.endedAt) - Date.parse(run.startedAt)) / 1000).toFixed(1),
            formatCount(run.tables.reduce((sum, table) => sum + table.rowsExtracted, 0)),
            run.failed.map((failure) => `${failure.step} ${failure.name}`).join(", "),
          ]),
        ),
  );
  output.line();
  output.line(
    formatTable(
      ["table", "manifests", "watermark", "open"],
      tables.map((table) => [
        table.table,
        formatCount(table.manifests),
        table.watermark ?? "",
        table.open
          .map(
            (pass) =>
              `${pass.pass} ${String(pass.done)}/${String(pass.splits)} splits, ${formatCount(pass.rows)} rows`,
          )
          .join("; "),
      ]),
    ),
  );
  const drifted = tables.filter(({ drift }) => drift.length > 0);
  if (drifted.length > 0) output.line();
  for (const { table, drift } of drifted)
    for (const { message } of drift) output.line(`look at ${table}: ${message}`);
  const lanes = runs[0]?.lanes ?? [];
  if (lanes.length > 0) {
    output.line();
    output.line("lanes of the last run");
    output.line(laneTable(lanes));
  }
  output.result({ deployment: connection.deployment, runs, tables });
  return 0;
}
