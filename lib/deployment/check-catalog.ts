// How a catalog fits the deployment that it is deployed as.
import { CatalogError } from "../../catalog/errors.ts";
import { resolveSource } from "../../catalog/resolve.ts";
import type { Catalog } from "../../catalog/table.ts";
import { readSchedule } from "./schedule.ts";
import { mistakesInSourceNames } from "./service-names.ts";

/** The share of the schedule's interval that reading may take: plan, commit, build and load come after it. */
const MOST_OF_THE_INTERVAL = 0.9;

/** @throws CatalogError that lists every source whose secret would have a name that AWS does not take */
export function checkCatalog(deployment: string, catalog: Catalog): void {
  const sources = catalog.sources.map(({ name }) => name);
  const mistakes = [...mistakesInSourceNames({ deployment, sources })];
  if (mistakes.length > 0) throw new CatalogError(mistakes);
}

/**
 * Sources that a run may read for longer than until the next one starts, which then finds them taken. It is not a
 * mistake: a schedule may be made for another source, which is quicker.
 *
 * @returns a warning for each, with what to do
 */
export function sourcesReadTooLong(
  deployment: string,
  schedule: string,
  catalog: Catalog,
): string[] {
  if (schedule === "off") return [];
  const read = readSchedule(schedule);
  const gap = "problem" in read ? null : read.smallestGapSeconds;
  if (gap === null) return [];
  const most = Math.floor(gap * MOST_OF_THE_INTERVAL);
  return catalog.sources.flatMap((source) => {
    const { maxSecondsPerRun } = resolveSource(source, deployment).budget;
    if (maxSecondsPerRun <= most) return [];
    const isDefault = source.budget?.maxSecondsPerRun === undefined;
    return [
      `source ${source.name}: a run may read it for ${maxSecondsPerRun} s${isDefault ? " (the default)" : ""}, and ${schedule} starts runs ${gap} s apart, so that a run may find it taken and leave its tables out. Write budget: { maxSecondsPerRun: ${most} } or less for the source, or a schedule with more time between runs`,
    ];
  });
}
