// `sluice status`: the last runs, and how far each table is.
import { Ledger } from "../../functions/ledger/ledger.ts";
import { readArguments } from "../arguments.ts";
import { chooseConnection } from "../choose-connection.ts";
import { COMMANDS } from "../commands.ts";
import { formatCount, formatTable, Output } from "../output.ts";
import { readTableNames } from "../table-names.ts";

const RUNS_SHOWN = 10;

export async function status(args: string[]): Promise<number> {
  const { values } = readArguments({ args, options: COMMANDS.status.options });
  const output = new Output({ json: values.json ?? false });
  const connection = await chooseConnection(values.deployed);
  const ledger = new Ledger({
    client: connection.dynamodb,
    tableName: connection.deployment.ledger,
  });
  const runs = await ledger.listRuns(RUNS_SHOWN);
  const tables = [];
  for (const name of await readTableNames(connection)) {
    const progress = await ledger.readProgress(name);
    const open = [];
    for (const pass of [progress.passes.rows, progress.passes.keys]) {
      if (pass === undefined) continue;
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
    tables.push({
      table: name,
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
  output.result({ deployment: connection.deployment, runs, tables });
  return 0;
}
