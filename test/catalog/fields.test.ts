// Misspelled, unknown and missing fields, at every level, by people whom the types do not help.
import { describe, expect, it, test } from "vitest";
import { describeMistake } from "../../contract/mistake.ts";
import { nearest } from "../../catalog/nearest.ts";
import type { Catalog, Model, Source, Table } from "../../catalog/table.ts";
import { mistakesInCatalog, mistakesInEntry, mistakesInSource } from "../../catalog/validate.ts";

/** A value that the types reject. */
const untyped = (value: unknown): never => value as never;

const search = {
  name: "search",
  system: "elasticsearch",
  owner: "team",
  description: "a source",
  budget: { lanes: 1, hours: { timeZone: "UTC", from: "22:00", to: "05:00" } },
} as const satisfies Source;
const events = { ...search, name: "events", system: "cassandra", budget: {} } as const;

const shared = {
  owner: "team",
  description: "things",
  key: ["thing_id"],
  columns: [
    { name: "thing_id", type: "string", description: "id", nullable: false },
    { name: "changed_at", type: "timestamp", description: "when", nullable: false },
    {
      name: "address",
      type: { struct: [{ name: "street", type: "string", from: "Street" }] },
      description: "where",
    },
  ],
  partitioning: [{ column: "thing_id", transform: { bucket: 4 } }],
  checks: [{ name: "no_id", badRows: "thing_id is null", severity: "warn" }],
  publish: { distribution: { style: "key", column: "thing_id" }, sortKeys: ["changed_at"] },
} as const;

const things: Table = {
  ...shared,
  name: "things",
  source: search,
  from: { index: "things" },
  cursor: {
    ...{ column: "changed_at", lagSeconds: 5, overlapSeconds: 0 },
    lateRows: { everyHours: 1, reachHours: 2 },
  },
  deletes: { strategy: "key-scan", everyHours: 24, maxShare: 0.2 },
};
const visits: Table = {
  ...shared,
  name: "visits",
  source: events,
  from: { keyspace: "tracking", table: "visits" },
  splits: 8,
  changes: {
    strategy: "buckets",
    column: "changed_at",
    unit: "day",
    lateBuckets: 1,
    values: { thing_id: ["a"] },
  },
  deletes: { strategy: "none" },
};
const sums: Model = {
  ...shared,
  name: "sums",
  inputs: [things],
  script: new URL("file:///sums.sql"),
};

/** The value with another name for the field that a path leads to. */
function renamed(value: unknown, path: readonly (string | number)[], name: string): unknown {
  const [first = "", ...rest] = path;
  if (Array.isArray(value)) {
    return value.map((member: unknown, index) =>
      index === first ? renamed(member, rest, name) : member,
    );
  }
  return Object.fromEntries(
    Object.entries(value as object).map(([key, member]: [string, unknown]) => {
      if (key !== first) return [key, member];
      return rest.length === 0 ? [name, member] : [key, renamed(member, rest, name)];
    }),
  );
}

const found = (entry: Table | Model): string =>
  [...mistakesInEntry(entry, () => true)].map(describeMistake).join("\n");
const foundInSource = (source: Source): string =>
  [...mistakesInSource(source)].map(describeMistake).join("\n");

test("what has only known fields is right", () => {
  expect([things, visits, sums].map(found)).toEqual(["", "", ""]);
  expect([search, events].map(foundInSource)).toEqual(["", ""]);
});

describe("a misspelled field is reported with its place, its value and the field that was meant", () => {
  type Path = (string | number)[];
  const spelled = (place: string, wrong: string, right: string): string =>
    `${place}${place.includes(", ") ? "." : ", "}${wrong}: there is no field "${wrong}" (its value is |Fix: write "${right}"`;

  const expectSpelled = (text: string, words: string): void => {
    const [start = "", fix = ""] = words.split("|");
    const line = text.split("\n").find((one) => one.startsWith(start));
    expect(line, text).toBeDefined();
    expect(line).toContain(fix);
  };

  it.each<[Path, string, string]>([
    [["description"], "descripton", "table things"],
    [["partitioning"], "partitionning", "table things"],
    [["checks"], "check", "table things"],
    [["publish"], "publsih", "table things"],
    [["cursor"], "curser", "table things"],
    [["deletes"], "delets", "table things"],
    [["from", "index"], "indx", "table things, from"],
    [["columns", 0, "nullable"], "nulable", "table things, column thing_id"],
    [["columns", 1, "description"], "desc", "table things, column changed_at"],
    [["cursor", "lagSeconds"], "lagSecond", "table things, cursor"],
    [["cursor", "lateRows"], "lateRow", "table things, cursor"],
    [["cursor", "lateRows", "reachHours"], "reachHour", "table things, cursor.lateRows"],
    [["deletes", "maxShare"], "maxshare", "table things, deletes"],
    [["partitioning", 0, "transform"], "tranform", "table things, partitioning[0]"],
    [
      ["partitioning", 0, "transform", "bucket"],
      "buckets",
      "table things, partitioning[0].transform",
    ],
    [["checks", 0, "severity"], "severty", "table things, check no_id"],
    [["publish", "sortKeys"], "sortkeys", "table things, publish"],
    [["publish", "distribution", "column"], "colum", "table things, publish.distribution"],
  ])("in a table of Elasticsearch: %s as %s", (path, wrong, place) => {
    const right = String(path.at(-1));
    const text = found(untyped(renamed(things, path, wrong)));
    if (wrong === "desc") {
      // Too short to be near: what is missing is reported beside it.
      expect(text).toContain('there is no field "desc"');
      expect(text).toContain("column changed_at.description: it is missing");
    } else expectSpelled(text, spelled(place, wrong, right));
    expect(text).not.toContain(`${right}: it is missing`.repeat(wrong === "desc" ? 2 : 1));
  });

  it.each<[Path, string, string]>([
    [["splits"], "split", "table visits"],
    [["changes"], "change", "table visits"],
    [["from", "keyspace"], "keySpace", "table visits, from"],
    [["changes", "lateBuckets"], "latebuckets", "table visits, changes"],
    [["changes", "values"], "value", "table visits, changes"],
  ])("in a table of Cassandra: %s as %s", (path, wrong, place) => {
    expectSpelled(
      found(untyped(renamed(visits, path, wrong))),
      spelled(place, wrong, String(path.at(-1))),
    );
  });

  it.each<[Path, string, string]>([
    [["inputs"], "input", "model sums"],
    [["script"], "scrpt", "model sums"],
  ])("in a model: %s as %s", (path, wrong, place) => {
    expectSpelled(
      found(untyped(renamed(sums, path, wrong))),
      spelled(place, wrong, String(path.at(-1))),
    );
  });

  it.each<[Path, string, string]>([
    [["budget"], "budgt", "source search"],
    [["owner"], "ower", "source search"],
    [["budget", "lanes"], "lane", "source search, budget"],
    [["budget", "hours"], "hour", "source search, budget"],
    [["budget", "hours", "timeZone"], "timezone", "source search, budget.hours"],
  ])("in a source: %s as %s", (path, wrong, place) => {
    expectSpelled(
      foundInSource(untyped(renamed(search, path, wrong))),
      spelled(place, wrong, String(path.at(-1))),
    );
  });

  it("in a struct's field", () => {
    const path = ["columns", 2, "type", "struct", 0, "from"];
    expect(found(untyped(renamed(things, path, "form")))).toContain(
      'column address, field form of street: there is no field "form" (its value is "Street"). Fix: write "from"',
    );
  });

  it("in the catalog", () => {
    const catalog: Catalog = { sources: [search], tables: [things], models: [sums] };
    const mistakes = [
      ...mistakesInCatalog(untyped(renamed(catalog, ["models"], "model")), () => true),
    ];
    expect(mistakes.map(describeMistake).join("\n")).toContain(
      'the catalog, model: there is no field "model"',
    );
  });
});

describe("a value of another kind is reported, and nothing is looked for in it", () => {
  it.each<[string, unknown]>([
    ["table things, owner: 5 is not allowed here", { ...things, owner: 5 }],
    ["table things, key: it is missing", { ...things, key: undefined }],
    ['table things, key: "thing_id" is not allowed here', { ...things, key: "thing_id" }],
    [
      'table things, source: the system "oracle" of the source search is not known',
      { ...things, source: { ...search, system: "oracle" } },
    ],
    [
      'table things, ky: there is no field "ky"',
      { ...things, source: { ...search, system: "oracle" }, ky: ["thing_id"] },
    ],
    [
      'table things, column number 1.type: it is missing. Fix: add "type": one of string, boolean',
      { ...things, columns: [{ description: "id" }] },
    ],
    [
      'table things, cursor.lagSeconds: it is missing. Fix: add "lagSeconds": more seconds than',
      { ...things, cursor: { column: "changed_at", overlapSeconds: 0 } },
    ],
    ["table things, columns: it is missing", { ...things, columns: undefined }],
    ["table things, source: it is missing", { ...things, source: undefined }],
    ["table things, from: it is missing", { ...things, from: undefined }],
    ["table things, deletes: it is missing", { ...things, deletes: undefined }],
    [
      'table things, deletes.strategy: the strategy "key-scna" is not known. Fix: write "key-scan"',
      { ...things, deletes: { strategy: "key-scna", everyHours: 1 } },
    ],
    [
      'table things, publish.distribution.style: the style "evn" is not known. Fix: write "even"',
      { ...things, publish: { distribution: { style: "evn" } } },
    ],
    [
      'table things, column thing_id.nullable: "no" is not allowed here',
      { ...things, columns: [{ ...shared.columns[0], nullable: "no" }] },
    ],
    [
      "table things, column number 1.name: it is missing",
      { ...things, columns: [{ type: "string", description: "id" }] },
    ],
    ['table things, splits: there is no field "splits" (its value is 4)', { ...things, splits: 4 }],
    [
      'table visits, cursor: there is no field "cursor"',
      { ...visits, cursor: { column: "changed_at", lagSeconds: 1, overlapSeconds: 0 } },
    ],
    ['model sums, script: "sums.sql" is not allowed here', { ...sums, script: "sums.sql" }],
    ["model sums, inputs: it is missing", { ...sums, inputs: undefined }],
  ])("%s", (words, entry) => {
    expect(found(untyped(entry))).toContain(words);
  });
});

describe("the nearest name", () => {
  it.each([
    ["shedule", "schedule"],
    ["SCHEDULE", "schedule"],
    ["shcedule", "schedule"],
    ["schedules", "schedule"],
    ["enabel", "enabled"],
    ["colour", undefined],
    ["", undefined],
  ])("of %j is %s", (written, meant) => {
    expect(nearest(written, ["account", "enabled", "schedule"])).toBe(meant);
  });
});

const withColumns = (count: number): Table => ({
  ...things,
  columns: [
    ...shared.columns,
    ...Array.from({ length: count - shared.columns.length }, (_, number) => ({
      ...{ name: `column_${number}`, type: "string" as const, description: "more" },
    })),
  ],
});

test("as many columns as leave room for one more in a stage table are taken, and no more", () => {
  expect(found(withColumns(1599))).toBe("");
  expect(found(withColumns(1600))).toContain(
    "table things: it has 1600 columns. Fix: declare 1 to 1599 columns",
  );
});

test("an entry's name leaves room for its lock's", () => {
  const called = (length: number): Table => ({ ...things, name: "a".repeat(length) });
  expect(found(called(58))).toBe("");
  expect(found(called(59))).toContain("has 59 characters. Fix: use at most 58 characters");
});

test.each<[string, string, string]>([
  ["orders_2024", "orders2024", "Orders2024"],
  ["order__lines", "order_lines", "OrderLines"],
  ["orders_", "orders", "Orders"],
])("%s and %s are one in CloudFormation, and both are named", (one, other, id) => {
  const catalog: Catalog = {
    sources: [search],
    tables: [{ ...things, name: one }],
    models: [{ ...sums, name: other, inputs: [] }],
  };
  expect([...mistakesInCatalog(catalog, () => true)].map(describeMistake)).toContainEqual(
    expect.stringContaining(
      `model ${other}: its name and that of table ${one} are one in CloudFormation, ${id}. Fix: rename`,
    ),
  );
  const apart = { ...catalog, models: [{ ...sums, inputs: catalog.tables }] };
  expect([...mistakesInCatalog(apart, () => true)]).toEqual([]);
});
