// Compares what a source has with what the run before saw there, and remembers it: each run's look at drift.
import { z } from "zod";
import type { TableDefinition } from "../../catalog/definition.ts";
import { type Difference, differenceSchema } from "../../contract/difference.ts";
import { differencesSince, faultsNow } from "../../sources/discover/differences.ts";
import { type SourceShape, sourceTypeSchema } from "../../sources/discover/shape.ts";

/** What was last seen of a table at its source, `drift/<table>.json`. */
export const driftFileSchema = z.strictObject({
  format: z.literal(1),
  table: z.string(),
  /** The run that looked. */
  run: z.string(),
  /** ISO 8601, UTC. */
  seenAt: z.string(),
  fields: z.record(z.string(), sourceTypeSchema),
  /** What that run told as news. */
  told: z.array(differenceSchema),
  /** Columns that their fields could not fill then, told of or not. */
  faults: z.array(differenceSchema),
});
export type DriftFile = z.infer<typeof driftFileSchema>;

/** A table as its source had it when it was planned. */
export interface DriftLook {
  readonly table: TableDefinition;
  readonly shape: SourceShape;
}

/**
 * What a run tells of a table, and what the next one compares with. What was there at the first look is no news, but
 * for columns that cannot be filled.
 *
 * A table is looked at under its lease. An attempt that comes again, or a stopped one that is late, may tell the same
 * twice, and nothing goes untold: what a run has told it tells again, for the plan's first attempt may have been lost
 * after it wrote this file.
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
  const again = last?.run === run ? last.told : [];
  const told = new Map([...again, ...news].map((one) => [keyOf(one), one]));
  return {
    ...{ format: 1, table: table.name, run, seenAt: new Date(nowMillis).toISOString() },
    ...{ fields: shape.fields, told: [...told.values()], faults },
  };
}

function keyOf({ kind, field, column, message }: Difference): string {
  return JSON.stringify([kind, field, column, message]);
}
