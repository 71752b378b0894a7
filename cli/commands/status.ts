// `sluice status`: the last runs, how far each table is, and what is read now.
import { openLedger, type Ledger } from "../../stores/ledger/ledger.ts";
import { driftFileSchema } from "../../contract/drift.ts";
import { keys } from "../../contract/keys.ts";
import { openPasses } from "../../contract/passes.ts";
import type { Progress, ReadingNote } from "../../contract/records.ts";
import { JsonStore } from "../../stores/bucket/json-store.ts";
import { readArguments } from "../arguments.ts";
import { chooseConnection } from "../choose-connection.ts";
import { COMMANDS } from "../commands.ts";
import type { Connection } from "../connection.ts";
import { Output } from "../output.ts";
import { passProgress, type PassProgress } from "../reading-progress.ts";
import {
  notesOfNow,
  type SourceStatus,
  type Status,
  statusJson,
  statusLines,
  type TableStatus,
} from "../status-report.ts";
import { readTables } from "../table-names.ts";

const RUNS_SHOWN = 10;

export async function status(args: string[]): Promise<number> {
  const { values } = readArguments({ args, options: COMMANDS.status.options });
  const output = new Output({ json: values.json ?? false });
  const connection = await chooseConnection(values.deployed);
  const found = await readStatus(connection);
  output.line(`deployment ${connection.deployment.deployment}`);
  output.line();
  for (const line of statusLines(found)) output.line(line);
  output.result({ deployment: connection.deployment, ...statusJson(found) });
  return 0;
}

async function readStatus(connection: Connection): Promise<Status> {
  const ledger = openLedger({
    client: connection.dynamodb,
    tableName: connection.deployment.ledger,
  });
  const store = new JsonStore({ s3: connection.s3, bucket: connection.deployment.bucket });
  const runs = await ledger.runs.list(RUNS_SHOWN);
  const known = await readTables(connection);
  const sources: SourceStatus[] = [];
  for (const source of new Set(known.flatMap((one) => one.source ?? []))) {
    const pause = await ledger.pauses.read(source);
    const now = Date.now();
    sources.push({
      source,
      pause: pause !== undefined && pause.until > now ? pause : null,
      reading: notesOfNow(await ledger.readings.list(source), runs, now),
    });
  }
  const notes = sources.flatMap(({ reading }) => reading);
  const tables: TableStatus[] = [];
  for (const { name, problem } of known) {
    const progress = await ledger.progress.read(name);
    const look = await store.find(keys.drift(name), driftFileSchema);
    const differences = [...(look?.faults ?? []), ...(look?.reported ?? [])];
    tables.push({
      table: name,
      watermark: progress.watermark,
      watermarkUnit: progress.watermarkUnit ?? null,
      manifests: progress.lastManifest,
      open: await readOpen(ledger, name, progress, notes),
      remarks: [
        ...(problem === null ? [] : [problem]),
        ...new Set(differences.map(({ message }) => message)),
      ],
    });
  }
  return { runs, tables, sources };
}

/** How far each open pass of a table is. */
export async function readOpen(
  ledger: Pick<Ledger, "splits">,
  table: string,
  progress: Progress,
  notes: readonly ReadingNote[],
): Promise<PassProgress[]> {
  const open: PassProgress[] = [];
  for (const pass of openPasses(progress))
    open.push(passProgress(table, pass.id, await ledger.splits.list(table, pass), notes));
  return open;
}
