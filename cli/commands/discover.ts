// `sluice discover`: proposes a catalog entry for what a source has, or lists how tables differ from their sources.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { isModel, resolveEntry } from "../../catalog/resolve.ts";
import type { Catalog, Table } from "../../catalog/table.ts";
import type { TableDefinition } from "../../catalog/definition.ts";
import { mistakesInEntryName } from "../../catalog/names.ts";
import { describeMistake } from "../../contract/mistake.ts";
import type { Difference } from "../../contract/drift.ts";
import { differencesNow } from "../../sources/discover/differences.ts";
import { variableName } from "../../sources/discover/names.ts";
import { propose } from "../../sources/discover/proposal.ts";
import { exportName, indexLines, renderEntry } from "../../sources/discover/render.ts";
import type { JsonObject } from "../../contract/json.ts";
import { allDeclarations, declarationOf } from "../../sources/declarations.ts";
import type { SourceClient } from "../../sources/source.ts";
import { projectHere } from "../../lib/project.ts";
import { readArguments, UsageError } from "../arguments.ts";
import { indexWithTable } from "../catalog-index.ts";
import { COMMANDS } from "../commands.ts";
import { formatted, writeNew } from "../new-file.ts";
import { Output } from "../output.ts";
import { type AccessArguments, findSource, openCatalog, openSource } from "../source-access.ts";

const DEFAULT_DOCUMENTS = 200;
const MOST_DOCUMENTS = 5000;

export async function discover(args: string[]): Promise<number> {
  const { values, positionals } = readArguments({
    args,
    options: COMMANDS.discover.options,
    allowPositionals: true,
  });
  const output = new Output({ json: values.json ?? false });
  if (values.drift === true) return listDrift(positionals, values, output);
  const [first, second, ...more] = positionals;
  if (first === undefined || more.length > 0)
    throw new UsageError(`discover needs a source and ${placeForms()}, or a table of the catalog`);
  if (second === undefined) return listDrift([first], values, output);
  const documents = documentsToRead(values.sample);
  const { name, write = false } = values;
  const { catalog, folder } = await openCatalog(values);
  const source = findSource(catalog, first);
  const place = placeNamed(source.system, second);
  const { client, definition } = await openSource(source, values);
  try {
    const { dutyCycle } = definition.budget;
    const discovery = await client.discover(place, { documents, dutyCycle });
    checkName(name);
    const proposal = propose(discovery, source.name, name);
    const sourceVariable = await variableOf(source.name, folder);
    const file = join(folder, "tables", `${proposal.name}.ts`);
    const text = await formatted(renderEntry(proposal, { sourceVariable }));
    const readers = catalog.tables.filter((table) => isSamePlace(table, source.name, place));
    const lines = indexLines(proposal.name, sourceVariable);
    const indexFile = join(folder, "index.ts");
    if (write) writeNew(file, text);
    const listed =
      write && (await addToIndex(indexFile, exportName(proposal.name, sourceVariable), lines[0]));
    const project = projectHere().folder;
    const shownFile = relative(project, file);
    const index = relative(project, indexFile);
    printProposal({ output, text, write, listed, shownFile, index, lines, catalog, readers });
    output.result({
      ...{ proposal, text, file: write ? shownFile : null, indexLines: lines, listed },
      sampledDocuments: discovery.sampledDocuments,
      readBy: readers.map((table) => table.name),
    });
    return 0;
  } finally {
    await client.close();
  }
}

function placeForms(): string {
  return allDeclarations()
    .map(({ placeForm }) => placeForm)
    .join(" or ");
}

function documentsToRead(text: string | undefined): number {
  if (text === undefined) return DEFAULT_DOCUMENTS;
  if (/^\d+$/.test(text) && Number(text) <= MOST_DOCUMENTS) return Number(text);
  throw new UsageError(
    `--sample ${JSON.stringify(text)}: must be a whole number from 0 to ${MOST_DOCUMENTS}`,
  );
}

function checkName(name: string | undefined): void {
  if (name === undefined) return;
  const [mistake] = mistakesInEntryName(name, "--name");
  if (mistake !== undefined) throw new UsageError(describeMistake(mistake));
}

function placeNamed(system: string, text: string): JsonObject {
  const { parsePlace, placeForm, title } = declarationOf(system);
  const place = parsePlace(text);
  if (place !== undefined) return place;
  throw new UsageError(
    `${JSON.stringify(text)}: must be ${placeForm}, because the source is ${title}`,
  );
}

/** What the sources' file exports the source as. */
async function variableOf(source: string, folder: string): Promise<string> {
  const file = join(folder, "sources.ts");
  if (existsSync(file)) {
    const module: unknown = await import(pathToFileURL(file).href);
    for (const [name, value] of Object.entries(module ?? {})) {
      const exported: unknown = value;
      if (typeof exported !== "object" || exported === null || !("system" in exported)) continue;
      if ("name" in exported && exported.name === source) return name;
    }
  }
  return variableName(source);
}

function isSamePlace({ source, from }: Table, name: string, place: JsonObject): boolean {
  if (source.name !== name) return false;
  const { showPlace } = declarationOf(source.system);
  return showPlace(from) === showPlace(place);
}

/** True if the table was added: the index had the usual form. */
async function addToIndex(file: string, variable: string, importLine: string): Promise<boolean> {
  const changed = existsSync(file)
    ? indexWithTable(readFileSync(file, "utf8"), variable, importLine)
    : undefined;
  if (changed === undefined) return false;
  writeFileSync(file, await formatted(changed));
  return true;
}

interface WrittenProposal {
  readonly output: Output;
  readonly text: string;
  readonly write: boolean;
  /** Whether the table was added to the index. */
  readonly listed: boolean;
  readonly shownFile: string;
  readonly index: string;
  readonly lines: readonly [string, string];
  readonly catalog: Catalog;
  readonly readers: readonly Table[];
}

function printProposal(proposal: WrittenProposal): void {
  const { output, text, write, listed, shownFile, index, lines, catalog, readers } = proposal;
  const todos = text.split("\n").filter((line) => line.trim().startsWith("// TODO")).length;
  if (!write) {
    if (!output.json) output.line(text);
    output.line(`For ${shownFile}; --write puts it there.`);
  } else output.line(`Wrote ${shownFile}, with ${todos} things to decide (// TODO).`);
  if (listed) output.line(`Added it to ${index}.`);
  else {
    output.line(`Then add to ${index}: ${lines[0]}`);
    output.line(`and: ${lines[1]}`);
  }
  for (const { name } of readers)
    output.line(`The table ${name} reads this already: \`sluice discover ${name}\` compares them.`);
  const taken = shownFile.replace(/^.*\/|\.ts$/g, "");
  if (readers.length === 0 && catalog.tables.some((table) => table.name === taken))
    output.line(`The catalog has another table called ${taken}: choose a name with --name.`);
}

interface TableDrift {
  readonly table: string;
  readonly differences: readonly Difference[];
}

async function listDrift(
  names: readonly string[],
  given: AccessArguments,
  output: Output,
): Promise<number> {
  const { catalog } = await openCatalog(given);
  const tables =
    names.length === 0 ? catalog.tables : names.map((name) => findTable(catalog, name));
  const found: TableDrift[] = [];
  for (const group of Map.groupBy(tables, (table) => table.source.name).values()) {
    const [{ source }] = group as [Table, ...Table[]];
    const { client } = await openSource(source, given);
    try {
      for (const table of group) found.push(await driftOf(client, table));
    } finally {
      await client.close();
    }
  }
  for (const { table, differences } of found) {
    output.line(
      differences.length === 0
        ? `${table}: as its source`
        : `${table}: ${differences.length} ${differences.length === 1 ? "difference" : "differences"}`,
    );
    for (const { kind, message } of differences) output.line(`  ${kind.padEnd(7)} ${message}`);
  }
  output.result({ tables: found });
  return 0;
}

function findTable(catalog: Catalog, name: string): Table {
  const table = catalog.tables.find((one) => one.name === name);
  if (table !== undefined) return table;
  throw new UsageError(
    `there is no table ${JSON.stringify(name)} in the catalog; to propose one, name a source and ${placeForms()}`,
  );
}

async function driftOf(client: SourceClient, table: Table): Promise<TableDrift> {
  const shape = await client.describe(table.from);
  return { table: table.name, differences: differencesNow(definitionOf(table), shape) };
}

function definitionOf(table: Table): TableDefinition {
  // Neither name is part of what is compared.
  const definition = resolveEntry(table, { deployment: "catalog" });
  if (definition.kind === "table" && !isModel(table)) return definition;
  throw new Error(`${table.name} is a model, which has no source.`);
}
