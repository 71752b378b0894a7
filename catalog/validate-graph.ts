// All mistakes in how the entries of a catalog fit together: names, sources, inputs.
import type { Mistake } from "../contract/mistake.ts";
import { logicalName, repeatedNames } from "./names.ts";
import { isModel } from "./resolve.ts";
import type { Catalog, Model, Table } from "./table.ts";

export function* mistakesInGraph(catalog: Catalog): Generator<Mistake> {
  yield* mistakesInNames(catalog);
  yield* mistakesInLogicalNames(catalog);
  for (const table of catalog.tables) {
    if (!catalog.sources.includes(table.source)) {
      yield {
        place: `table ${table.name}, source`,
        problem: `the source ${table.source.name} is not in the catalog`,
        fix: `add ${table.source.name} to sources in catalog/index.ts`,
      };
    }
  }
  for (const model of catalog.models) yield* mistakesInInputs(model, catalog);
}

function* mistakesInNames(catalog: Catalog): Generator<Mistake> {
  for (const name of repeatedNames(catalog.sources.map((source) => source.name))) {
    yield { place: `source ${name}`, problem: "two sources have this name", fix: "rename one" };
  }
  // Tables and models share the lake's and the warehouse's names.
  for (const name of repeatedNames(
    [...catalog.tables, ...catalog.models].map((entry) => entry.name),
  )) {
    yield {
      place: `table or model ${name}`,
      problem: "two entries have this name (upper and lower case are the same)",
      fix: "rename one",
    };
  }
}

/** Names that differ in underscores only: they make one logical id, and people take one for the other. */
function* mistakesInLogicalNames(catalog: Catalog): Generator<Mistake> {
  const owners = new Map<string, Table | Model>();
  const describe = (entry: Table | Model): string =>
    `${isModel(entry) ? "model" : "table"} ${entry.name}`;
  for (const entry of [...catalog.tables, ...catalog.models]) {
    const id = logicalName(entry.name);
    const owner = owners.get(id);
    if (owner === undefined) owners.set(id, entry);
    // Equal names are another mistake.
    else if (owner.name !== entry.name) {
      yield {
        place: describe(entry),
        problem: `its name and that of ${describe(owner)} are one in CloudFormation, ${id}`,
        fix: "rename one of them, so that they differ in more than underscores",
      };
    }
  }
}

function* mistakesInInputs(model: Model, catalog: Catalog): Generator<Mistake> {
  const place = `model ${model.name}, inputs`;
  if (model.inputs.length === 0) {
    yield { place, problem: "there are none", fix: "name the tables and models that it reads" };
  }
  for (const name of repeatedNames(model.inputs.map((input) => input.name))) {
    yield { place, problem: `${name} stands there twice`, fix: "name it once" };
  }
  const known: readonly (Table | Model)[] = [...catalog.tables, ...catalog.models];
  for (const input of model.inputs) {
    if (!known.includes(input)) {
      yield {
        place,
        problem: `${input.name} is not in the catalog`,
        fix: `add ${input.name} to ${isModel(input) ? "models" : "tables"} in catalog/index.ts`,
      };
    }
  }
  const circle = circleThrough(model);
  if (circle !== undefined) {
    yield {
      place,
      problem: `it reads itself: ${circle.join(" reads ")}`,
      fix: "remove one of these inputs",
    };
  }
}

/** The names on a way from the model's inputs back to the model. */
function circleThrough(model: Model): string[] | undefined {
  const seen = new Set<Table | Model>();
  const search = (entry: Table | Model, way: string[]): string[] | undefined => {
    if (!isModel(entry)) return undefined;
    for (const input of entry.inputs) {
      if (input === model) return [...way, input.name];
      if (seen.has(input)) continue;
      seen.add(input);
      const found = search(input, [...way, input.name]);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return search(model, [model.name]);
}
