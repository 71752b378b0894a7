// What each run did, kept for people.
import { gunzipSync, gzipSync } from "node:zlib";
import { z } from "zod";
import { itemKeys } from "../../contract/ledger-keys.ts";
import { runRecordSchema, type RunRecord } from "../../contract/run.ts";
import type { Item, LedgerTable } from "./ledger-table.ts";
import { parseItem } from "./parse-item.ts";

const storedRunSchema = z.looseObject({ record: z.instanceof(Uint8Array) });

// All runs are in one partition, in the order in which they started.
const RUNS = { pk: itemKeys.run("", "").pk };

export class RunRecords {
  readonly #ledgerTable: LedgerTable;

  constructor(ledgerTable: LedgerTable) {
    this.#ledgerTable = ledgerTable;
  }

  /** Keeps a run's record. Doing it again replaces it. */
  async put(record: RunRecord): Promise<void> {
    const { run, execution, startedAt, endedAt, status } = record;
    await this.#ledgerTable.put(itemKeys.run(startedAt, run), {
      ...{ run, execution, startedAt, endedAt, status },
      // Compressed: a thousand tables would exceed the 400 KB of an item.
      record: gzipSync(JSON.stringify(record)),
    });
  }

  /** @returns nothing if there is no record of a run of that name */
  async read(run: string): Promise<RunRecord | undefined> {
    const item = await this.#ledgerTable.findLast(RUNS, "run", run);
    return item === undefined ? undefined : parseRun(item);
  }

  /** The newest runs, newest first. */
  async list(limit: number): Promise<RunRecord[]> {
    return (await this.#ledgerTable.listLast(RUNS, limit)).map(parseRun);
  }
}

function parseRun(item: Item): RunRecord {
  const { record } = parseItem(storedRunSchema, item);
  return runRecordSchema.parse(JSON.parse(gunzipSync(record).toString("utf8")));
}
