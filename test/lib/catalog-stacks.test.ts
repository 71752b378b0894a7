// The catalog's stacks: where entries go, what they cost, and what is rejected because it is too large.
import { App } from "aws-cdk-lib";
import fc from "fast-check";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { catalog } from "../shop/index.ts";
import { catalogStackOf } from "../../catalog/placement.ts";
import type { Catalog, Column, Model, Table } from "../../catalog/table.ts";
import type { ElasticsearchTable } from "../catalog/table-types.ts";
import type { Config } from "../../lib/config.ts";
import { Definitions } from "../../lib/constructs/definitions.ts";
import { buildStacks } from "../../lib/stacks/build-stacks.ts";
import type { CatalogStack } from "../../lib/stacks/catalog-stack.ts";
import {
  APP_PROPS,
  checkTemplates,
  MAX_RESOURCES,
  MAX_TEMPLATE_BYTES,
} from "../../lib/template-limits.ts";
import { testConfig } from "./deployment-fixture.ts";
import { COLUMN_SHAPES } from "../catalog/column-shapes.ts";

const outputs = mkdtempSync(join(tmpdir(), "sluice-catalog-stacks-"));
let apps = 0;
afterAll(() => {
  rmSync(outputs, { recursive: true, force: true });
});

function newApp(choices: Record<string, unknown> = {}): { app: App; config: Config } {
  apps += 1;
  const app = new App({
    ...APP_PROPS,
    context: { "aws:cdk:bundling-stacks": [], ...APP_PROPS.context },
    outdir: join(outputs, String(apps)),
  });
  return { app, config: testConfig(choices) };
}

/** The stacks of the entries alone. */
function buildCatalogStacks(
  app: App,
  { deployment, catalogStacks, account, region }: Config,
  catalog: Catalog,
): readonly CatalogStack[] {
  const env = { account, region };
  return new Definitions(app, "Catalog", { deployment, catalog, catalogStacks, env }).stacks;
}

const source = {
  name: "shop",
  system: "elasticsearch",
  owner: "shop-platform",
  description: "Serves the shop.",
} as const;

/** A table with a key and a cursor, and what else is given. */
function table(name: string, columns: readonly Column[] = []): ElasticsearchTable {
  return {
    ...{ name, source, owner: "sales", description: "One row for each of them." },
    ...{ from: { index: name }, key: ["key"], deletes: { strategy: "none" } },
    cursor: { column: "changed_at", lagSeconds: 5, overlapSeconds: 60 },
    columns: [
      { name: "key", type: "string", path: ["_id"], nullable: false, description: "Its key." },
      { name: "changed_at", type: "timestamp", path: ["changedAt"], description: "When written." },
      ...columns,
    ],
  };
}

const withTables = (tables: readonly Table[], models: readonly Model[] = []): Catalog => ({
  ...{ sources: [source], tables, models },
});

const templateSchema = z.object({
  Resources: z.record(
    z.string(),
    z.object({
      Properties: z.object({ TableInput: z.object({ Name: z.string() }).optional() }),
      DependsOn: z.array(z.string()).optional(),
    }),
  ),
});

/** Of each entry its stack and logical id. */
function placement(catalogStacks: number, entries: Catalog): Map<string, string> {
  const { app, config } = newApp({ catalogStacks });
  return new Map(
    buildCatalogStacks(app, config, entries).flatMap((stack) =>
      [...stack.definitions].map(([name, { logicalId }]): [string, string] => [
        name,
        `${stack.stackName} ${String(stack.resolve(logicalId))}`,
      ]),
    ),
  );
}

/** The same from the templates that are written. */
function writtenPlacement(catalogStacks: number, entries: Catalog): Map<string, string> {
  const { app, config } = newApp({ catalogStacks });
  buildCatalogStacks(app, config, entries);
  return new Map(
    app
      .synth()
      .stacks.flatMap(({ stackName, template }) =>
        Object.entries(templateSchema.parse(template).Resources).flatMap(([id, { Properties }]) =>
          Properties.TableInput === undefined || id === "Stamp"
            ? []
            : [[Properties.TableInput.Name, `${stackName} ${id}`] as const],
        ),
      ),
  );
}

describe("where an entry goes", () => {
  it("stays the same through 200 random additions and removals of others", () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,20}$/);
    const change = fc.record({ name, adds: fc.boolean(), which: fc.nat() });
    fc.assert(
      fc.property(
        fc.uniqueArray(name, { minLength: 15, maxLength: 15 }),
        fc.array(change, { minLength: 200, maxLength: 200 }),
        fc.constantFrom(1, 2, 8, 32),
        (first, changes, stacks) => {
          let names = first;
          let before = placement(stacks, withTables(names.map((one) => table(one))));
          for (const { name, adds, which } of changes) {
            const rest = names.filter((one) => one !== name);
            const kept = names.filter((_, at) => at !== which % names.length);
            names = adds || names.length < 2 ? [name, ...rest] : kept;
            const after = placement(stacks, withTables(names.map((one) => table(one))));
            expect([...after.keys()].sort()).toEqual([...names].sort());
            for (const [one, place] of before) {
              if (after.has(one)) expect(after.get(one)).toBe(place);
            }
            before = after;
          }
          const last = withTables(names.map((one) => table(one)));
          expect(writtenPlacement(stacks, last)).toEqual(before);
        },
      ),
      { numRuns: 1 },
    );
  });

  it("is the old stack or one new one when their number is doubled", () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom(1, 2, 4, 8, 16, 32, 64), (name, stacks) => {
        const before = catalogStackOf(name, stacks);
        expect([before, before + stacks]).toContain(catalogStackOf(name, stacks * 2));
      }),
    );
  });

  it("spreads entries over all stacks", () => {
    const names = Array.from({ length: 1000 }, (_, number) => `table_${number}`);
    const counts = new Map<number, number>();
    for (const name of names) {
      const stack = catalogStackOf(name, 16);
      counts.set(stack, (counts.get(stack) ?? 0) + 1);
    }
    expect(counts.size).toBe(16);
    expect(Math.max(...counts.values())).toBeLessThan(100);
  });

  it("does not depend on whether it is a table or a model, and no two logical ids meet", () => {
    const [model] = catalog.models;
    if (model === undefined) throw new Error("the catalog has no model");
    const names = ["orders_2024", "orders2024", "orders_20_24"];
    const asTables = placement(1, withTables(names.map((name) => table(name))));
    const asModels = placement(
      1,
      withTables(
        [],
        names.map((name) => ({ ...model, name })),
      ),
    );
    expect(asTables).toEqual(asModels);
    expect(new Set(asTables.values()).size).toBe(3);
  });
});

interface Written {
  readonly bytes: number;
  readonly largest: number;
}

/** Synthesizes the catalog's stacks alone and holds them to the limits. */
function synthesize(entries: Catalog, choices: Record<string, unknown> = {}): Written {
  const { app, config } = newApp(choices);
  buildCatalogStacks(app, config, entries);
  const assembly = app.synth();
  checkTemplates(assembly);
  const sizes = assembly.stacks.map((one) => readFileSync(one.templateFullPath).length);
  return { bytes: sizes.reduce((a, b) => a + b, 0), largest: Math.max(...sizes) };
}

/** Columns whose names and descriptions are about as long as people's. */
function columns(count: number): Column[] {
  return Array.from({ length: count }, (_, number) => {
    const shape = COLUMN_SHAPES[number % (COLUMN_SHAPES.length - 1)] ?? { type: "string" };
    return {
      ...{ ...shape, name: `measure_no_${number}`, path: [`measureNo${number}`] },
      description: `What was measured as number ${number}, as of the last report.`,
    };
  });
}

const wide = (count: number): Table[] =>
  Array.from({ length: count }, (_, number) => table(`wide_table_${number}`, columns(58)));

describe("what a catalog costs", () => {
  // What one more column added to the template when its types and descriptions were written twice.
  it.each([
    ["id", 230],
    ["company_id", 324],
    ["employees", 316],
    ["revenue", 391],
    ["email", 373],
    ["address", 722],
    ["events", 511],
    ["payload", 267],
    ["created_at", 306],
  ])("is at most half of what it was for the column %s", (name, before) => {
    const shape = COLUMN_SHAPES.filter((one) => one.name === name);
    expect(shape).toHaveLength(1);
    const stacks = { catalogStacks: 1 };
    const without = synthesize(withTables([table("visits")]), stacks);
    const withIt = synthesize(withTables([table("visits", shape)]), stacks);
    expect(withIt.bytes - without.bytes).toBeLessThanOrEqual(before / 2);
  });

  it("is each description once, however long", () => {
    const [notes] = COLUMN_SHAPES.slice(-1);
    if (notes === undefined) throw new Error("there is no last column");
    expect(notes.description.length).toBeGreaterThan(500);
    const stacks = { catalogStacks: 1 };
    const without = synthesize(withTables([table("visits")]), stacks);
    const withIt = synthesize(withTables([table("visits", [notes])]), stacks);
    expect(withIt.bytes - without.bytes).toBeLessThan(notes.description.length + 70);
  });

  it("fits for 200 tables of the shop's size, and for 42 of 60 columns, in the usual stacks", () => {
    const examples = Array.from({ length: 50 }, (_, copy) =>
      catalog.tables.map((one) => ({ ...one, name: `${one.name}_${copy}` })),
    ).flat();
    expect(examples).toHaveLength(200);
    expect(synthesize(withTables(examples)).largest).toBeLessThan(MAX_TEMPLATE_BYTES / 2);
    expect(synthesize(withTables(wide(42))).largest).toBeLessThan(MAX_TEMPLATE_BYTES / 2);
  });

  it("fits for 1,000 tables of 60 columns in 32 stacks", () => {
    const { bytes, largest } = synthesize(withTables(wide(1000)), { catalogStacks: 32 });
    expect(bytes).toBeGreaterThan(5_000_000);
    expect(largest).toBeLessThan(MAX_TEMPLATE_BYTES);
  });
});

describe("the limits", () => {
  it("name the stack, its size, the limit and what to do", () => {
    const many = withTables(wide(250));
    expect(() => synthesize(many, { catalogStacks: 1 })).toThrow(
      /the template of sluice-catalog-0 has [\d,]+ bytes, and CloudFormation takes 1,000,000\. Raise catalogStacks in the deployment's configuration from 1 to 4\./,
    );
    expect(synthesize(many, { catalogStacks: 4 }).largest).toBeLessThan(MAX_TEMPLATE_BYTES);
  });

  it("count what CloudFormation counts", () => {
    const tables = Array.from({ length: MAX_RESOURCES - 1 }, (_, number) => table(`t${number}`));
    const stacks = { catalogStacks: 1 };
    expect(() => synthesize(withTables(tables), stacks)).toThrow(
      "sluice-catalog-0 has 501 resources, and CloudFormation takes 500. Raise catalogStacks in the deployment's configuration from 1 to 2.",
    );
    expect(() => synthesize(withTables(tables.slice(1)), stacks)).not.toThrow();
  });

  it("blame an entry that no number of stacks helps", () => {
    const huge = table("huge", columns(9000));
    expect(() => synthesize(withTables([huge]), { catalogStacks: 4 })).toThrow(
      /Its largest resource, Huge\w+, has [\d,]+ of them: declare fewer columns/,
    );
  });

  it("are Glue's too, all reported at once", () => {
    const columns_: Column[] = [
      { name: "far", type: "string", path: ["x".repeat(600_000)], description: "d" },
    ];
    const entries = [
      { ...table("described"), description: "d".repeat(2049) },
      { ...table("deep", columns_) },
    ];
    const build = (): Written => synthesize(withTables(entries), { catalogStacks: 1 });
    expect(build).toThrow("described: description: it has 2049 bytes, and Glue takes 2048");
    expect(build).toThrow(
      /deep: parameter sluice.paths: it has 6\d{5} bytes, and Glue takes 512000/,
    );
  });
});

describe("a catalog stack", () => {
  it("writes its stamp after all its entries, and comes after the core", () => {
    const { app, config } = newApp({ catalogStacks: 2 });
    buildStacks(app, config, withTables(wide(10)));
    const assembly = app.synth();
    let entries = 0;
    for (const number of [0, 1]) {
      const artifact = assembly.getStackByName(`sluice-catalog-${number}`);
      expect(artifact.dependencies.map(({ id }) => id)).toContain("sluice-core");
      const { Resources: resources } = templateSchema.parse(artifact.template);
      const others = Object.keys(resources).filter((id) => !["Database", "Stamp"].includes(id));
      expect([...(resources.Stamp?.DependsOn ?? [])].sort()).toEqual(others.sort());
      entries += others.length;
    }
    expect(entries).toBe(10);
  });
});

describe("the number of stacks", () => {
  it.each([0, 3, 256, 2.5, "many"])("is not %s", (catalogStacks) => {
    expect(() => newApp({ catalogStacks })).toThrow(/catalogStacks/);
  });
});
