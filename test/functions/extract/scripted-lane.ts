// Tables, clocks and clients for tests of a lane whose source is scripted.
import type { LoadBudgetDefinition, TableDefinition } from "../../../catalog/definition.ts";
import type { Clock } from "../../../functions/extract/pacer.ts";
import { SourceUnavailableError } from "../../../contract/errors.ts";
import type { Bounds } from "../../../contract/records.ts";
import { column, tableDefinition } from "./fixtures.ts";
import { ScriptedSource } from "./scripted-source.ts";

export const whole: Bounds = { by: "cursor", from: null, to: "1000000" };

export function table(name: string, more: Partial<LoadBudgetDefinition> = {}): TableDefinition {
  return tableDefinition({
    ...{ name, system: "elasticsearch", budget: more, from: { index: name } },
    columns: [column("id", "string", ["_id"]), column("n", "long")],
    cursor: { column: "n", field: "n", lagSeconds: 0, overlapSeconds: 0, lateRows: null },
  });
}

/** A clock that only sleeping moves. */
export function sleepingClock(start = Date.now()): Clock & { slept: number } {
  return {
    slept: 0,
    now() {
      return start + this.slept;
    },
    sleep(millis) {
      this.slept += millis;
      return Promise.resolve();
    },
  };
}

/** A client that reads each table from a source of its own. */
export function byTable(sources: Readonly<Record<string, ScriptedSource>>): ScriptedSource {
  const client = new ScriptedSource({ rows: 0, pageRows: 1 });
  client.open = (request) => {
    const source = sources[request.table.name];
    if (source === undefined) throw new Error(`no source for ${request.table.name}`);
    return source.open(request);
  };
  return client;
}

/** A source that never responds; an error takes the place of a message where its class matters. */
export function rejecting(
  reason: string | Error,
  onRequest: () => unknown = () => undefined,
): ScriptedSource {
  return new ScriptedSource({
    ...{ rows: 10, pageRows: 10 },
    beforeBatch: () => {
      onRequest();
      throw typeof reason === "string" ? new SourceUnavailableError(reason) : reason;
    },
  });
}

export const numbersOf = (lines: readonly { id: string | null }[]): number[] =>
  lines.map(({ id }) => Number(id)).sort((a, b) => a - b);
export const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
