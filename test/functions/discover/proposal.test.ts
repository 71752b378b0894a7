// Tests what is proposed for what was discovered, and that any proposal is an entry without a mistake.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { check } from "prettier";
import { formatted } from "../../../cli/new-file.ts";
import { events, search } from "../../../catalog/sources.ts";
import { mistakesInEntry } from "../../../catalog/schema/validate.ts";
import type { Table } from "../../../catalog/schema/table.ts";
import type { ColumnType } from "../../../catalog/schema/types.ts";
import type { Discovery, FoundField } from "../../../functions/discover/discovery.ts";
import { parseExact } from "../../../functions/discover/exact-json.ts";
import { observe } from "../../../functions/discover/observe.ts";
import { propose, type Proposal } from "../../../functions/discover/proposal.ts";
import { renderEntry } from "../../../functions/discover/render.ts";
import { typeArbitrary } from "../../catalog/schema/arbitrary-entries.ts";
import { importProposal } from "./entry-file.ts";

function found(name: string, type: ColumnType, more: Partial<FoundField> = {}): FoundField {
  return {
    ...{ path: [name], type, sourceType: "any", isKey: false, description: null, observed: null },
    ...{ isSortable: type === "timestamp" || type === "long", remarks: [] },
    ...more,
  };
}

function index(fields: readonly FoundField[], more: Partial<Discovery> = {}): Discovery {
  return {
    ...{ system: "elasticsearch", place: { index: "things-*" }, description: null, fields },
    ...{ sampledDocuments: 0, sampledIds: [], refreshSeconds: 1, remarks: [] },
    ...more,
  };
}

/** As the file that is written would be. */
function entryOf(proposal: Proposal): Table {
  const { name, owner, description, from, key, cursor, deletes } = proposal;
  const columns = proposal.columns.map((column) =>
    Object.fromEntries(Object.entries(column).filter(([member]) => member !== "remarks")),
  );
  const source = "index" in from ? search : events;
  const entry = { name, owner, description, source, from, key, deletes, columns };
  return { ...entry, ...(cursor === null ? {} : { cursor }) } as unknown as Table;
}

const mistakesIn = (entry: Table): unknown[] => [...mistakesInEntry(entry, () => true)];

const isAbout = (proposal: Proposal, subject: string): string[] =>
  proposal.remarks.filter((remark) => remark.startsWith(`${subject}: `));

describe("the cursor", () => {
  test("is the field that looks as if each change raised it", () => {
    const fields = [found("createdAt", "timestamp"), found("updatedAt", "timestamp")];
    const proposal = propose(index(fields, { refreshSeconds: 30 }), "search");
    expect(proposal.cursor).toEqual({ column: "updated_at", lagSeconds: 31, overlapSeconds: 60 });
    expect(isAbout(proposal, "Cursor")).toEqual([]);
  });

  test("two that look alike are both named", () => {
    const fields = [found("updated_at", "timestamp"), found("modifiedOn", "timestamp")];
    const proposal = propose(index(fields), "search");
    expect(isAbout(proposal, "Cursor")[0]).toContain("updated_at and modified_on look alike");
  });

  test("a time of creation is taken with a warning", () => {
    const proposal = propose(index([found("created", "timestamp")]), "search");
    expect(proposal.cursor?.column).toBe("created");
    expect(isAbout(proposal, "Cursor")[0]).toContain("looks like the time of creation");
  });

  test("none: the whole index is read, and the dates that there are are named", () => {
    const proposal = propose(index([found("dueDate", "timestamp")]), "search");
    expect(proposal.cursor).toBeNull();
    expect(proposal.deletes).toEqual({ way: "absence" });
    expect(isAbout(proposal, "Cursor")[0]).toContain("due_date");
    expect(mistakesIn(entryOf(proposal))).toEqual([]);
  });

  test("sampled documents without it are counted", () => {
    const observed = observe(['{"updated_at":1}', "{}"].map(parseExact));
    const field = found("updated_at", "timestamp", {
      observed: observed.children.get("updated_at") ?? null,
    });
    const proposal = propose(index([field], { sampledDocuments: 2 }), "search");
    expect(isAbout(proposal, "Cursor")[0]).toContain("1 of 2 sampled documents have no updated_at");
  });
});

describe("the key", () => {
  test("is _id, unless a field equals it in every sampled document", () => {
    expect(propose(index([found("x", "long")]), "search").columns[0]).toMatchObject({
      ...{ name: "id", path: ["_id"], nullable: false },
    });
    const documents = ['{"leadId":"a"}', '{"leadId":"b"}'].map(parseExact);
    const field = found("leadId", "string", {
      observed: observe(documents).children.get("leadId") ?? null,
    });
    const sampled = { sampledDocuments: 2, sampledIds: ["a", "b"] };
    const proposal = propose(index([field], sampled), "search");
    expect(proposal.key).toEqual(["lead_id"]);
    expect(proposal.columns[0]).toMatchObject({ path: ["leadId"], nullable: false });
    const other = propose(index([field], { ...sampled, sampledIds: ["a", "c"] }), "search");
    expect(other.key).toEqual(["id"]);
    expect(isAbout(other, "Key")[0]).toContain("lead_id");
  });

  test("of Cassandra is its own, also where a warehouse makes no key of its types", () => {
    const fields = [
      found("bucket", "double", { isKey: true }),
      found("tags", { list: "string" }, { isKey: true }),
      found("v", "long"),
    ];
    const discovery: Discovery = {
      ...index(fields),
      ...{ system: "cassandra", place: { keyspace: "k", table: "Things" } },
    };
    const proposal = propose(discovery, "events");
    expect(proposal).toMatchObject({ name: "things", key: ["bucket", "tags"], cursor: null });
    expect(proposal.columns.map(({ type }) => type)).toEqual(["string", "string", "long"]);
    expect(mistakesIn(entryOf(proposal))).toEqual([]);
  });
});

test("a mark of deleted rows is taken for deletes", () => {
  const fields = [found("updatedAt", "timestamp"), found("isDeleted", "boolean")];
  expect(propose(index(fields), "search").deletes).toEqual({
    ...{ way: "soft-delete", column: "is_deleted" },
  });
});

test("names that no warehouse takes are changed, and the source's own are kept as paths", () => {
  const fields = ["@timestamp", "User", "user", "2nd", "Ünïcode", "order", "a".repeat(80), "日本"];
  const proposal = propose(index(fields.map((name) => found(name, "timestamp"))), "search");
  expect(proposal.columns.slice(1).map(({ name }) => name)).toEqual([
    ...["timestamp_at", "user_at", "user_at_2", "n_2nd", "unicode", "order_at", "a".repeat(63)],
    "field",
  ]);
  expect(proposal.columns[1]?.path).toEqual(["@timestamp"]);
  expect(mistakesIn(entryOf(proposal))).toEqual([]);
});

test.each([
  ["email", "string", '"x"', "an e-mail address by its name"],
  ["contact", "string", '"a@b.de"', "e-mail addresses among the sampled values"],
  ["peer", "string", '"10.0.0.1"', "internet addresses among the sampled values"],
  ["owner", "json", '{"birthDate":"x"}', "birthDate inside"],
] as const)("%s may be personal data: %s", (name, type, value, reason) => {
  const observed = observe([parseExact(`{"f":${value}}`)]).children.get("f") ?? null;
  const field = found(name, type, { observed });
  const [, column] = propose(index([field], { sampledDocuments: 1 }), "search").columns;
  expect(column?.personal).toBe(true);
  expect(column?.remarks.join()).toContain(reason);
});

test("more fields than a warehouse's table has columns: the emptiest are left out and named", () => {
  const fields = Array.from({ length: 1700 }, (_, n) => found(`f${n}`, "string"));
  fields.push(found("updated_at", "timestamp"));
  const proposal = propose(index(fields), "search");
  expect(proposal.columns).toHaveLength(1599);
  expect(proposal.columns.some(({ name }) => name === "updated_at")).toBe(true);
  expect(proposal.remarks.join()).toContain("f1699");
  expect(mistakesIn(entryOf(proposal))).toEqual([]);
});

const fieldArbitrary = fc
  .record({
    name: fc.oneof(
      fc.string({ minLength: 1, unit: "grapheme" }).filter((name) => name !== "_id"),
      fc.constantFrom("id", "select", "updatedAt", "deleted_at", "price", "e-mail", "a.b"),
    ),
    type: typeArbitrary,
    isSortable: fc.boolean(),
    description: fc.option(fc.string({ minLength: 1 }).map((text) => `x ${text}`)),
    remarks: fc.array(fc.string({ maxLength: 200 }), { maxLength: 2 }),
  })
  .map(({ name, type, ...more }) => found(name, type, more));

test(
  "any proposal is an entry without a mistake, in the project's format",
  { timeout: 60_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fieldArbitrary, {
          ...{ minLength: 1, maxLength: 8, selector: ({ path }) => path.join() },
        }),
        fc.boolean(),
        async (fields, isIndex) => {
          const [first, ...rest] = fields;
          if (first === undefined) return;
          const discovery: Discovery = isIndex
            ? index(fields)
            : {
                ...index([{ ...first, isKey: true }, ...rest]),
                ...{ system: "cassandra", place: { keyspace: "k", table: "t" } },
              };
          const proposal = propose(discovery, isIndex ? "search" : "events");
          expect(mistakesIn(entryOf(proposal))).toEqual([]);
          const options = { sourceVariable: proposal.source };
          const text = await formatted(renderEntry(proposal, options));
          expect(await check(text, { parser: "typescript", printWidth: 100 })).toBe(true);
        },
      ),
      { numRuns: 40 },
    );
  },
);

test("the file says the same as the proposal", async () => {
  const fields = [
    found("updated_at", "timestamp", { remarks: ['it\'s "odd"\nreally */ `${x}`'] }),
    found("Sum", { decimal: [12, 2] }, { description: 'Back\\slash \u2028 and "quotes".' }),
    found("parts", {
      list: { struct: [{ name: "a", type: { map: "long" }, from: "A-b" }] },
    }),
    found("when", { timestamp: "epoch_seconds" }),
  ];
  const proposal = propose(index(fields), "search");
  const { entry, text } = await importProposal(proposal);
  expect(JSON.parse(JSON.stringify(entry))).toEqual(JSON.parse(JSON.stringify(entryOf(proposal))));
  expect(text).toContain('// TODO: it\'s "odd" really */ `${x}`');
});
