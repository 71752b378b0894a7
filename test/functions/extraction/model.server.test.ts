// Whatever is written, read, lost and tried again in whichever order: at last the warehouse holds what the model does.
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCassandra, runElasticsearch, runMoto, type RunningServer } from "../extract/servers.ts";
import { CassandraModel, cassandraWrite } from "./cassandra-model.ts";
import { CassandraTable } from "./cassandra-table.ts";
import { ElasticsearchModel, elasticsearchWrite } from "./elasticsearch-model.ts";
import { type DeleteStrategy, ElasticsearchTable, uniqueName } from "./elasticsearch-table.ts";
import { Faults, type Strike } from "./faults.ts";
import { differences, type LiveTable, type Rows } from "./live-table.ts";
import { isWhole, seed } from "./seed.ts";
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

/** A source, and what it must hold after the writes so far. */
interface Model<Write> {
  readonly table: LiveTable;
  clear(): Promise<void>;
  write(writes: readonly Write[]): Promise<void>;
  /** Waits for what is still to happen at the source by itself. */
  settle(): Promise<void>;
  rows(): Rows;
}

interface Run<Write> {
  /** Null: as many as there are. */
  readonly batches: number | null;
  readonly strike: { readonly at: number; readonly strike: Strike } | null;
  /** Writes before the batch of this number. */
  readonly during: readonly { readonly batch: number; readonly writes: readonly Write[] }[];
  readonly areLanesParallel: boolean;
  /** A second run at the same time. */
  readonly isTwofold: boolean;
}

type Command<Write> =
  | { readonly is: "writes"; readonly writes: readonly Write[] }
  | { readonly is: "run"; readonly run: Run<Write> }
  | { readonly is: "end of zombies" };

interface Script<Write> {
  readonly pageRows: number;
  readonly commands: readonly Command<Write>[];
}

const strike: fc.Arbitrary<Strike> = fc.record({
  side: fc.constantFrom("before", "after"),
  kind: fc.constantFrom("killed", "killed", "zombie", "zombie", "response lost"),
  resume: fc.constantFrom("retry", "give up", "abort"),
  releaseAfter: fc.constantFrom(1, 3, 10, 30, null),
});

function scriptOf<Write>(write: fc.Arbitrary<Write>): fc.Arbitrary<Script<Write>> {
  const writes = fc.array(write, { minLength: 1, maxLength: 12 });
  const run = fc.record<Run<Write>>({
    batches: fc.option(fc.integer({ min: 1, max: 6 })),
    strike: fc.option(fc.record({ at: fc.integer({ min: 1, max: 40 }), strike }), { freq: 2 }),
    during: fc.array(fc.record({ batch: fc.integer({ min: 1, max: 6 }), writes }), {
      maxLength: 2,
    }),
    areLanesParallel: fc.boolean(),
    isTwofold: fc.nat(4).map((one) => one === 0),
  });
  const command = fc.oneof(
    {
      weight: 4,
      arbitrary: writes.map((some): Command<Write> => ({ is: "writes", writes: some })),
    },
    { weight: 4, arbitrary: run.map((one): Command<Write> => ({ is: "run", run: one })) },
    { weight: 1, arbitrary: fc.constant<Command<Write>>({ is: "end of zombies" }) },
  );
  return fc.record({
    pageRows: fc.integer({ min: 2, max: 7 }),
    commands: fc.array(command, { minLength: 2, maxLength: 10 }),
  });
}

async function play<Write>(model: Model<Write>, script: Script<Write>): Promise<void> {
  await model.clear();
  const faults = new Faults(null);
  const world = await World.make(aws.address, [model.table], faults);
  const { pageRows } = script;
  try {
    for (const command of script.commands) {
      if (command.is === "writes") await model.write(command.writes);
      else if (command.is === "end of zombies") await world.endZombies();
      else await playRun(world, model, command.run, pageRows);
    }
    await model.settle();
    await world.settle({ pageRows });
    await world.endZombies();
    expect(differences(model.rows(), await model.table.rows())).toEqual([]);
    expect(await world.differences(model.rows())).toEqual([]);
    await world.settle({ pageRows });
    expect(await world.differences(model.rows())).toEqual([]);
    expect(await world.openResources()).toBe(0);
  } finally {
    await world.endZombies();
    world.destroy();
  }
}

async function playRun<Write>(
  world: World,
  model: Model<Write>,
  { batches, strike: struck, during, areLanesParallel, isTwofold }: Run<Write>,
  pageRows: number,
): Promise<void> {
  if (struck !== null) world.faults.arm(struck.strike, struck.at);
  let batch = 0;
  const options = {
    ...{ areLanesParallel, pageRows },
    ...(batches === null ? {} : { batches }),
    beforeBatch: async () => {
      batch += 1;
      const now = batch;
      for (const { batch: due, writes } of during) if (due === now) await model.write(writes);
    },
  };
  await Promise.all(isTwofold ? [world.run(options), world.run(options)] : [world.run(options)]);
  world.faults.disarm();
}

/** Scripts of each table in a plain `npm test`. */
const sampleSize = 1;
const manyScripts = 150;

async function check<Write>(model: Model<Write>, write: fc.Arbitrary<Write>): Promise<void> {
  const numRuns = isWhole() ? manyScripts : sampleSize;
  console.log(`${model.table.name}: ${numRuns} scripts, seed ${seed()}`);
  try {
    await fc.assert(
      fc.asyncProperty(scriptOf(write), (script) => play(model, script)),
      // A shorter script that fails is worth some minutes, not hours.
      { seed: seed(), numRuns, interruptAfterTimeLimit: 3_000_000, endOnFailure: !isWhole() },
    );
  } finally {
    await model.table.close();
  }
}

describe(
  "any order of writes, runs and losses ends with what the source holds",
  { timeout: 3_600_000 },
  () => {
    test.each<DeleteStrategy>(["key-scan", "soft-delete", "full-scan"])(
      "Elasticsearch, deletes by %s",
      async (way) => {
        const table = await ElasticsearchTable.make(search.address, uniqueName("leads"), way);
        await check(new ElasticsearchModel(table, way), elasticsearchWrite);
      },
    );

    test("Cassandra, deletes by full scan", async () => {
      const table = await CassandraTable.make([events.address], uniqueName("visits"));
      await check(new CassandraModel(table), cassandraWrite);
    });
  },
);
