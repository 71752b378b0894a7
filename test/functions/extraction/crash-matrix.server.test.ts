// Whatever process of a run is lost, and at whichever write: once all is read, the warehouse holds what the source does.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCassandra, runElasticsearch, runMoto, type RunningServer } from "../extract/servers.ts";
import { CassandraTable } from "./cassandra-table.ts";
import { ElasticsearchTable, uniqueName } from "./elasticsearch-table.ts";
import { describeFault, type Fault, Faults, type Point, RETURNS } from "./faults.ts";
import type { LiveTable } from "./live-table.ts";
import { isWhole, seed, shuffled } from "./seed.ts";
import { World } from "./world.ts";

let aws: RunningServer;
let search: RunningServer;
let events: RunningServer;

beforeAll(async () => {
  [aws, search, events] = await Promise.all([runMoto(), runElasticsearch(), runCassandra()]);
});
afterAll(async () => {
  await Promise.all([aws.stop(), search.stop(), events.stop()]);
});

/** Cases of each table in a plain `npm test`. */
const sampleSize = 2;
const wholeTimeout = 4 * 3_600_000;

const notReached = "the point was not reached";
/** How often a point in time is opened anew depends on where the cluster put the rows. */
const unreachedShare = 0.05;

/** Half of a table, changes, the other half, changes, what came of them. Then once more, when also the zombies are gone. */
async function play(table: LiveTable, fault: Fault | null): Promise<World> {
  await table.reset();
  const faults = new Faults(fault);
  const world = await World.make(aws.address, [table], faults);
  await world.run({ batches: 4 });
  await table.change(0);
  await world.run();
  await table.change(1);
  await world.settle();
  await world.endZombies();
  expect(await world.differences()).toEqual([]);
  return world;
}

/** After how many writes of others a zombie goes on: beside its successor, beside what comes then, after all. */
const releases = [1, 6, null] as const;

/** All that a fault can be, from the points that a run without faults reaches: the first, a middle and the last of each. */
function casesOf({ points }: Faults): Fault[] {
  const counts = new Map(points.map((point) => [nameOf(point), point.occurrence]));
  const chosen = points.filter((point) => {
    const count = counts.get(nameOf(point)) ?? 1;
    return [1, Math.ceil(count / 2), count].includes(point.occurrence);
  });
  return chosen.flatMap((point, index) => casesAt(point, index));
}

const nameOf = ({ step, label }: Point): string => `${step} ${label}`;

function casesAt(point: Point, index: number): Fault[] {
  const resumes = ["retry", "give up", "abort"] as const;
  if (point.label === RETURNS)
    return resumes.map((resume) => ({
      ...point,
      side: "before",
      kind: "killed",
      resume,
      releaseAfter: null,
    }));
  const lost = resumes.flatMap((resume, which) =>
    (["before", "after"] as const).flatMap((side): Fault[] => [
      { ...point, side, resume, kind: "killed", releaseAfter: null },
      {
        ...point,
        side,
        resume,
        kind: "zombie",
        releaseAfter: releases[(index + which) % 3] ?? null,
      },
    ]),
  );
  return [
    ...lost,
    { ...point, side: "after", kind: "response lost", resume: "retry", releaseAfter: null },
  ];
}

describe.each([
  ["elasticsearch", () => ElasticsearchTable.make(search.address, uniqueName("leads"), "key-scan")],
  ["cassandra", () => CassandraTable.make([events.address], uniqueName("visits"))],
] as const)("%s", (name, make: () => Promise<LiveTable>) => {
  test(
    "nothing is lost and nothing extra comes, whichever process is lost at whichever write",
    { timeout: wholeTimeout },
    async () => {
      const table = await make();
      try {
        const calm = await play(table, null);
        calm.destroy();
        const all = casesOf(calm.faults);
        const cases = isWhole() ? all : shuffled(all, seed()).slice(0, sampleSize);
        console.log(`${name}: ${cases.length} of ${all.length} cases, seed ${seed()}`);
        const failures: string[] = [];
        let unreached = 0;
        for (const fault of cases) {
          const failure = await failureOf(table, fault);
          if (failure === null) continue;
          if (failure === notReached) {
            unreached += 1;
            continue;
          }
          failures.push(`${describeFault(fault)}\n    ${failure}`);
          console.log(failures.at(-1));
        }
        expect(failures.join("\n")).toBe("");
        expect(unreached).toBeLessThanOrEqual(Math.ceil(cases.length * unreachedShare));
      } finally {
        await table.close();
      }
    },
  );
});

async function failureOf(table: LiveTable, fault: Fault): Promise<string | null> {
  let world: World | null = null;
  try {
    world = await play(table, fault);
    if (!world.faults.hasStruck) return notReached;
    await table.change(2);
    await world.settle();
    const differing = await world.differences();
    if (differing.length > 0) return `after the zombies: ${differing.join("; ")}`;
    const open = await world.openResources();
    return open === 0 ? null : `${open} points in time are left open`;
  } catch (error) {
    return String(error).slice(0, 2000);
  } finally {
    world?.destroy();
  }
}
