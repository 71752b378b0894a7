// A system that registers itself is one to the catalog and the command line, with nothing else touched.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { catalog, orders, shop } from "./third-system/orders.ts";
import { defineSource } from "../../catalog/define.ts";
import { decodeEntry, encodeEntry } from "../../catalog/glue.ts";
import { defaultBudget, resolveEntry, resolveSource } from "../../catalog/resolve.ts";
import { mistakesInCatalog, mistakesInEntry, mistakesInSource } from "../../catalog/validate.ts";
import { commandHelp, COMMANDS } from "../../cli/commands.ts";
import { localOptions } from "../../cli/local-stack.ts";
import { describeMistake, type Mistake } from "../../contract/mistake.ts";
import { connect } from "../../sources/clients.ts";
import { declarationOf } from "../../sources/declarations.ts";
import { differencesNow } from "../../sources/discover/differences.ts";
import { propose } from "../../sources/discover/proposal.ts";
import { renderEntry } from "../../sources/discover/render.ts";

const text = (mistakes: Iterable<Mistake>): string => [...mistakes].map(describeMistake).join("\n");
/** A value that the types reject. */
const untyped = (value: unknown): never => value as never;
const search = defineSource({
  name: "search",
  system: "elasticsearch",
  owner: "team",
  description: "Search.",
});
const context = { deployment: "sluice" };

describe("in the catalog", () => {
  it("its sources and tables are right", () => {
    expect(text(mistakesInCatalog(catalog, () => true))).toBe("");
  });

  it.each<[string, object]>([
    ["table orders, from.file: it is missing", { from: {} }],
    [
      'table orders, from.file: "a/b" is not the name of a file of JSON lines. Fix: write a name without a folder',
      { from: { file: "a/b" } },
    ],
    [
      'table orders, from: it reads {"index":"orders"} from the source shop, which is jsonl. Fix: name a file of JSON lines, or another source',
      { from: { index: "orders" } },
    ],
    ['table orders, comment: rows begin with "{" too. Fix: write "#"', { comment: "{" }],
    ['table orders, coment: there is no field "coment"', { coment: "#" }],
    ['there is no field "cursor"', { cursor: {} }],
    [
      "key-scan is not for a table without a cursor",
      { deletes: { strategy: "key-scan", everyHours: 1 } },
    ],
    [
      'the path ["_id"] stands for the _id of Elasticsearch, which this source does not have',
      { columns: [...orders.columns, { ...orders.columns[1], name: "other", path: ["_id"] }] },
    ],
  ])("%s", (words, change) => {
    expect(text(mistakesInEntry(untyped({ ...orders, ...change }), () => true))).toContain(words);
  });

  it.each<[string, object]>([
    [
      "budget.linesAtOnce: 101 is out of range. Fix: write a whole number from 1 to 100; the default is 7",
      { linesAtOnce: 101 },
    ],
    ["budget.shardsAtOnce: 2 is for elasticsearch, and this source is jsonl", { shardsAtOnce: 2 }],
  ])("source shop, %s", (words, budget) => {
    expect(text(mistakesInSource(untyped({ ...shop, budget })))).toContain(words);
  });

  it("a definition comes back from its Glue table, with its own defaults", () => {
    const definition = resolveEntry(orders, context);
    expect(decodeEntry(encodeEntry(orders, context))).toEqual(definition);
    expect(definition).toMatchObject({
      from: { file: "orders.jsonl", comment: "#" },
      source: { system: "jsonl", budget: { pageRows: 2, own: { linesAtOnce: 1 } } },
    });
    expect(defaultBudget("jsonl")).toMatchObject({ dutyCycle: 0.5, own: { linesAtOnce: 7 } });
  });

  it.each([
    ["sluice.from", '{"file":"orders.jsonl"}', "comment"],
    ["sluice.source", JSON.stringify(resolveSource(search, "d")), "from"],
    [
      "sluice.source",
      JSON.stringify(resolveSource(shop, "d")).replace("linesAtOnce", "linesBefore"),
      "budget.own",
    ],
  ])("a definition whose %s is %s is rejected", (parameter, value, words) => {
    const table = encodeEntry(orders, context);
    const read = (): unknown =>
      decodeEntry({ ...table, Parameters: { ...table.Parameters, [parameter]: value } });
    expect(read).toThrow("Glue table orders");
    expect(read).toThrow(words);
  });
});

describe("on the command line", () => {
  it("its address is typed as an option of its name", () => {
    expect(localOptions({ jsonl: "/data" }).secrets).toEqual({ jsonl: { folder: "/data" } });
    expect(() => localOptions({ jsonl: "data" })).toThrow(
      '--jsonl "data": must be the path of a folder, or @FILE',
    );
    const { parsePlace } = declarationOf("jsonl");
    expect(["a.jsonl", "a b.jsonl", "a"].map(parsePlace)).toEqual([
      { file: "a.jsonl" },
      undefined,
      undefined,
    ]);
    expect(commandHelp(COMMANDS.up)).toContain("--jsonl FOLDER|@FILE");
    expect(commandHelp(COMMANDS.discover)).toContain("SOURCE FILE.jsonl");
  });
});

it("its secret is asked for in its own form", () => {
  expect(() => connect(resolveSource(shop, "d"), "{}")).toThrow(
    'does not have the form for jsonl (folder: invalid_type). Store at least {"folder": "/…"} in it.',
  );
});

it("its tables are discovered, and compared with the catalog", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-third-system-"));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  writeFileSync(
    join(folder, "orders.jsonl"),
    '# orders\n{"id":1,"customer":"a","lines":["x"]}\n{"id":2,"customer":"b","lines":[],"paid":true}\n',
  );
  const client = connect(resolveSource(shop, "d"), JSON.stringify({ folder }));
  const place = declarationOf("jsonl").parsePlace("orders.jsonl");
  if (place === undefined) throw new Error("there is no place");
  const proposal = propose(await client.discover(place, { documents: 10, dutyCycle: 1 }), "shop");
  expect(proposal).toMatchObject({ name: "orders", key: ["id"], cursor: null });
  const file = renderEntry(proposal, { sourceVariable: "shop" });
  expect(file).toContain("proposed from orders.jsonl");
  expect(file).toContain('from: { file: "orders.jsonl" }');
  const definition = resolveEntry(orders, context);
  if (definition.kind !== "table") throw new Error("it is a model");
  const differences = differencesNow(definition, await client.describe(definition.from));
  expect(differences.map(({ kind, field }) => [kind, field])).toEqual([["new", "paid"]]);
});
