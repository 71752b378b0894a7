// Compares what a source has with what the run before saw there, and remembers it: each run's look at drift.
import type { TableDefinition } from "../../catalog/definition.ts";
import type { Difference, DriftFile } from "../../contract/drift.ts";
import { differencesSince, faultsNow } from "../../sources/discover/differences.ts";
import type { SourceShape } from "../../sources/discover/shape.ts";

/** A table as its source had it when it was planned. */
export interface DriftLook {
  readonly table: TableDefinition;
  readonly shape: SourceShape;
}

/**
 * What a run reports of a table, and what the next one compares with. What was there at the
 * first look is not reported, except columns that cannot be filled.
 *
 * A table is looked at under its lease. An attempt that comes again, or a stopped one that is late, may report the
 * same twice, and nothing is left out: what a run has reported it reports again, for the plan's first attempt may have
 * been lost after it wrote this file.
 */
export function compareWithLast(
  { table, shape }: DriftLook,
  last: DriftFile | undefined,
  run: string,
  nowMillis: number,
): DriftFile {
  const faults = faultsNow(table, shape);
  const known = new Set(last?.faults.map(keyOf));
  const news = [
    ...faults.filter((fault) => !known.has(keyOf(fault))),
    ...(last === undefined ? [] : differencesSince(table, last.fields, shape)),
  ];
  const again = last?.run === run ? last.reported : [];
  const reported = new Map([...again, ...news].map((one) => [keyOf(one), one]));
  return {
    ...{ format: 1, table: table.name, run, seenAt: new Date(nowMillis).toISOString() },
    ...{ fields: shape.fields, reported: [...reported.values()], faults },
  };
}

function keyOf({ kind, field, column, message }: Difference): string {
  return JSON.stringify([kind, field, column, message]);
}
